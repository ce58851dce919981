"""Enums of the namespace `Net` of the foreign protocol 1.3.0, and names of scalars.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from enum import StrEnum

from typing_extensions import TypeAliasType

NetId = TypeAliasType("NetId", str)


class NetKind(StrEnum):
    DOCUMENT = "document"
    IMAGE = "image"
