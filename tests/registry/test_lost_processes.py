"""An agent that dies between starting a process and writing down its number: nobody loses it, nothing runs twice."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from tests.registry.fleet import SLEEP

from duologue_registry.agent import processes
from duologue_registry.agent.executor import Unit
from duologue_registry.agent.processes import FILE_NAME, MARK, Processes, ProcessId
from service_registry_sdk import Local, ManagedProcess, ServiceEntry, ServiceState

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Died(BaseException):
    """The agent is gone."""


def unit_in(home: Path) -> Unit:
    return Unit(
        ServiceEntry(
            name="api",
            version="1.0.0",
            execution=ManagedProcess(command=SLEEP),
            location=Local(),
            state=ServiceState.STOPPED,
            registered_at=NOW,
            last_state_change=NOW,
            revision=1,
        ),
        home,
    )


async def die_after_starting(unit: Unit, monkeypatch: pytest.MonkeyPatch) -> int:
    """Start a service, and die before its number is written down; returns that number."""
    write = processes._write
    started: list[object] = []

    def die(unit: Unit, contents: Mapping[str, object]) -> None:
        if "pid" in contents:
            started.append(contents["pid"])
            raise Died
        write(unit, contents)

    with monkeypatch.context() as patched:
        patched.setattr(processes, "_write", die)
        with pytest.raises(Died):
            await Processes().start(unit)
    (pid,) = started
    assert isinstance(pid, int)
    return pid


def runs(pid: int) -> bool:
    return ProcessId.of(pid) is not None


async def test_it_is_found_again_and_not_started_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unit = unit_in(tmp_path)
    pid = await die_after_starting(unit, monkeypatch)
    try:
        anew = Processes()
        assert (await anew.observe(unit)).state is ServiceState.RUNNING
        await anew.start(unit)
        assert f'"pid": {pid}' in (tmp_path / FILE_NAME).read_text()
        await anew.stop(unit, grace=1)
        assert not runs(pid)
    finally:
        if runs(pid):
            os.killpg(pid, signal.SIGKILL)


async def test_it_is_stopped_by_one_who_never_saw_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unit = unit_in(tmp_path)
    pid = await die_after_starting(unit, monkeypatch)
    try:
        await Processes().stop(unit, grace=1)
        assert not runs(pid)
    finally:
        if runs(pid):
            os.killpg(pid, signal.SIGKILL)


async def test_one_that_has_ended_meanwhile_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unit = unit_in(tmp_path)
    pid = await die_after_starting(unit, monkeypatch)
    with anyio.fail_after(10):
        while not (environment := Path(f"/proc/{pid}/environ").read_bytes()):  # it has none until its program runs
            await anyio.sleep(0.01)
    assert f"{MARK}=".encode() in environment
    os.killpg(pid, signal.SIGKILL)
    await anyio.to_thread.run_sync(os.waitpid, pid, 0)
    assert (await Processes().observe(unit)).state is ServiceState.STOPPED
    assert not (tmp_path / FILE_NAME).exists()
