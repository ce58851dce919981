"""Enums of the namespace `Page` of the foreign protocol 1.3.0, and names of scalars.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from enum import StrEnum

from typing_extensions import TypeAliasType

PageFrameId = TypeAliasType("PageFrameId", str)


class PageKind(StrEnum):
    TAB = "tab"
    POPUP = "popup"
