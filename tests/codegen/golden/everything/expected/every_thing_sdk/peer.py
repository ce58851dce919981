"""What a server of the every-thing protocol 2.10.0-rc.1 may ask of its clients.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from duologue import Body, CallOptions, Download, Later, Peer, Stream, UnknownValue
from typing_extensions import deprecated

from . import actions
from .models import (
    AllDone,
    AllOfItByKeyValue,
    AllOfItInner,
    AllOfItItem,
    AllOfItManyItem,
    AllOfItParams,
    AskParams,
    GetParams,
    GetResult,
    Mood,
    Name,
    PutParams,
    Shape,
)

if TYPE_CHECKING:
    from .namespaces.page.peer import EveryAgentPage
else:
    EveryAgentPage = Later(".namespaces.page.peer", "EveryAgentPage", __name__)


class EveryAgent(Peer):
    """The client at the other end of a connection, and what it may be asked for."""

    @cached_property
    def page(self) -> EveryAgentPage:
        """The namespace `Page`."""
        from .namespaces.page.peer import EveryAgentPage

        return EveryAgentPage(self)

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

    async def put(
        self,
        body: Body,
        /,
        *,
        name: Name,
        body_: str,
        mood: Mood | UnknownValue = Mood.SAD,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> Shape | None:
        """Take bytes.

        Args:
            body: Bytes, path, file or async iterable: `image/png`, 1 GiB at most, not resumable.
            name: A name.
            mood: Default: `"sad"`.
            timeout: Seconds until the caller gives up; no end by default.

        Raises:
            Busy: Busy; come back.
        """
        return await self._upload(actions.PUT, PutParams(name=name, body_=body_, mood=mood), body, timeout, options)

    @deprecated("Deprecated: use `Page.shot`.")
    def get(
        self, *, name: Name, body: str | None = None, timeout: float | None = None, options: CallOptions | None = None
    ) -> Download[GetResult]:
        """Give bytes.

        Deprecated: use `Page.shot`.

        Iterate over what this returns for the bytes (`text/plain; charset=utf-8`, 1000 bytes at most), then
        ask for its `result`.

        Args:
            name: A name.
            timeout: Seconds until the caller gives up; 0.5 by default.

        Raises:
            Busy: Busy; come back.
        """
        return self._download(actions.GET, GetParams(name=name, body=body), timeout, options)
