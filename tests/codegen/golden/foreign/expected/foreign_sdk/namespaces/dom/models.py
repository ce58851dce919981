"""Types of the namespace `DOM` of the foreign protocol 1.3.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from typing import TYPE_CHECKING, Annotated, ClassVar

from duologue import Event, Later, Model, Params
from pydantic import Field

from ..page.values import PageFrameId

if TYPE_CHECKING:
    from ..page.models import PageFrame
else:
    PageFrame = Later("..page.models", "PageFrame", __name__)


class DOMNode(Model):
    node_id: Annotated[int, Field(alias="nodeId")]
    children: "list[DOMNode] | None" = None
    frame: PageFrame | None = None
    not_: Annotated[bool, Field(alias="not")] = False
    """Named like a keyword.

    Experimental: it may change or go in any version.
    """
    or_: Annotated[str | None, Field(alias="or")] = None


class DOMGetNodeParams(Params):
    node_id: Annotated[int, Field(alias="nodeId")]
    deep: bool | None = None
    frame_id: Annotated[PageFrameId, Field(alias="frameId")]


class DOMNodeAdded(Event):
    event_name: ClassVar[str] = "DOM.nodeAdded"
    node: DOMNode
