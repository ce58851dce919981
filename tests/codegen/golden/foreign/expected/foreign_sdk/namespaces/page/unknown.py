"""Members of the open unions of the namespace `Page` of the foreign protocol 1.3.0 that this version does not
know.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from typing import ClassVar

from duologue import UnknownVariant


class UnknownPageBoth(UnknownVariant):
    """A member of `PageBoth` that this version does not know; all it carried is in `model_extra`."""

    known_tags: ClassVar[frozenset[str]] = frozenset({"first", "second"})
    tag_field: ClassVar[str] = "kind"
    kind: str
