"""Types of the foreign protocol 1.3.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Annotated, ClassVar, Literal

from duologue import Base64, Event, Model, Params
from pydantic import MISSING, Field
from typing_extensions import TypeAliasType

from .unknown import UnknownPageBoth

Value = TypeAliasType("Value", "str | Annotated[float, Field(allow_inf_nan=False)] | bool | Values | ValueMap | None")


Values = TypeAliasType("Values", list[Value])


ValueMap = TypeAliasType("ValueMap", dict[str, Value])


Nested = TypeAliasType("Nested", "list[Nested]")


class Leaf(Model):
    leaf: str


Either = TypeAliasType("Either", "Leaf | Eithers")


Eithers = TypeAliasType("Eithers", list[Either])


PageFrameId = TypeAliasType("PageFrameId", str)


NetId = TypeAliasType("NetId", str)


class NetKind(StrEnum):
    DOCUMENT = "document"
    IMAGE = "image"


class DOMNode(Model):
    node_id: Annotated[int, Field(alias="nodeId")]
    children: list[DOMNode] | None = None
    frame: PageFrame | None = None
    not_: Annotated[bool, Field(alias="not")] = False
    """Named like a keyword.

    Experimental: it may change or go in any version.
    """
    or_: Annotated[str | None, Field(alias="or")] = None


class NetRequest(Model):
    id: NetId
    initiator: PageFrame | None = None
    redirect: NetRequest | None = None
    frames: PageFrames
    kind: NetKind = NetKind.IMAGE


class PageFrame(Model):
    id: PageFrameId
    request: NetRequest | None = None
    parent: PageFrame | None = None
    node: DOMNode | None = None


PageFrames = TypeAliasType("PageFrames", list[PageFrame])


class Signs(StrEnum):
    EMPTY = ""
    PLUS = "+"
    MINUS = "-"
    NONE = "None"
    NOT = "not"
    ONE = "1"
    VALUE_1 = "-1"
    MRO = "mro"
    A_B = "a b"
    A = "ä"
    HAN = "漢"


class Ends(IntEnum):
    VALUE_0 = 0
    MINUS_1 = -1
    VALUE_9007199254740991 = 9007199254740991


class Presence(Model):
    a: str | MISSING | None = MISSING
    bee: Annotated[str | MISSING, Field(alias="b")] = MISSING
    c: str | None = None
    d: str | None = None
    e: str | None


class Names(Model):
    """Experimental: it may change or go in any version."""

    foo_bar_2: Annotated[str, Field(alias="fooBar")]
    foo_bar: str
    grosse: Annotated[int | None, Field(alias="Größe")] = None
    with_dot: Annotated[int, Field(alias="with.dot")]
    with_space: Annotated[int, Field(alias="with space")]
    with_slash: Annotated[int, Field(alias="with/slash#")]
    ref: Annotated[str, Field(alias="$ref")]
    n1st: Annotated[str, Field(alias="1st")]
    print: str
    type: str
    id: str
    object_: Annotated[str, Field(alias="object")]
    list_: Annotated[list[str], Field(alias="list")]
    field_model_validate: Annotated[str, Field(alias="model_validate")]
    validate_: Annotated[str | None, Field(alias="validate")] = None
    at_type: Annotated[str | None, Field(alias="@type")] = None


class NetFrame(Model):
    """Called as in another namespace."""

    id: NetId
    page: PageFrame
    data: Base64


NetRequests = TypeAliasType("NetRequests", dict[str, list[NetRequest]])


class PageKind(StrEnum):
    TAB = "tab"
    POPUP = "popup"


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


class TextDocumentDidOpenParams(Params):
    text: str | None = None
    uri: str
    version: int | None = None
    language_id: Annotated[str, Field(alias="languageId")]


class CancelRequestParams(Params):
    id: int | str


class N2faParams(Params):
    pass


class GrosseOffnenParams(Params):
    pass


class ABCParams(Params):
    names: Names


class TraceV2StartParams(Params):
    pass


class DOMGetNodeParams(Params):
    node_id: Annotated[int, Field(alias="nodeId")]
    deep: bool | None = None
    frame_id: Annotated[PageFrameId, Field(alias="frameId")]


class CloseParams(Params):
    """Named like a member of every client."""


class PrintParams(Params):
    pass


class NetFetchParams(Params):
    request: NetRequest
    via: PageFrames | None = None
    kind: PageKind = PageKind.POPUP


class PageNavigateParams(Params):
    url: str
    frame: PageFrameId | None = None
    after: NetRequest


class PageWatchParams(Params):
    kind: NetKind


class PageAskParams(Params):
    node: DOMNode


class WindowShowMessage(Event):
    event_name: ClassVar[str] = "window/showMessage"
    message: str


class ABChanged(Event):
    """Experimental: it may change or go in any version."""

    event_name: ClassVar[str] = "a.b.changed"
    value: Value


class DOMNodeAdded(Event):
    event_name: ClassVar[str] = "DOM.nodeAdded"
    node: DOMNode


class NetSent(Event):
    event_name: ClassVar[str] = "Net.sent"
    request: NetRequest
    kind: PageKind = PageKind.TAB


class PageNavigated(Event):
    event_name: ClassVar[str] = "Page.navigated"
    frame: PageFrame
    request: NetRequest


class PageBlurred(Event):
    event_name: ClassVar[str] = "Page.blurred"
    node: DOMNode | None = None


DOMNode.model_rebuild()
NetRequest.model_rebuild()
PageFrame.model_rebuild()
