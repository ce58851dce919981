"""Declared errors of the service-registry protocol 1.0.0.

Written by duologue 0.1.0 (grammar 1) from registry.yaml. DO NOT EDIT: change registry.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from duologue import (
    Aborted,
    AlreadyExists,
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
    FolderTakenDetails,
    InvalidTransitionDetails,
    LeaseLostDetails,
    NodeName,
    NoSpaceDetails,
    NothingToRollBackDetails,
    NotOwnerDetails,
    PackageExistsDetails,
    PackageInUseDetails,
    PackageName,
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
    """{name} is already registered, with other contents: give `if_revision` {revision} to replace them, or a new
    version.
    """

    code: ClassVar[str] = "service_exists"
    text: ClassVar[str] = (
        "{name} is already registered, with other contents: give `if_revision` {revision} to replace them, or a new version."
    )

    def __init__(self, message: str | None = None, /, *, name: ServiceName, revision: Revision) -> None:
        super().__init__(message, ServiceExistsDetails(name=name, revision=revision))


class FolderTaken(Declared[FolderTakenDetails], AlreadyExists):
    """{name} is on {node} already, and of the same package: they would share a folder there. Deregister it, or
    give this one another name.
    """

    code: ClassVar[str] = "folder_taken"
    text: ClassVar[str] = (
        "{name} is on {node} already, and of the same package: they would share a folder there. Deregister it, or give this one another name."
    )

    def __init__(self, message: str | None = None, /, *, name: ServiceName, node: NodeName) -> None:
        super().__init__(message, FolderTakenDetails(name=name, node=node))


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


class AgentUnavailable(Declared[AgentUnavailableDetails], Unavailable):
    """No agent that could run {name} is attached: {reason}"""

    code: ClassVar[str] = "agent_unavailable"
    text: ClassVar[str] = "No agent that could run {name} is attached: {reason}"

    def __init__(self, message: str | None = None, /, *, name: ServiceName, reason: str) -> None:
        super().__init__(message, AgentUnavailableDetails(name=name, reason=reason))


class NotOwner(Declared[NotOwnerDetails], PermissionDenied):
    """Another agent has attached as {node} since: this one no longer speaks for it."""

    code: ClassVar[str] = "not_owner"
    text: ClassVar[str] = "Another agent has attached as {node} since: this one no longer speaks for it."

    def __init__(self, message: str | None = None, /, *, node: NodeName) -> None:
        super().__init__(message, NotOwnerDetails(node=node))


class PackageNotFound(Declared[PackageNotFoundDetails], NotFound):
    """There is no package {name} {version}."""

    code: ClassVar[str] = "package_not_found"
    text: ClassVar[str] = "There is no package {name} {version}."

    def __init__(self, message: str | None = None, /, *, name: ServiceName, version: Version) -> None:
        super().__init__(message, PackageNotFoundDetails(name=name, version=version))


class PackageExists(Declared[PackageExistsDetails], AlreadyExists):
    """There is a package {name} {version} with other contents: give these another version."""

    code: ClassVar[str] = "package_exists"
    text: ClassVar[str] = "There is a package {name} {version} with other contents: give these another version."

    def __init__(self, message: str | None = None, /, *, name: ServiceName, version: Version, sha256: Sha256) -> None:
        super().__init__(message, PackageExistsDetails(name=name, version=version, sha256=sha256))


class PackageInUse(Declared[PackageInUseDetails], FailedPrecondition):
    """{name} {version} is in use: {reason}"""

    code: ClassVar[str] = "package_in_use"
    text: ClassVar[str] = "{name} {version} is in use: {reason}"

    def __init__(self, message: str | None = None, /, *, name: ServiceName, version: Version, reason: str) -> None:
        super().__init__(message, PackageInUseDetails(name=name, version=version, reason=reason))


class BadPackage(Declared[BadPackageDetails], InvalidArgument):
    """{member}: {reason}"""

    code: ClassVar[str] = "bad_package"
    text: ClassVar[str] = "{member}: {reason}"

    def __init__(self, message: str | None = None, /, *, member: str, reason: str) -> None:
        super().__init__(message, BadPackageDetails(member=member, reason=reason))


class DeploymentNotFound(Declared[DeploymentNotFoundDetails], NotFound):
    """There is no deployment {id}."""

    code: ClassVar[str] = "deployment_not_found"
    text: ClassVar[str] = "There is no deployment {id}."

    def __init__(self, message: str | None = None, /, *, id: UUID) -> None:
        super().__init__(message, DeploymentNotFoundDetails(id=id))


class DeploymentRunning(Declared[DeploymentRunningDetails], FailedPrecondition):
    """Another deployment of {name} is running, {id}: wait until it has ended, or cancel it."""

    code: ClassVar[str] = "deployment_running"
    text: ClassVar[str] = "Another deployment of {name} is running, {id}: wait until it has ended, or cancel it."

    def __init__(self, message: str | None = None, /, *, name: PackageName, id: UUID) -> None:
        super().__init__(message, DeploymentRunningDetails(name=name, id=id))


class NothingToRollBack(Declared[NothingToRollBackDetails], FailedPrecondition):
    """There is no version of {name} to go back to: {reason}"""

    code: ClassVar[str] = "nothing_to_roll_back"
    text: ClassVar[str] = "There is no version of {name} to go back to: {reason}"

    def __init__(self, message: str | None = None, /, *, name: PackageName, reason: str) -> None:
        super().__init__(message, NothingToRollBackDetails(name=name, reason=reason))


class SignatureRefused(Declared[SignatureRefusedDetails], PermissionDenied):
    """The signature is refused: {reason}"""

    code: ClassVar[str] = "signature_refused"
    text: ClassVar[str] = "The signature is refused: {reason}"

    def __init__(self, message: str | None = None, /, *, reason: str) -> None:
        super().__init__(message, SignatureRefusedDetails(reason=reason))


class NoSpace(Declared[NoSpaceDetails], ResourceExhausted):
    """There is no space left on the disk; nothing was changed."""

    code: ClassVar[str] = "no_space"
    text: ClassVar[str] = "There is no space left on the disk; nothing was changed."

    def __init__(self, message: str | None = None, /, *, node: str | None = None) -> None:
        super().__init__(message, NoSpaceDetails(node=node))


class ReadOnly(Declared[ReadOnlyDetails], Unavailable):
    """The registry takes no changes at present: {reason}"""

    code: ClassVar[str] = "read_only"
    text: ClassVar[str] = "The registry takes no changes at present: {reason}"

    def __init__(self, message: str | None = None, /, *, reason: str) -> None:
        super().__init__(message, ReadOnlyDetails(reason=reason))
