"""Types of the files protocol 1.0.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from typing import Annotated

from duologue import Model, Params
from pydantic import Field


class Kept(Model):
    """A file that is kept."""

    name: str
    size: int
    sha256: str


class NoFileDetails(Model):
    name: str


class PutParams(Params):
    """Keep a file."""

    name: str
    body_: Annotated[str, Field(alias="body")] = ""
    """A remark."""


class GetParams(Params):
    """Get a file."""

    name: str
