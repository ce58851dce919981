"""Fifteen mistakes: both type checkers must report each marked line, and no other."""

from __future__ import annotations

from server_app import NOW, Registry
from typing_extensions import override

from duologue import Call, Sink
from service_registry_sdk import (
    GetServiceParams,
    Local,
    RegistryClient,
    RegistryPeer,
    RegistryService,
    ServiceEntry,
    ServiceNotFound,
    WatchLogsParams,
)


class Half(RegistryService):
    @override
    async def get_service(self, call: Call[RegistryPeer], params: GetServiceParams) -> ServiceEntry:
        raise ServiceNotFound(nme="x")  # BAD 1: no such detail


class Other(Registry):
    @override
    async def watch_logs(self, call: Call[RegistryPeer], params: WatchLogsParams, out: Sink[str]) -> None:  # BAD 2
        raise NotImplementedError


async def main(registry: RegistryClient) -> None:
    Half()  # BAD 3: handlers are missing
    await registry.get_service("web")  # BAD 4: positional
    await registry.get_service(nme="web")  # BAD 5: no such argument
    entry = await registry.get_service(name="web", include_health="y")  # BAD 6: no boolean
    print(entry.last_health_check.status)  # BAD 7: may be None
    print(entry.state.value)  # BAD 8: may be UnknownValue
    ServiceEntry(
        name="x",
        version="1.0.0",
        execution={"kind": "a"},  # BAD 9: a dict
        location=Local(),
        state="running",  # BAD 10: text
        registered_at=NOW,
        last_state_change=NOW,
        owner=None,
        revision=1,
    )
    async with registry.service_action(name="x", command="stop") as run:  # BAD 11: text
        async for step in run:
            print(step.nope)  # BAD 12: no such field
    print(registry.events.service_state_changed(nmae="x"))  # BAD 13: no such filter
    async with registry.events.service_state_changed(name="x") as changes:
        async for change in changes:
            print(change.state)  # BAD 14: no such field
    print(registry.events(ServiceEntry))  # BAD 15: no event
