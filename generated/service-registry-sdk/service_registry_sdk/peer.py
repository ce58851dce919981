"""What a server of the service-registry protocol 1.0.0 may ask of its clients.

Written by duologue 0.1.0 (grammar 1) from registry.yaml. DO NOT EDIT: change registry.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from duologue import CallOptions, Peer, Stream

from . import actions
from .models import (
    AgentLease,
    CommandOutcome,
    CommandStep,
    ExecuteAction,
    ExecuteParams,
    InstallMode,
    InstallPackageParams,
    InstallPackageResult,
    LogLine,
    PackageInfo,
    PackageName,
    ServiceEntry,
    ServiceName,
    Sha256,
    TailLogsParams,
    UninstallPackageParams,
    Verification,
    VerifyServiceParams,
)


class RegistryPeer(Peer):
    """The client at the other end of a connection, and what it may be asked for."""

    def execute(
        self,
        *,
        agent: AgentLease,
        command: UUID,
        entry: ServiceEntry,
        action: ExecuteAction,
        grace: timedelta,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> Stream[CommandStep, CommandOutcome]:
        """Start or stop a service of this node.

        Args:
            timeout: Seconds until the caller gives up; 300 by default.

        Raises:
            NotOwner: Another agent has attached as {node} since: this one no longer speaks for it.
        """
        return self._stream(
            actions.EXECUTE,
            ExecuteParams(agent=agent, command=command, entry=entry, action=action, grace=grace),
            timeout,
            options,
        )

    async def install_package(
        self,
        *,
        agent: AgentLease,
        package: PackageInfo,
        mode: InstallMode = InstallMode.ACTIVATE,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> InstallPackageResult:
        """Put a package on the node, or make it the active version of its service. What is active already stays.

        Args:
            mode: Default: `"activate"`.
            timeout: Seconds until the caller gives up; 600 by default.

        Raises:
            NotOwner: Another agent has attached as {node} since: this one no longer speaks for it.
            BadPackage: {member}: {reason}
            SignatureRefused: The signature is refused: {reason}
            PackageNotFound: There is no package {name} {version}.
            NoSpace: There is no space left on the disk; nothing was changed.
        """
        return await self._call(
            actions.INSTALL_PACKAGE, InstallPackageParams(agent=agent, package=package, mode=mode), timeout, options
        )

    async def uninstall_package(
        self,
        *,
        agent: AgentLease,
        name: PackageName,
        service: ServiceName,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> None:
        """Leave no version of a package on the node, and forget its service, which has to be stopped.

        Args:
            name: Name of a package.
            service: Unique name of a service; `NAME@NODE` is what a deployment of the package NAME runs on a node.
            timeout: Seconds until the caller gives up; 60 by default.

        Raises:
            NotOwner: Another agent has attached as {node} since: this one no longer speaks for it.
        """
        return await self._call(
            actions.UNINSTALL_PACKAGE, UninstallPackageParams(agent=agent, name=name, service=service), timeout, options
        )

    async def verify_service(
        self,
        *,
        agent: AgentLease,
        entry: ServiceEntry,
        sha256: Sha256,
        healthy: int,
        within: timedelta,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> Verification:
        """Ask a service for its health until it has passed often enough in a row, or there is no time left.

        Args:
            sha256: Of the package that it has to run.
            healthy: So many times in a row.
            timeout: Seconds until the caller gives up; 3600 by default.

        Raises:
            NotOwner: Another agent has attached as {node} since: this one no longer speaks for it.
        """
        return await self._call(
            actions.VERIFY_SERVICE,
            VerifyServiceParams(agent=agent, entry=entry, sha256=sha256, healthy=healthy, within=within),
            timeout,
            options,
        )

    def tail_logs(
        self,
        *,
        name: ServiceName,
        tail: int,
        follow: bool,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> Stream[LogLine, None]:
        """Read what a service of this node has written.

        Args:
            name: Unique name of a service; `NAME@NODE` is what a deployment of the package NAME runs on a node.
            timeout: Seconds until the caller gives up; no end by default.
        """
        return self._stream(actions.TAIL_LOGS, TailLogsParams(name=name, tail=tail, follow=follow), timeout, options)
