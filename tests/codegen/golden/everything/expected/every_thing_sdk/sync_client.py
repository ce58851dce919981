"""Client of the every-thing protocol 2.10.0-rc.1 for synchronous code.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

# Namespaces stand on private members of the class that they are part of.
# pyright: reportPrivateUsage=false
from __future__ import annotations

from datetime import timedelta
from functools import cached_property

from duologue import CallOptions, SyncClient, SyncStream
from typing_extensions import deprecated

from . import actions
from .events import EverySyncEvents
from .models import (
    AllDone,
    AllOfItByKeyValue,
    AllOfItInner,
    AllOfItItem,
    AllOfItManyItem,
    AllOfItParams,
    BothWays,
    CloseParams,
    ListParams,
    ListResult,
    MaybeParams,
    MoreParams,
    Name,
    NothingParams,
    PageCloseParams,
    PageFrame,
    PageNavigateParams,
    PageOpenParams,
    Shape,
    TypedParams,
    Typing,
)


class EverySyncPage:
    """Actions of one namespace."""

    def __init__(self, owner: EverySyncClient) -> None:
        self._owner = owner

    def open_(self, *, frame: PageFrame, timeout: float | None = None, options: CallOptions | None = None) -> None:
        """Call `Page.open`.

        Args:
            timeout: Seconds until the caller gives up; 0.5 by default.

        Raises:
            Busy: Busy; come back.
        """
        return self._owner._call(actions.PAGE_OPEN, PageOpenParams(frame=frame), timeout, options)

    def navigate(
        self, *, frame: PageFrame, url: str, timeout: float | None = None, options: CallOptions | None = None
    ) -> None:
        """Call `Page.navigate`.

        Args:
            timeout: Seconds until the caller gives up; 0.5 by default.

        Raises:
            Busy: Busy; come back.
            PageGone: No {id}.
        """
        return self._owner._call(actions.PAGE_NAVIGATE, PageNavigateParams(frame=frame, url=url), timeout, options)

    def close_(self, *, timeout: float | None = None, options: CallOptions | None = None) -> None:
        """Call `Page.close`.

        Args:
            timeout: Seconds until the caller gives up; 0.5 by default.

        Raises:
            Busy: Busy; come back.
        """
        return self._owner._call(actions.PAGE_CLOSE, PageCloseParams(), timeout, options)


class EverySyncClient(SyncClient):
    """One of everything."""

    @cached_property
    def events(self) -> EverySyncEvents:
        """The events of the server: one method each, with typed filters."""
        return EverySyncEvents(self._portal, self._client)

    def notify(self, event: Typing | BothWays) -> None:
        """Send an event to the server. There is no answer."""
        self._notify(event)

    @cached_property
    def page(self) -> EverySyncPage:
        return EverySyncPage(self)

    def nothing(self, *, timeout: float | None = None, options: CallOptions | None = None) -> None:
        """Call `nothing`.

        Args:
            timeout: Seconds until the caller gives up; 0.5 by default.

        Raises:
            Busy: Busy; come back.
        """
        return self._call(actions.NOTHING, NothingParams(), timeout, options)

    def close_(self, *, timeout: float | None = None, options: CallOptions | None = None) -> None:
        """Named like a member of the client.

        Args:
            timeout: Seconds until the caller gives up; 0.5 by default.

        Raises:
            Busy: Busy; come back.
        """
        return self._call(actions.CLOSE, CloseParams(), timeout, options)

    def list_(
        self, *, cursor: str | None = None, timeout: float | None = None, options: CallOptions | None = None
    ) -> ListResult:
        """Call `list`.

        Args:
            timeout: Seconds until the caller gives up; 0.5 by default.

        Raises:
            Busy: Busy; come back.
        """
        return self._call(actions.LIST, ListParams(cursor=cursor), timeout, options)

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
    ) -> SyncStream[AllOfItItem, AllDone]:
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

    def typed(
        self, *, a: str, b: int | None = None, timeout: float | None = None, options: CallOptions | None = None
    ) -> Shape | None:
        """Call `typed`.

        Args:
            timeout: Seconds until the caller gives up; 0.5 by default.

        Raises:
            Busy: Busy; come back.
        """
        return self._call(actions.TYPED, TypedParams(a=a, b=b), timeout, options)

    def maybe(self, *, timeout: float | None = None, options: CallOptions | None = None) -> Name | None:
        """Call `maybe`.

        Args:
            timeout: Seconds until the caller gives up; 0.5 by default.

        Raises:
            Busy: Busy; come back.
        """
        return self._call(actions.MAYBE, MaybeParams(), timeout, options)

    def more(self, *, timeout: float | None = None, options: CallOptions | None = None) -> Name:
        """Call `more`.

        Args:
            timeout: Seconds until the caller gives up; 0.5 by default.

        Raises:
            Busy: Busy; come back.
        """
        return self._call(actions.MORE, MoreParams(), timeout, options)
