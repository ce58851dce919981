"""Types of the namespace `Page` of the foreign protocol 1.3.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from duologue import Event, Later, Model, Params
from pydantic import Field
from typing_extensions import TypeAliasType

from ..net.values import NetId, NetKind
from .unknown import UnknownPageBoth
from .values import PageFrameId

if TYPE_CHECKING:
    from ..dom.models import DOMNode
    from ..net.models import NetFrame, NetRequest, NetRequests
else:
    DOMNode = Later("..dom.models", "DOMNode", __name__)
    NetFrame = Later("..net.models", "NetFrame", __name__)
    NetRequest = Later("..net.models", "NetRequest", __name__)
    NetRequests = Later("..net.models", "NetRequests", __name__)


class PageFrame(Model):
    id: PageFrameId
    request: NetRequest | None = None
    parent: "PageFrame | None" = None
    node: DOMNode | None = None


PageFrames = TypeAliasType("PageFrames", list[PageFrame])


class PageFirst(Model):
    kind: Literal["first"] = "first"
    frame: NetFrame


PageShown = TypeAliasType("PageShown", PageFirst | NetFrame)


class PageSecond(Model):
    kind: Literal["second"] = "second"
    all: NetRequests


PageBoth = TypeAliasType(
    "PageBoth",
    Annotated[
        Annotated[PageFirst | PageSecond, Field(discriminator="kind")] | UnknownPageBoth,
        Field(union_mode="left_to_right"),
    ],
)
"""Open: later versions may add members, which arrive as `UnknownPageBoth`."""


class PageLostDetails(Model):
    request: NetId
    kind: NetKind = NetKind.IMAGE


class PageNavigateParams(Params):
    url: str
    frame: PageFrameId | None = None
    after: NetRequest


class PageWatchParams(Params):
    kind: NetKind


class PageAskParams(Params):
    node: DOMNode


class PageNavigated(Event):
    event_name: ClassVar[str] = "Page.navigated"
    frame: PageFrame
    request: NetRequest


class PageBlurred(Event):
    event_name: ClassVar[str] = "Page.blurred"
    node: DOMNode | None = None
