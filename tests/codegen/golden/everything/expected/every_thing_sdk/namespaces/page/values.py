"""Enums of the namespace `Page` of the every-thing protocol 2.10.0-rc.1, and names of scalars.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypeAliasType

PageId = TypeAliasType("PageId", Annotated[str, Field(max_length=32)])


PageName = TypeAliasType("PageName", str)
"""Not the one of the root."""
