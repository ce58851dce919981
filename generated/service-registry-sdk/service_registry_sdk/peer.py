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
    Installation,
    InstallPackageParams,
    LogLine,
    PackageInfo,
    ServiceEntry,
    ServiceName,
    TailLogsParams,
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
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> Installation:
        """Install a package and make it the active version of its service. What is active already stays.

        Args:
            timeout: Seconds until the caller gives up; 600 by default.

        Raises:
            NotOwner: Another agent has attached as {node} since: this one no longer speaks for it.
            BadPackage: {member}: {reason}
            SignatureRefused: The signature is refused: {reason}
            PackageNotFound: There is no package {name} {version}.
            NoSpace: There is no space left on the disk; nothing was changed.
        """
        return await self._call(
            actions.INSTALL_PACKAGE, InstallPackageParams(agent=agent, package=package), timeout, options
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
            name: Unique name of a service.
            timeout: Seconds until the caller gives up; no end by default.
        """
        return self._stream(actions.TAIL_LOGS, TailLogsParams(name=name, tail=tail, follow=follow), timeout, options)
