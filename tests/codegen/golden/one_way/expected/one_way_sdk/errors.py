"""Declared errors of the one-way protocol 0.1.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import ClassVar

from duologue import Declared, Internal


class Broken(Declared[None], Internal):
    """broken"""

    code: ClassVar[str] = "broken"
    text: ClassVar[str] = "broken"
    retry_after: float | None = 5.0

    def __init__(self, message: str | None = None, /) -> None:
        super().__init__(message, None)
