"""The registry in half a minute: register, watch, resolve, crash, and nothing is lost; deploy, fail, and go back.

    python examples/demo.py

Starts `duologue-registry serve` as a process of its own with an SQLite file in a temporary directory, talks to it with
the generated client, kills it with SIGKILL, starts it again, and checks what it says it shows. Exits by itself, with
code 1 if a check fails.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, TypeAlias

import anyio
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from anyio.to_thread import run_sync
from rollout import rollout
from telling import CheckFailedError, check, paint, say, title

from duologue import EventStream, Lifecycle
from service_registry_sdk import (
    Endpoint,
    EndpointProtocol,
    EndpointUpdated,
    Local,
    ManagedProcess,
    RegistryClient,
    ServiceRegistered,
    ServiceState,
    ServiceStateChanged,
)

LogEvent: TypeAlias = ServiceRegistered | ServiceStateChanged | EndpointUpdated

SERVICES: dict[str, tuple[list[str], int]] = {"db": ([], 5432), "cache": ([], 6379), "web-api": (["db", "cache"], 8080)}
PACE = 0.35  # seconds between two things, for the eye


# --------------------------------------------------------------------------------------------------------- the registry
class Registry:
    """`duologue-registry serve`, as a process of its own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._port = 0
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    def start(self) -> None:
        """Start it, on the same port as before, and wait until it says where it listens."""
        options = ["--json", f"--data={self._directory}", f"--port={self._port}"]
        command = [sys.executable, "-m", "duologue_registry", "serve", *options]
        # In a session of its own: Ctrl-C is for the demonstration, which stops it in order.
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
        assert self._process.stdout is not None
        with self._process.stdout as output:
            line = output.readline()
        check("the registry starts", holds=bool(line))
        started: dict[str, Any] = json.loads(line)
        self.url = started["url"]
        self._port = int(self.url.rpartition(":")[2])
        say(f"duologue-registry serve  →  {self.url}, process {started['pid']}, {started['services']} services on disk")

    def kill(self) -> None:
        """With SIGKILL: it gets no chance to save anything."""
        assert self._process is not None
        say(paint(f"kill -9 {self._process.pid}", 31))
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """Ask it to stop; answers its exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(timeout=20)


async def follow(events: EventStream[LogEvent], seen: ObjectSendStream[int]) -> None:
    """Print events as they come, with their numbers in the log."""
    async for event in events:
        number = events.position.seq if events.position else 0
        say(paint(f"                event #{number:<2}  {describe(event)}", 36))
        await seen.send(number)


def describe(event: LogEvent) -> str:
    match event:
        case ServiceRegistered(entry=entry):
            return f"{entry.name} {entry.version} is registered"
        case ServiceStateChanged(name=name, old=old, new=new):
            return f"{name}: {old} → {new}"
        case EndpointUpdated(service=name, endpoints=endpoints):
            return f"{name} is at {', '.join(endpoint.address for endpoint in endpoints)}"


# --------------------------------------------------------------------------------------------------------- what is done
async def register(client: RegistryClient, name: str, depends_on: list[str], port: int) -> None:
    entry = await client.register_service(
        name=name,
        version="1.0.0",
        execution=ManagedProcess(command=[f"bin/{name}"]),
        location=Local(),
        endpoints=[Endpoint(name="main", address=f"127.0.0.1:{port}", protocol=EndpointProtocol.TCP)],
        depends_on=depends_on,
    )
    after = f", which depends on {' and '.join(depends_on)}" if depends_on else ""
    say(f"register_service({name}{after})  →  revision {entry.revision}")
    await anyio.sleep(PACE)


async def move(client: RegistryClient, name: str, *states: ServiceState) -> None:
    for state in states:
        entry = await client.update_state(name=name, state=state)
        say(f"update_state({name}, {state})  →  revision {entry.revision}")
        await anyio.sleep(PACE)


async def before_the_crash(client: RegistryClient) -> None:
    title("Services register; a subscriber hears of it")
    for name, (depends_on, port) in SERVICES.items():
        await register(client, name, depends_on, port)

    title("They start")
    for name in SERVICES:
        await move(client, name, ServiceState.STARTING, ServiceState.RUNNING)

    title("Whoever needs one asks for it by name")
    found = await client.list_endpoints(name="db")
    addresses = [one.endpoint.address for one in found.endpoints]
    say(f"list_endpoints(db)  →  {', '.join(addresses)}")
    check("db resolves to the endpoint that it registered", holds=addresses == ["127.0.0.1:5432"])


async def crash(client: RegistryClient, registry: Registry) -> None:
    title("The registry is killed, and started again")
    before = await client.list_services()
    await run_sync(registry.kill)
    await anyio.sleep(PACE)
    await run_sync(registry.start)
    after = await client.list_services()
    say("the client has reconnected by itself")
    check(f"it is at revision {after.revision}, as before", holds=before.revision == after.revision)
    names = ", ".join(f"{entry.name} {entry.state}" for entry in after.services)
    check(f"every service is as it was: {names}", holds=before.services == after.services)


async def after_the_crash(client: RegistryClient, seen: ObjectReceiveStream[int]) -> None:
    title("The log goes on where it was, and so does the subscription")
    await move(client, "cache", ServiceState.STOPPING, ServiceState.STOPPED)
    last = (await client.list_events(limit=1)).records[0].seq
    numbers: list[int] = []
    with anyio.move_on_after(5):
        while last not in numbers:
            numbers.append(await seen.receive())
    check(f"events #1 to #{last} came in order, none twice, none missing", holds=numbers == list(range(1, last + 1)))
    found = await client.list_endpoints(name="cache")
    check("cache has stopped, and resolves to nothing", holds=found.endpoints == [])


async def demo(directory: Path) -> None:
    registry = Registry(directory)
    title("A registry, durable by default")
    await run_sync(registry.start)
    try:
        lifecycle = Lifecycle(lost=lambda _: say(paint("the client lost its connection, and tries again", 33)))
        async with (
            RegistryClient.open(registry.url, lifecycle=lifecycle) as client,
            client.events(ServiceRegistered, ServiceStateChanged, EndpointUpdated) as events,
            anyio.create_task_group() as tasks,
        ):
            numbers, seen = anyio.create_memory_object_stream[int](1000)
            with numbers, seen:
                tasks.start_soon(follow, events, numbers)
                await before_the_crash(client)
                await crash(client, registry)
                await after_the_crash(client, seen)
                tasks.cancel_scope.cancel()
        async with RegistryClient.open(registry.url) as client:
            await rollout(client, registry.url, directory)
    finally:
        code = await run_sync(registry.stop)
    check("the registry stops in order when it is told to", holds=code == 0)


def main() -> int:
    with tempfile.TemporaryDirectory() as directory:
        try:
            anyio.run(demo, Path(directory))
        except* KeyboardInterrupt:
            print("\ninterrupted; nothing is left running", flush=True)
            code = 130
        except* CheckFailedError as failures:
            failure: BaseException = failures
            while isinstance(failure, BaseExceptionGroup):
                failure = failure.exceptions[0]
            print(f"\n{paint('FAILED', 31)}: it does not hold that {failure}", flush=True)
            code = 1
        else:
            print(f"\n{paint('All of it held.', 32)}")
            code = 0
    return code


if __name__ == "__main__":
    sys.exit(main())
