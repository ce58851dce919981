"""Mistakes: both type checkers must report each marked line, and no other."""

from __future__ import annotations

from typing import TypeAlias

from server_app import NOW, Registry
from typing_extensions import override

from duologue import ByteSink, Call, Sink, Upload
from service_registry_sdk import (
    DownloadPackageParams,
    GetServiceParams,
    Local,
    PackageInfo,
    RegistryClient,
    RegistryPeer,
    RegistryService,
    RegistrySyncClient,
    ServiceEntry,
    ServiceNotFound,
    UploadPackageParams,
    WatchLogsParams,
)

Caller: TypeAlias = Call[RegistryPeer]
Wanted: TypeAlias = DownloadPackageParams


class Half(RegistryService):
    @override
    async def get_service(self, call: Call[RegistryPeer], params: GetServiceParams) -> ServiceEntry:
        raise ServiceNotFound(nme="x")  # BAD 1: no such detail


class Other(Registry):
    @override
    async def watch_logs(self, call: Call[RegistryPeer], params: WatchLogsParams, out: Sink[str]) -> None:  # BAD 2
        raise NotImplementedError


class Files(Registry):
    @override
    async def upload_package(self, call: Caller, params: UploadPackageParams, body: bytes) -> PackageInfo:  # BAD 16
        raise NotImplementedError

    @override
    async def download_package(self, call: Caller, params: Wanted, out: ByteSink) -> PackageInfo:
        await out.send("text")  # BAD 17: no bytes
        return len("text")  # BAD 18: not the result


class Streamed(Registry):
    @override
    async def download_package(self, call: Caller, params: Wanted, out: Sink[bytes]) -> PackageInfo:  # BAD 19
        raise NotImplementedError


async def read(body: Upload) -> str:
    return await body.read()  # BAD 20: bytes


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
    await registry.upload_package("web.tgz", name="web", version="1.0.0")  # BAD 21: text is neither bytes nor a path
    await registry.upload_package(name="web", version="1.0.0")  # BAD 22: no body
    await registry.upload_package(body=b"", name="web", version="1.0.0")  # BAD 23: the body is positional
    await registry.upload_package(b"", name="web")  # BAD 24: no version
    await registry.download_package(name="web", version="1.0.0")  # BAD 25: nothing to await
    async with registry.download_package(name="web", version="1.0.0") as package:
        async for piece in package:
            print(piece.name)  # BAD 26: bytes
        print(package.result().size)  # BAD 27: not awaited


def sync_main(registry: RegistrySyncClient) -> None:
    with registry.download_package(name="web", version="1.0.0") as package:
        print(package.result().nope)  # BAD 28: no such field
