"""What a server of the every-thing protocol 2.10.0-rc.1 may ask of its clients.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

# Namespaces stand on private members of the class that they are part of.
# pyright: reportPrivateUsage=false
from __future__ import annotations

from datetime import timedelta

from duologue import CallOptions, Peer, Stream
from typing_extensions import deprecated

from . import actions
from .models import AllDone, AllOfItByKeyValue, AllOfItInner, AllOfItItem, AllOfItManyItem, AllOfItParams, AskParams


class EveryAgent(Peer):
    """The client at the other end of a connection, and what it may be asked for."""

    @deprecated("Deprecated: use `nothing`.")
    def all_of_it(
        self,
        *,
        a: str,
        b: int | None = None,
        c: bool = False,
        timeout_: timedelta,
        options_: str | None = None,
        self_: str,
        inner: AllOfItInner,
        many: list[AllOfItManyItem],
        by_key: dict[str, AllOfItByKeyValue],
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> Stream[AllOfItItem, AllDone]:
        """Most of an action.

        Since version 1.10.

        Deprecated: use `nothing`.

        Args:
            c: Default: `false`.
            timeout: Seconds until the caller gives up; no end by default.

        Raises:
            Busy: Busy; come back.
            BadName: The name is bad.
            PageLostError: Page.lost
        """
        return self._stream(
            actions.ALL_OF_IT,
            AllOfItParams(
                a=a, b=b, c=c, timeout_=timeout_, options_=options_, self_=self_, inner=inner, many=many, by_key=by_key
            ),
            timeout,
            options,
        )

    async def ask(self, *, question: str, timeout: float | None = None, options: CallOptions | None = None) -> str:
        """Call `ask`.

        Args:
            timeout: Seconds until the caller gives up; 0.5 by default.

        Raises:
            Busy: Busy; come back.
        """
        return await self._call(actions.ASK, AskParams(question=question), timeout, options)
