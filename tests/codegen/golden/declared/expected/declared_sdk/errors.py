"""Declared errors of the declared protocol 1.0.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import ClassVar

from duologue import Declared, Unavailable

from .models import BusyDetails


class Busy(Declared[BusyDetails], Unavailable):
    """busy"""

    code: ClassVar[str] = "busy"
    number: ClassVar[int | None] = 503
    text: ClassVar[str] = "busy"

    def __init__(self, message: str | None = None, /, *, until: str) -> None:
        super().__init__(message, BusyDetails(until=until))
