"""Who calls a registry again and again, under keys, and knows what became of each call."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from duologue import CallOptions
from service_registry_sdk import (
    AuditRecord,
    Endpoint,
    EndpointProtocol,
    Local,
    ManagedProcess,
    RegistryClient,
    ServiceEntry,
    ServiceState,
)

HTTP = Endpoint(name="public", address="10.0.0.7:80", protocol=EndpointProtocol.HTTP)


async def register(registry: RegistryClient, name: str = "api", **changes: Any) -> ServiceEntry:
    fields: dict[str, Any] = {
        "version": "1.0.0",
        "execution": ManagedProcess(command=["bin/api"]),
        "location": Local(),
        "endpoints": [HTTP],
    }
    return await registry.register_service(name=name, **{**fields, **changes})


async def audit(registry: RegistryClient) -> list[AuditRecord]:
    """The log, from its beginning."""
    page = await registry.list_events(limit=500)
    records = page.records
    while page.next_cursor is not None:
        page = await registry.list_events(limit=500, cursor=page.next_cursor)
        records += page.records
    return records[::-1]


Change = Callable[..., Awaitable[ServiceEntry | None]]


class Callers:
    """Callers who do not stop at a crash: every call of theirs has a key, and they know what it should have done."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.done: dict[str, ServiceEntry | None] = {}
        self.asked: set[str] = set()
        self.over = False

    async def call(self, client: RegistryClient, name: str) -> None:
        """Register, start, stop and remove services."""
        number = 0
        while not self.over:
            number += 1
            await self.live_through(client, f"{name}-{number}")

    async def live_through(self, client: RegistryClient, service: str) -> None:
        """All that happens to one service."""
        await self.note(f"{service}-a", partial(register, client, service))
        await self.note(f"{service}-b", partial(client.update_state, name=service, state=ServiceState.RUNNING))
        await self.note(f"{service}-c", partial(client.update_state, name=service, state=ServiceState.STOPPED))
        await self.note(f"{service}-d", partial(client.deregister_service, name=service))

    async def note(self, key: str, call: Change) -> None:
        """Call, and write down what came of it."""
        self.asked.add(key)
        self.done[key] = await call(options=CallOptions(key=key))

    def check(self, records: list[AuditRecord]) -> None:
        effects = effects_of(records)
        assert effects.keys() == self.asked == self.done.keys()
        for key, entry in self.done.items():
            assert entry is None or entry.revision == effects[key]


def effects_of(records: list[AuditRecord]) -> dict[str, int]:
    """For each key the revision that it made; none may have made two, or be told of twice."""
    revisions: dict[str, set[int]] = {}
    events: Counter[tuple[str, str]] = Counter()
    for record in records:
        assert record.request_key is not None
        revisions.setdefault(record.request_key, set()).add(record.revision)
        events[record.request_key, record.event] += 1
    assert set(events.values()) <= {1}, "an event was told twice"
    assert all(len(each) == 1 for each in revisions.values()), "a key had two effects"
    return {key: revision for key, (revision,) in revisions.items()}
