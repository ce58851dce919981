"""Types of the namespace `Net` of the foreign protocol 1.3.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from typing import TYPE_CHECKING, ClassVar

from duologue import Base64, Event, Later, Model, Params
from typing_extensions import TypeAliasType

from ..page.values import PageKind
from .values import NetId, NetKind

if TYPE_CHECKING:
    from ..page.models import PageFrame, PageFrames
else:
    PageFrame = Later("..page.models", "PageFrame", __name__)
    PageFrames = Later("..page.models", "PageFrames", __name__)


class NetRequest(Model):
    id: NetId
    initiator: PageFrame | None = None
    redirect: "NetRequest | None" = None
    frames: PageFrames
    kind: NetKind = NetKind.IMAGE


class NetFrame(Model):
    """Called as in another namespace."""

    id: NetId
    page: PageFrame
    data: Base64


NetRequests = TypeAliasType("NetRequests", dict[str, list[NetRequest]])


class NetFetchParams(Params):
    request: NetRequest
    via: PageFrames | None = None
    kind: PageKind = PageKind.POPUP


class NetSent(Event):
    event_name: ClassVar[str] = "Net.sent"
    request: NetRequest
    kind: PageKind = PageKind.TAB
