"""A user's client that can be called: must pass both type checkers."""

from __future__ import annotations

from datetime import UTC, datetime

from typing_extensions import override

from duologue import Call, Sink
from service_registry_sdk import (
    CommandOutcome,
    CommandStage,
    CommandStep,
    ExecuteParams,
    InstallPackageParams,
    LogLine,
    NodeProgress,
    RegistryClient,
    RegistryPeerService,
    TailLogsParams,
)


class Agent(RegistryPeerService):
    @override
    async def execute(
        self, call: Call[RegistryClient], params: ExecuteParams, out: Sink[CommandStep]
    ) -> CommandOutcome:
        again = await call.peer.get_service(name=params.entry.name)
        now = datetime.now(UTC)
        await out.send(CommandStep(command=params.command, at=now, stage=CommandStage.FINISHED, message=again.version))
        return CommandOutcome(command=params.command, succeeded=True, state=again.state)

    @override
    async def install_package(
        self, call: Call[RegistryClient], params: InstallPackageParams, out: Sink[NodeProgress]
    ) -> NodeProgress:
        raise NotImplementedError

    @override
    async def tail_logs(self, call: Call[RegistryClient], params: TailLogsParams, out: Sink[LogLine]) -> None:
        raise NotImplementedError


async def main() -> None:
    async with RegistryClient.open("ws://127.0.0.1:8080", serve=Agent()) as registry:
        print(await registry.get_service(name="web"))
