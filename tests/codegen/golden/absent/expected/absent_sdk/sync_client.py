"""Client of the absent protocol 0.1.0 for synchronous code.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from datetime import date as _date
from functools import cached_property
from uuid import UUID

from duologue import CallOptions, SyncClient, UnknownValue
from pydantic import MISSING

from . import actions as _actions
from .events import AbsentSyncEvents
from .models import DateParams, Mood, Patch, PatchParams


class AbsentSyncClient(SyncClient):
    """What is absent is not null."""

    @cached_property
    def events(self) -> AbsentSyncEvents:
        """The events of the server: one method each, with typed filters."""
        return AbsentSyncEvents(self._portal, self._client)

    def date(
        self,
        *,
        date: _date | MISSING = MISSING,
        actions: list[str],
        uuid: UUID,
        when: _date = _date(2026, 1, 2),
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> _date | None:
        """Call `date`.

        Args:
            when: Default: `"2026-01-02"`.
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return self._call(_actions.DATE, DateParams(date=date, actions=actions, uuid=uuid, when=when), timeout, options)

    def patch(
        self,
        *,
        patch: Patch,
        errors: list[Mood | UnknownValue] | None | MISSING = MISSING,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> Mood | UnknownValue:
        """Call `patch`.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return self._call(_actions.PATCH, PatchParams(patch=patch, errors=errors), timeout, options)
