"""Declared errors of the service-registry protocol 1.0.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from duologue import (
    Aborted,
    AlreadyExists,
    DataLoss,
    Declared,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    Unavailable,
    UnknownValue,
)

from .models import (
    AgentUnavailableDetails,
    BadPackageDetails,
    DependencyCycleDetails,
    DeploymentNotFoundDetails,
    DeploymentRunningDetails,
    DigestMismatchDetails,
    InvalidTransitionDetails,
    LeaseLostDetails,
    NodeName,
    NoSpaceDetails,
    NotOwnerDetails,
    PackageExistsDetails,
    PackageNotFoundDetails,
    ReadOnlyDetails,
    Revision,
    RevisionConflictDetails,
    ServiceExistsDetails,
    ServiceName,
    ServiceNotFoundDetails,
    ServiceState,
    Sha256,
    SignatureRefusedDetails,
    Version,
)


class ServiceNotFound(Declared[ServiceNotFoundDetails], NotFound):
    """No service is called {name}."""

    code: ClassVar[str] = "service_not_found"
    text: ClassVar[str] = "No service is called {name}."

    def __init__(self, message: str | None = None, /, *, name: ServiceName) -> None:
        super().__init__(message, ServiceNotFoundDetails(name=name))


class ServiceExists(Declared[ServiceExistsDetails], AlreadyExists):
    """{name} is already registered."""

    code: ClassVar[str] = "service_exists"
    text: ClassVar[str] = "{name} is already registered."

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
    """The lease has ended."""

    code: ClassVar[str] = "lease_lost"
    text: ClassVar[str] = "The lease has ended."

    def __init__(self, message: str | None = None, /, *, name: ServiceName) -> None:
        super().__init__(message, LeaseLostDetails(name=name))


class AgentUnavailable(Declared[AgentUnavailableDetails], Unavailable):
    """No agent for {name} is attached."""

    code: ClassVar[str] = "agent_unavailable"
    text: ClassVar[str] = "No agent for {name} is attached."

    def __init__(self, message: str | None = None, /, *, name: ServiceName, node: NodeName | None = None) -> None:
        super().__init__(message, AgentUnavailableDetails(name=name, node=node))


class NotOwner(Declared[NotOwnerDetails], PermissionDenied):
    """Another agent owns {name}."""

    code: ClassVar[str] = "not_owner"
    text: ClassVar[str] = "Another agent owns {name}."

    def __init__(self, message: str | None = None, /, *, name: ServiceName, owner: NodeName | None) -> None:
        super().__init__(message, NotOwnerDetails(name=name, owner=owner))


class PackageNotFound(Declared[PackageNotFoundDetails], NotFound):
    """No package {name} {version}."""

    code: ClassVar[str] = "package_not_found"
    text: ClassVar[str] = "No package {name} {version}."

    def __init__(self, message: str | None = None, /, *, name: ServiceName, version: Version | None = None) -> None:
        super().__init__(message, PackageNotFoundDetails(name=name, version=version))


class PackageExists(Declared[PackageExistsDetails], AlreadyExists):
    """That version has other contents."""

    code: ClassVar[str] = "package_exists"
    text: ClassVar[str] = "That version has other contents."

    def __init__(self, message: str | None = None, /, *, sha256: Sha256) -> None:
        super().__init__(message, PackageExistsDetails(sha256=sha256))


class DigestMismatch(Declared[DigestMismatchDetails], DataLoss):
    """The bytes are not the ones announced."""

    code: ClassVar[str] = "digest_mismatch"
    text: ClassVar[str] = "The bytes are not the ones announced."

    def __init__(self, message: str | None = None, /, *, expected: Sha256, actual: Sha256) -> None:
        super().__init__(message, DigestMismatchDetails(expected=expected, actual=actual))


class SignatureRefused(Declared[SignatureRefusedDetails], PermissionDenied):
    """Signature refused: {reason}."""

    code: ClassVar[str] = "signature_refused"
    text: ClassVar[str] = "Signature refused: {reason}."

    def __init__(self, message: str | None = None, /, *, reason: str) -> None:
        super().__init__(message, SignatureRefusedDetails(reason=reason))


class BadPackage(Declared[BadPackageDetails], InvalidArgument):
    """{member}: {reason}"""

    code: ClassVar[str] = "bad_package"
    text: ClassVar[str] = "{member}: {reason}"

    def __init__(self, message: str | None = None, /, *, member: str, reason: str) -> None:
        super().__init__(message, BadPackageDetails(member=member, reason=reason))


class DeploymentNotFound(Declared[DeploymentNotFoundDetails], NotFound):
    """No such deployment."""

    code: ClassVar[str] = "deployment_not_found"
    text: ClassVar[str] = "No such deployment."

    def __init__(self, message: str | None = None, /, *, id: UUID) -> None:
        super().__init__(message, DeploymentNotFoundDetails(id=id))


class DeploymentRunning(Declared[DeploymentRunningDetails], FailedPrecondition):
    """Another deployment of it is running."""

    code: ClassVar[str] = "deployment_running"
    text: ClassVar[str] = "Another deployment of it is running."

    def __init__(self, message: str | None = None, /, *, id: UUID) -> None:
        super().__init__(message, DeploymentRunningDetails(id=id))


class NoSpace(Declared[NoSpaceDetails], ResourceExhausted):
    """No space left on {node}."""

    code: ClassVar[str] = "no_space"
    text: ClassVar[str] = "No space left on {node}."

    def __init__(self, message: str | None = None, /, *, node: str, needed: int | None = None) -> None:
        super().__init__(message, NoSpaceDetails(node=node, needed=needed))


class ReadOnly(Declared[ReadOnlyDetails], Unavailable):
    """The registry takes no changes at present."""

    code: ClassVar[str] = "read_only"
    text: ClassVar[str] = "The registry takes no changes at present."

    def __init__(self, message: str | None = None, /, *, reason: str) -> None:
        super().__init__(message, ReadOnlyDetails(reason=reason))
