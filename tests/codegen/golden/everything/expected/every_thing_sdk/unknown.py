"""Members of the open unions of the every-thing protocol 2.10.0-rc.1 that this version does not know.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from typing import ClassVar

from duologue import UnknownVariant


class UnknownShape(UnknownVariant):
    """A member of `Shape` that this version does not know; all it carried is in `model_extra`."""

    known_tags: ClassVar[frozenset[str]] = frozenset({"circle", "square"})
    tag_field: ClassVar[str] = "kind"
    kind: str
