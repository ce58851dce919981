"""What a server of the service-registry protocol 1.0.0 may ask of its clients.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from duologue import CallOptions, Peer, Stream

from . import actions
from .models import (
    CommandOutcome,
    CommandStep,
    ExecuteParams,
    InstallPackageParams,
    LogLine,
    NodeProgress,
    PackageInfo,
    ServiceCommand,
    ServiceEntry,
    ServiceName,
    TailLogsParams,
)


class RegistryPeer(Peer):
    """The client at the other end of a connection, and what it may be asked for."""

    def execute(
        self,
        *,
        command: UUID,
        lease_epoch: int,
        entry: ServiceEntry,
        action: ServiceCommand,
        grace: timedelta | None = None,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> Stream[CommandStep, CommandOutcome]:
        """Carry out a command on a service of this node.

        Args:
            timeout: Seconds until the caller gives up; 300 by default.

        Raises:
            ReadOnly: The registry takes no changes at present.
            NotOwner: Another agent owns {name}.
            NoSpace: No space left on {node}.
        """
        return self._stream(
            actions.EXECUTE,
            ExecuteParams(command=command, lease_epoch=lease_epoch, entry=entry, action=action, grace=grace),
            timeout,
            options,
        )

    def install_package(
        self,
        *,
        deployment: UUID,
        lease_epoch: int,
        package: PackageInfo,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> Stream[NodeProgress, NodeProgress]:
        """Call `install_package`.

        Args:
            timeout: Seconds until the caller gives up; no end by default.

        Raises:
            ReadOnly: The registry takes no changes at present.
            NotOwner: Another agent owns {name}.
            BadPackage: {member}: {reason}
            DigestMismatch: The bytes are not the ones announced.
            NoSpace: No space left on {node}.
        """
        return self._stream(
            actions.INSTALL_PACKAGE,
            InstallPackageParams(deployment=deployment, lease_epoch=lease_epoch, package=package),
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
        """Call `tail_logs`.

        Args:
            name: Unique name of a service.
            timeout: Seconds until the caller gives up; no end by default.

        Raises:
            ReadOnly: The registry takes no changes at present.
        """
        return self._stream(actions.TAIL_LOGS, TailLogsParams(name=name, tail=tail, follow=follow), timeout, options)
