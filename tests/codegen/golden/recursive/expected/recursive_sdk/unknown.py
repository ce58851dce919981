"""Members of the open unions of the recursive protocol 0.1.0 that this version does not know.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from typing import ClassVar

from duologue import UnknownVariant


class UnknownExpr(UnknownVariant):
    """A member of `Expr` that this version does not know; all it carried is in `model_extra`."""

    known_tags: ClassVar[frozenset[str]] = frozenset({"num", "add"})
    tag_field: ClassVar[str] = "op"
    op: str
