"""Actions of the namespace `Page` of the foreign protocol 1.3.0: one descriptor each, which both ends share.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from duologue import Action, Effect, Later, StreamAction, deferred

from ...errors import PageLost
from .models import PageAskParams, PageBoth, PageNavigateParams, PageShown, PageWatchParams
from .values import PageKind

if TYPE_CHECKING:
    from ..net.models import NetFrame
else:
    NetFrame = Later("..net.models", "NetFrame", __name__)

PAGE_NAVIGATE: Final[Action[PageNavigateParams, PageShown]] = Action(
    name="Page.navigate",
    params=PageNavigateParams,
    result=deferred(PageShown),
    scope=(),
    effect=Effect.UNSAFE,
    errors=(PageLost,),
    timeout=30.0,
)
PAGE_WATCH: Final[StreamAction[PageWatchParams, PageBoth, NetFrame | None]] = StreamAction(
    name="Page.watch",
    params=PageWatchParams,
    item=deferred(PageBoth),
    result=deferred(NetFrame | None),
    scope=(),
    effect=Effect.UNSAFE,
    timeout=30.0,
)
PAGE_ASK: Final[Action[PageAskParams, PageKind]] = Action(
    name="Page.ask",
    params=PageAskParams,
    result=deferred(PageKind),
    scope=(),
    effect=Effect.UNSAFE,
    timeout=30.0,
)
