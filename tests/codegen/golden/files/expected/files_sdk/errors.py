"""Declared errors of the files protocol 1.0.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import ClassVar

from duologue import Declared, NotFound

from .models import NoFileDetails


class NoFile(Declared[NoFileDetails], NotFound):
    """There is no file {name}."""

    code: ClassVar[str] = "no_file"
    text: ClassVar[str] = "There is no file {name}."

    def __init__(self, message: str | None = None, /, *, name: str) -> None:
        super().__init__(message, NoFileDetails(name=name))
