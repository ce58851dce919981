"""Declared errors of the foreign protocol 1.3.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from duologue import DataLoss, Declared, Later, NotFound

from .namespaces.net.values import NetId, NetKind

if TYPE_CHECKING:
    from .namespaces.page.models import PageLostDetails
else:
    PageLostDetails = Later(".namespaces.page.models", "PageLostDetails", __name__)


class N32601NotFound(Declared[None], NotFound):
    """There is no such method."""

    code: ClassVar[str] = "-32601 not found"
    text: ClassVar[str] = "There is no such method."

    def __init__(self, message: str | None = None, /) -> None:
        super().__init__(message, None)


class DOMGone(Declared[None], NotFound):
    """DOM.gone

    Experimental: it may change or go in any version.

    Deprecated.
    """

    code: ClassVar[str] = "DOM.gone"
    text: ClassVar[str] = "DOM.gone"

    def __init__(self, message: str | None = None, /) -> None:
        super().__init__(message, None)


class PageLost(Declared[PageLostDetails], DataLoss):
    """Lost {request}."""

    code: ClassVar[str] = "Page.lost"
    text: ClassVar[str] = "Lost {request}."

    def __init__(self, message: str | None = None, /, *, request: NetId, kind: NetKind = NetKind.IMAGE) -> None:
        super().__init__(message, PageLostDetails(request=request, kind=kind))
