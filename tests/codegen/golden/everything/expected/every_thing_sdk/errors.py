"""Declared errors of the every-thing protocol 2.10.0-rc.1.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from duologue import DataLoss, Declared, InvalidArgument, Later, NotFound, Unavailable

from .models import BadNameDetails, FromTypeDetails, Name
from .namespaces.page.values import PageId

if TYPE_CHECKING:
    from .namespaces.page.models import PageGoneDetails
else:
    PageGoneDetails = Later(".namespaces.page.models", "PageGoneDetails", __name__)


class Busy(Declared[None], Unavailable):
    """Busy; come back."""

    code: ClassVar[str] = "busy"
    text: ClassVar[str] = "Busy; come back."
    retry_after: float | None = 60.0

    def __init__(self, message: str | None = None, /) -> None:
        super().__init__(message, None)


class BadName(Declared[BadNameDetails], InvalidArgument):
    """The name is bad."""

    code: ClassVar[str] = "bad_name"
    text: ClassVar[str] = "Not {{good}}: {name}, {from}, {message}."

    def __init__(
        self, message: str | None = None, /, *, a: str, name: Name, from_: str | None = None, message_: str, self_: str
    ) -> None:
        super().__init__(message, BadNameDetails(a=a, name=name, from_=from_, message_=message_, self_=self_))


class FromType(Declared[FromTypeDetails], NotFound):
    """from_type"""

    code: ClassVar[str] = "from_type"
    text: ClassVar[str] = "from_type"

    def __init__(self, message: str | None = None, /, *, a: str, b: int | None = None) -> None:
        super().__init__(message, FromTypeDetails(a=a, b=b))


class PageLostError(Declared[None], DataLoss):
    """Page.lost"""

    code: ClassVar[str] = "Page.lost"
    text: ClassVar[str] = "Page.lost"

    def __init__(self, message: str | None = None, /) -> None:
        super().__init__(message, None)


class PageGone(Declared[PageGoneDetails], NotFound):
    """No {id}."""

    code: ClassVar[str] = "Page.gone"
    text: ClassVar[str] = "No {id}."

    def __init__(self, message: str | None = None, /, *, id: PageId) -> None:
        super().__init__(message, PageGoneDetails(id=id))
