"""Types of the namespace `Page` of the every-thing protocol 2.10.0-rc.1.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from typing import ClassVar

from duologue import Event, Model, Params

from ...models import Tree
from .values import PageId, PageName


class PageFrame(Model):
    id: PageId
    parent: "PageFrame | None" = None
    tree: Tree
    name: PageName | None = None


class PageGoneDetails(Model):
    id: PageId


class PageOpenParams(Params):
    frame: PageFrame


class PageNavigateParams(Params):
    frame: PageFrame
    url: str


class PageCloseParams(Params):
    pass


class PageShotParams(Params):
    frame: PageFrame


class PageLoadParams(Params):
    frame: PageFrame


class PageFrameNavigated(Event):
    event_name: ClassVar[str] = "Page.frameNavigated"
    frame: PageFrame


class PageClosed(Event):
    event_name: ClassVar[str] = "Page.closed"
    frame: PageFrame
