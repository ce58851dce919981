"""Declared errors of the service-registry protocol 1.0.0.

Written by duologue 0.1.0 (grammar 1) from registry.yaml. DO NOT EDIT: change registry.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import ClassVar

from duologue import Aborted, AlreadyExists, Declared, FailedPrecondition, NotFound, Unavailable, UnknownValue

from .models import (
    DependencyCycleDetails,
    InvalidTransitionDetails,
    LeaseLostDetails,
    ReadOnlyDetails,
    Revision,
    RevisionConflictDetails,
    ServiceExistsDetails,
    ServiceName,
    ServiceNotFoundDetails,
    ServiceState,
)


class ServiceNotFound(Declared[ServiceNotFoundDetails], NotFound):
    """No service is called {name}."""

    code: ClassVar[str] = "service_not_found"
    text: ClassVar[str] = "No service is called {name}."

    def __init__(self, message: str | None = None, /, *, name: ServiceName) -> None:
        super().__init__(message, ServiceNotFoundDetails(name=name))


class ServiceExists(Declared[ServiceExistsDetails], AlreadyExists):
    """{name} is already registered, with other contents: give `if_revision` {revision} to replace them, or a new
    version.
    """

    code: ClassVar[str] = "service_exists"
    text: ClassVar[str] = (
        "{name} is already registered, with other contents: give `if_revision` {revision} to replace them, or a new version."
    )

    def __init__(self, message: str | None = None, /, *, name: ServiceName, revision: Revision) -> None:
        super().__init__(message, ServiceExistsDetails(name=name, revision=revision))


class InvalidTransition(Declared[InvalidTransitionDetails], FailedPrecondition):
    """A service cannot go from {from} to {to}."""

    code: ClassVar[str] = "invalid_transition"
    text: ClassVar[str] = "A service cannot go from {from} to {to}."

    def __init__(
        self,
        message: str | None = None,
        /,
        *,
        from_: ServiceState | UnknownValue,
        to: ServiceState | UnknownValue,
        allowed: list[ServiceState | UnknownValue],
    ) -> None:
        super().__init__(message, InvalidTransitionDetails(from_=from_, to=to, allowed=allowed))


class RevisionConflict(Declared[RevisionConflictDetails], Aborted):
    """Changed meanwhile: revision {actual}, not {expected}."""

    code: ClassVar[str] = "revision_conflict"
    text: ClassVar[str] = "Changed meanwhile: revision {actual}, not {expected}."

    def __init__(self, message: str | None = None, /, *, expected: Revision, actual: Revision) -> None:
        super().__init__(message, RevisionConflictDetails(expected=expected, actual=actual))


class DependencyCycle(Declared[DependencyCycleDetails], FailedPrecondition):
    """The dependencies form a cycle."""

    code: ClassVar[str] = "dependency_cycle"
    text: ClassVar[str] = "The dependencies form a cycle."

    def __init__(self, message: str | None = None, /, *, cycle: list[ServiceName]) -> None:
        super().__init__(message, DependencyCycleDetails(cycle=cycle))


class LeaseLost(Declared[LeaseLostDetails], FailedPrecondition):
    """{name} holds no lease: it has ended, or none was asked for. Register again."""

    code: ClassVar[str] = "lease_lost"
    text: ClassVar[str] = "{name} holds no lease: it has ended, or none was asked for. Register again."

    def __init__(self, message: str | None = None, /, *, name: ServiceName) -> None:
        super().__init__(message, LeaseLostDetails(name=name))


class ReadOnly(Declared[ReadOnlyDetails], Unavailable):
    """The registry takes no changes at present: {reason}"""

    code: ClassVar[str] = "read_only"
    text: ClassVar[str] = "The registry takes no changes at present: {reason}"

    def __init__(self, message: str | None = None, /, *, reason: str) -> None:
        super().__init__(message, ReadOnlyDetails(reason=reason))
