"""A user's client: must pass both type checkers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, assert_never

from duologue import CallOptions, HistoryLost, NotFound, UnknownValue
from service_registry_sdk import (
    DeploymentProgress,
    DockerContainer,
    EndpointUpdated,
    EventType,
    HealthCheckResult,
    ManagedProcess,
    RegistryClient,
    RegistryLoaded,
    ServiceCommand,
    ServiceDeregistered,
    ServiceEntry,
    ServiceNotFound,
    ServiceRegistered,
    ServiceState,
    ServiceStateChanged,
    SystemdService,
    UnknownExecutionInfo,
)


def describe(entry: ServiceEntry) -> str:
    match entry.execution:
        case ManagedProcess(command=command):
            how = " ".join(command)
        case DockerContainer(image=image):
            how = image
        case SystemdService(unit_name=unit):
            how = unit
        case UnknownExecutionInfo(kind=kind):
            how = kind
        case _:
            assert_never(entry.execution)
    match entry.state:
        case ServiceState.RUNNING | ServiceState.STARTING:
            mood = "fine"
        case ServiceState():
            mood = entry.state.value
        case UnknownValue():
            mood = f"a newer state: {entry.state}"
        case _:
            assert_never(entry.state)
    health = entry.last_health_check.status if entry.last_health_check else "never checked"
    return f"{how} {mood} {health} {[name.upper() for name in entry.depends_on]}"


async def main(start: Callable[[Callable[[], Awaitable[None]]], None]) -> None:
    async with RegistryClient.open("ws://127.0.0.1:8080", token="t") as registry:
        try:
            print(describe(await registry.get_service(name="api", timeout=2)))
        except ServiceNotFound as error:
            print(error.details.name, error.message)
        except NotFound as error:
            print(error.status)
        options = CallOptions(key="k")
        async with registry.service_action(name="api", command=ServiceCommand.RESTART, options=options) as run:
            async for step in run:
                print(step.message)
            print((await run.result()).succeeded)
        await registry.deregister_service(name="api")
        async with registry.deploy_package(
            name="api", version="1.0.0", nodes=["web-1"], deadline=timedelta(minutes=5)
        ) as deployment:
            print((await deployment.result()).nodes[0].state)
        uploaded = await registry.upload_package(Path("api.tgz"), name="api", version="1.0.0", options=options)
        async with registry.download_package(name="api", version="1.0.0") as package:
            async for piece in package:
                print(len(piece))
            print((await package.result()).sha256 == uploaded.sha256)
        async with registry.download_package(name="api", version="1.0.0") as package:
            print((await package.save("api.tgz")).size)
        for _ in range(3):
            try:
                async with registry.events.service_state_changed(name="api", new=ServiceState.FAILED) as changes:
                    async for change in changes:
                        print(change.old, change.new, changes.position)
            except HistoryLost:
                continue
    client = await RegistryClient.connect("ws://127.0.0.1:8080")
    handle, handler = client.start_handler()
    start(handler)
    stream = await handle.subscribe([EventType.SERVICE_STATE_CHANGED])
    async for event in stream:
        match event:
            case ServiceStateChanged():
                print(event.new)
            case HealthCheckResult():
                print(event.report)
            case ServiceRegistered() | ServiceDeregistered() | EndpointUpdated() | DeploymentProgress():
                print(event.event_name)
            case RegistryLoaded():
                print(event.services + 1)
            case _:
                assert_never(event)
    async with handle.events(ServiceStateChanged, HealthCheckResult) as both:
        async for either in both:
            print(either.event_name)


async def every_body(registry: RegistryClient, file: BinaryIO, pieces: AsyncIterator[bytes]) -> None:
    for body in (b"", bytearray(), memoryview(b""), Path("api.tgz"), file, pieces):
        print((await registry.upload_package(body, name="api", version="1.0.0", timeout=60)).manifest.version)


def sync_main() -> None:
    with RegistryClient.open_sync("ws://127.0.0.1:8080") as registry:
        print(registry.get_service(name="api"))
        with registry.service_action(name="api", command=ServiceCommand.STOP) as run:
            for step in run:
                print(step.message)
            print(run.result().succeeded)
        print(registry.upload_package(b"", name="api", version="1.0.0").size)
        with registry.download_package(name="api", version="1.0.0") as package:
            for piece in package:
                print(len(piece))
            print(package.result().size)
        with registry.events.registry_loaded() as loaded:
            for event in loaded:
                print(event.services)
