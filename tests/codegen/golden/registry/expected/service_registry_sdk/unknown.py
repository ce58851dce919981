"""Members of the open unions of the service-registry protocol 1.0.0 that this version does not know.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from typing import ClassVar

from duologue import UnknownVariant


class UnknownExecutionInfo(UnknownVariant):
    """A member of `ExecutionInfo` that this version does not know; all it carried is in `model_extra`."""

    known_tags: ClassVar[frozenset[str]] = frozenset({"managed_process", "docker_container", "systemd_service"})
    tag_field: ClassVar[str] = "kind"
    kind: str


class UnknownLocation(UnknownVariant):
    """A member of `Location` that this version does not know; all it carried is in `model_extra`."""

    known_tags: ClassVar[frozenset[str]] = frozenset({"local", "remote"})
    tag_field: ClassVar[str] = "kind"
    kind: str
