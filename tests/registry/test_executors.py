"""What every executor promises: processes of our own, systemd's units and Docker's containers.

The last two are reached through their command-line tools. Stand-ins for these, which keep their state in files, show
that they are called rightly; where the real ones work, they are called too.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import pytest

from duologue_registry.agent.executor import Executor, ExecutorError, Observed, Unit
from duologue_registry.agent.processes import Processes, ProcessId, _read
from duologue_registry.agent.tools import Docker, Systemd
from service_registry_sdk import (
    DockerContainer,
    Local,
    ManagedProcess,
    ServiceEntry,
    ServiceState,
    SystemdService,
)

pytestmark = pytest.mark.anyio

SYSTEMCTL = """#!/bin/sh
# systemctl SCOPE VERB [OPTION...] -- UNIT
for unit; do :; done
here=$FAKE/$unit
echo "$@" >> "$FAKE/calls"
test "$1" = --system || exit 64
if test "$2" != show && ! test -e "$here"; then
  echo "Failed to $2 $unit: Unit $unit not found." >&2; exit 5
fi
case $2 in
  start) echo active > "$here"; echo "up" >> "$here.log";;
  stop) if test -e "$here.stubborn"; then sleep 30; fi; echo inactive > "$here";;
  kill) rm -f "$here.stubborn"; echo inactive > "$here";;
  show) if test -e "$here"; then echo LoadState=loaded; else echo LoadState=not-found; fi
        echo "ActiveState=$(cat "$here" 2>/dev/null || echo inactive)"; echo SubState=x; echo Result=exit-code;;
  *) exit 64;;
esac
"""
JOURNALCTL = """#!/bin/sh
for each; do case $each in --unit=*) unit=${each#--unit=};; --lines=*) lines=${each#--lines=};; esac; done
tail -n "$lines" "$FAKE/$unit.log"
"""
DOCKER = """#!/bin/sh
for name; do :; done
echo "$@" >> "$FAKE/calls"
case "$1 $2" in
  "container inspect") here=$FAKE/$name
    test -e "$here" || { echo "Error response from daemon: No such container: $name" >&2; exit 1; }
    cat "$here";;
  "run --detach") echo '{"Running": true, "ExitCode": 0}' > "$FAKE/$4"; echo up >> "$FAKE/$4.log";;
  start*) echo '{"Running": true, "ExitCode": 0}' > "$FAKE/$name"; echo up >> "$FAKE/$name.log";;
  stop*) echo '{"Running": false, "ExitCode": 143}' > "$FAKE/$name";;
  logs*) tail -n "${2#--tail=}" "$FAKE/$name.log";;
  *) exit 64;;
esac
"""


@dataclass
class Place:
    """An executor, a service that it can run, and how that comes to a bad end."""

    executor: Executor
    unit: Unit
    crash: Callable[[], None]
    reason: str


def unit_of(folder: Path, execution: Any) -> Unit:
    now = datetime.now(UTC)
    entry = ServiceEntry(
        name="api",
        version="1.0.0",
        execution=execution,
        location=Local(),
        state=ServiceState.REGISTERED,
        registered_at=now,
        last_state_change=now,
        revision=1,
    )
    return Unit(entry, folder)


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the stand-ins keep their state."""
    programs, state = tmp_path / "programs", tmp_path / "state"
    programs.mkdir()
    state.mkdir()
    for name, text in (("systemctl", SYSTEMCTL), ("journalctl", JOURNALCTL), ("docker", DOCKER)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("FAKE", str(state))
    return state


@pytest.fixture(params=["process", "systemd", "docker"])
def place(request: pytest.FixtureRequest, tmp_path: Path, fake: Path) -> Iterator[Place]:
    home = tmp_path / "home"
    home.mkdir()
    if request.param == "process":
        unit = unit_of(home, ManagedProcess(command=["/bin/sh", "-c", "echo up; exec sleep 60"]))

        def crash() -> None:
            process = _read(unit)
            assert process is not None
            os.killpg(process.pid, signal.SIGKILL)

        yield Place(Processes(), unit, crash, "killed by SIGKILL")
        process = _read(unit)
        if process is not None and process.is_running:
            os.killpg(process.pid, signal.SIGKILL)
    elif request.param == "systemd":
        (fake / "api.service").write_text("inactive\n")
        unit = unit_of(home, SystemdService(unit_name="api.service"))
        yield Place(Systemd(), unit, writes(fake / "api.service", "failed\n"), "systemd says failed, exit-code")
    else:
        unit = unit_of(home, DockerContainer(container_id="api-1", image="example/api:1"))
        ended = '{"Running": false, "ExitCode": 137, "Error": "out of memory"}'
        yield Place(Docker(), unit, writes(fake / "api-1", ended), "it ended with 137 out of memory")


def writes(path: Path, text: str) -> Callable[[], None]:
    """What leaves the text in a file."""

    def write() -> None:
        path.write_text(text)

    return write


async def until(place: Place, state: ServiceState) -> Observed:
    with anyio.fail_after(20):
        while (found := await place.executor.observe(place.unit)).state is not state:
            await anyio.sleep(0.02)
        return found


async def test_a_life(place: Place) -> None:
    executor, unit = place.executor, place.unit
    with anyio.fail_after(60):
        assert (await executor.observe(unit)).state is ServiceState.STOPPED
        await executor.stop(unit, 1)  # what does not run is not stopped
        for _ in range(2):  # and what runs is not started
            await executor.start(unit)
            assert await executor.observe(unit) == Observed(ServiceState.RUNNING)
        await until_logged(place, "up")
        await executor.stop(unit, 5)
        assert (await executor.observe(unit)).state is ServiceState.STOPPED
        await executor.start(unit)
        place.crash()
        assert place.reason in ((await until(place, ServiceState.FAILED)).reason or "")
        await executor.start(unit)
        assert (await executor.observe(unit)).is_running
        await executor.stop(unit, 5)


async def until_logged(place: Place, text: str) -> None:
    while [line.text async for line in place.executor.read_logs(place.unit, 1, follow=False)] != [text]:
        await anyio.sleep(0.02)


async def test_the_end_of_it_is_noticed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("duologue_registry.agent.tools.LOOK_EVERY", 0.05)
    with anyio.fail_after(30):
        await place.executor.start(place.unit)
        place.crash()
        while (await place.executor.observe(place.unit)).is_running:
            await place.executor.until_change(place.unit)


async def test_what_a_process_has_started_ends_with_it(tmp_path: Path) -> None:
    script = "sleep 60 & echo $! >> children; exit 1"
    unit, executor = unit_of(tmp_path, ManagedProcess(command=["/bin/sh", "-c", script])), Processes()

    async def until_ended(count: int) -> list[int]:
        while not (tmp_path / "children").exists() or (tmp_path / "children").read_text().count("\n") < count:
            await anyio.sleep(0.02)
        return [int(line) for line in (tmp_path / "children").read_text().split()]

    with anyio.fail_after(30):
        await executor.start(unit)
        await until_ended(1)
        while (process := _read(unit)) is not None and process.is_running:
            await anyio.sleep(0.02)
        await executor.start(unit)  # nobody has looked at the first one since it ended
        children = await until_ended(2)
        while (found := await executor.observe(unit)).is_running:
            await anyio.sleep(0.02)
        assert found == Observed(ServiceState.FAILED, "it ended with 1")
        while any(ProcessId.of(child) for child in children):
            await anyio.sleep(0.02)


async def test_a_signal_that_has_no_name(tmp_path: Path) -> None:
    unit = unit_of(tmp_path, ManagedProcess(command=["/bin/sh", "-c", "kill -40 $$; sleep 60"]))
    executor = Processes()
    with anyio.fail_after(30):
        await executor.start(unit)
        while (found := await executor.observe(unit)).is_running:
            await anyio.sleep(0.02)
    assert found == Observed(ServiceState.FAILED, "it was killed by signal 40")


async def test_a_unit_that_does_not_stop_is_killed(fake: Path, tmp_path: Path) -> None:
    (fake / "api.service").write_text("active\n")
    (fake / "api.service.stubborn").touch()
    with anyio.fail_after(20):
        await Systemd().stop(unit_of(tmp_path, SystemdService(unit_name="api.service")), 0.2)
    assert "kill --signal=SIGKILL -- api.service" in (fake / "calls").read_text()


async def test_what_tools_refuse_is_told(fake: Path, tmp_path: Path) -> None:
    with pytest.raises(ExecutorError, match=r"Unit gone\.service not found"):
        await Systemd().start(unit_of(tmp_path, SystemdService(unit_name="gone.service")))
    found = await Systemd().observe(unit_of(tmp_path, SystemdService(unit_name="gone.service")))
    assert found == Observed(ServiceState.FAILED, "there is no unit gone.service")


@pytest.mark.parametrize("name", ["--now", "-x", "a b", "a;b", "", "a/b", "../x", "a\nb"])
async def test_names_that_a_tool_would_take_for_something_else(fake: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(ExecutorError, match="is no name of a unit"):
        await Systemd().start(unit_of(tmp_path, SystemdService(unit_name=name)))
    with pytest.raises(ExecutorError, match="is no name of a container"):
        await Docker().start(unit_of(tmp_path, DockerContainer(container_id=name, image="x")))
    assert not (fake / "calls").exists()


async def test_a_tool_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ExecutorError, match="systemctl cannot be run: No such file"):
        await Systemd().start(unit_of(tmp_path, SystemdService(unit_name="api.service")))
    with pytest.raises(ExecutorError, match="docker cannot be run: No such file"):
        await Docker().observe(unit_of(tmp_path, DockerContainer(container_id="api", image="x")))


async def test_an_executor_is_given_what_it_can_run(tmp_path: Path) -> None:
    unit = unit_of(tmp_path, SystemdService(unit_name="x.service"))
    for executor in (Processes(), Docker()):
        with pytest.raises(ExecutorError, match="it is of the kind systemd_service"):
            await executor.start(unit)


# ------------------------------------------------------------------------------------------------------- the real ones
def works(*command: str) -> str | None:
    """Why a tool cannot be used here; None when it can."""
    if shutil.which(command[0]) is None:
        return f"there is no {command[0]}"
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except subprocess.TimeoutExpired:
        return f"{' '.join(command)} does not answer"
    return None if done.returncode == 0 else f"{' '.join(command)}: {(done.stderr or done.stdout).strip()[:200]}"


async def test_the_real_systemd(tmp_path: Path) -> None:
    why_not = works("systemctl", "--system", "is-system-running", "--quiet")
    if why_not is not None:
        pytest.skip(f"no systemd to talk to, only its stand-in was: {why_not}")
    found = await Systemd().observe(unit_of(tmp_path, SystemdService(unit_name="no-such-unit.service")))
    assert found.reason == "there is no unit no-such-unit.service"


async def test_the_real_docker(tmp_path: Path) -> None:
    why_not = works("docker", "info")
    if why_not is not None:
        pytest.skip(f"no Docker to talk to, only its stand-in was: {why_not}")
    unit = unit_of(tmp_path, DockerContainer(container_id="duologue-registry-no-such", image="x"))
    assert (await Docker().observe(unit)).reason == "there is no container duologue-registry-no-such"
