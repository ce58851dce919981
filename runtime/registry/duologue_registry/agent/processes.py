"""Processes that the agent starts itself, and finds again after it was started anew (Linux)."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import anyio
from typing_extensions import override

from service_registry_sdk import LogLine, ManagedProcess, ServiceState

from .executor import Executor, ExecutorError, Observed, Unit
from .logs import append_to, bound, read_lines

FILE_NAME: Final = "process.json"
MARK: Final = "SERVICE_RUN"
"""In the environment of a service: another one each time that it is started."""

LOOKS: Final = 4
LOOK_AGAIN: Final = 0.05
"""Seconds between two looks for a process that was started a moment ago, by an agent that is no more."""

LOOK_EVERY: Final = 1.0
"""Seconds between two looks at a process that runs: so often its logs are bounded."""

KILL_WITHIN: Final = 5.0
"""Seconds within which the kernel ends a killed process."""


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process, and no other that has its number later.

    Attributes:
        started: When the kernel started it, in ticks since the machine did.
    """

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> ProcessId | None:
        """The process of that number, if it runs; one that has ended, and was not waited for, does not."""
        try:
            text = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return None
        fields = text.rpartition(")")[2].split()  # what stands before may have brackets of its own
        return None if fields[0] in "ZX" else cls(pid, int(fields[19]))

    @property
    def is_running(self) -> bool:
        """Whether it still runs."""
        return ProcessId.of(self.pid) == self

    def to_json(self) -> dict[str, object]:
        """As it is written down."""
        return {"pid": self.pid, "started": self.started}


class Processes(Executor):
    """Each in a process group of its own, with its output in files that are bounded.

    Args:
        log_bytes: Of each output are kept, and as many of what was before.
    """

    def __init__(self, environment: Mapping[str, str] | None = None, *, log_bytes: int = 8 << 20) -> None:
        self._environment = without_secrets(os.environ if environment is None else environment)
        self._log_bytes = log_bytes
        self._children: set[int] = set()
        self._exits: dict[ProcessId, int] = {}

    @override
    async def start(self, unit: Unit) -> None:
        known = await _find(unit)
        if known is not None:
            if known.is_running:
                return
            self._exit_of(known)
        mark = secrets.token_hex(8)
        try:
            _write(unit, {"mark": mark})  # who dies before the number is written down finds it by this
        except OSError as error:
            raise ExecutorError(f"{unit.name} cannot be started, as nothing can be written down: {error}") from None
        pid = self._spawn(unit, mark)
        self._children.add(pid)
        process = ProcessId.of(pid) or ProcessId(pid, 0)  # it may be over already
        try:
            _write(unit, process.to_json())
        except OSError as error:  # nobody would find it again
            signal_group(process, signal.SIGKILL)
            await until_gone(process)
            self._exit_of(process)
            raise ExecutorError(f"{unit.name} cannot be started, as nothing can be written down: {error}") from None

    def _spawn(self, unit: Unit, mark: str) -> int:
        execution = unit.entry.execution
        if not isinstance(execution, ManagedProcess):
            raise ExecutorError(f"{unit.name} is no process: it is of the kind {execution.kind}")
        environment = {**self._environment, **execution.environment, "SERVICE_NAME": unit.name, MARK: mark}
        try:
            with append_to(unit.home, "stdout") as out, append_to(unit.home, "stderr") as errors:
                process = subprocess.Popen(  # noqa: S603 - what is run is what the registry says
                    execution.command,
                    cwd=unit.folder,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=errors,
                    start_new_session=True,
                )
        except (OSError, ValueError) as error:
            (unit.home / FILE_NAME).unlink(missing_ok=True)
            why = error.strerror if isinstance(error, OSError) else str(error)
            raise ExecutorError(f"{execution.command[0]} cannot be started in {unit.folder}: {why}") from None
        process.returncode = 0  # we wait for it ourselves: it outlives this object, and maybe this agent
        return process.pid

    @override
    async def observe(self, unit: Unit) -> Observed:
        process = await _find(unit)
        if process is None:
            return Observed(ServiceState.STOPPED)
        if process.is_running:
            bound(unit.home, self._log_bytes)
            return Observed(ServiceState.RUNNING)
        return _ended(self._exit_of(process))

    def _exit_of(self, process: ProcessId) -> int | None:
        """Its exit code, negative for a signal; None when it was started by an agent that is no more."""
        if process.pid in self._children:
            # What it has left behind ends with it. Its number is not given away before it was waited for.
            signal_group(process, signal.SIGKILL)
            with suppress(ChildProcessError):
                pid, status = os.waitpid(process.pid, os.WNOHANG)
                if pid:
                    self._exits[process] = os.waitstatus_to_exitcode(status)
            self._children.discard(process.pid)
        return self._exits.get(process)

    @override
    async def until_change(self, unit: Unit) -> None:
        process = _read(unit)
        with anyio.move_on_after(LOOK_EVERY):
            if process is None:
                await anyio.sleep(LOOK_EVERY)
            else:
                await until_gone(process)

    @override
    async def stop(self, unit: Unit, grace: float) -> None:
        process = await _find(unit)
        if process is None:
            return
        if process.is_running:
            signal_group(process, signal.SIGTERM)
            with anyio.move_on_after(grace):
                await until_gone(process)
        if process.is_running:
            signal_group(process, signal.SIGKILL)
        with anyio.move_on_after(KILL_WITHIN):
            await until_gone(process)
        if process.is_running:
            raise ExecutorError(f"process {process.pid} of {unit.name} does not end, though it was killed")
        self._exit_of(process)
        (unit.home / FILE_NAME).unlink(missing_ok=True)

    @override
    def read_logs(self, unit: Unit, tail: int, *, follow: bool) -> AsyncIterator[LogLine]:
        return read_lines(unit.home, tail, follow=follow)


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """What services are given of the agent's environment: not its token."""
    return {name: value for name, value in environment.items() if not name.startswith("DUOLOGUE_")}


async def until_gone(process: ProcessId) -> None:
    """Wait until it has ended, whoever started it."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    try:
        if process.is_running:
            await anyio.wait_readable(descriptor)
    finally:
        os.close(descriptor)


def signal_group(process: ProcessId, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _ended(code: int | None) -> Observed:
    if code == 0:
        return Observed(ServiceState.STOPPED, "it ended by itself, with 0")
    if code is None:
        return Observed(ServiceState.FAILED, "it is gone; nobody saw how it ended")
    if code > 0:
        return Observed(ServiceState.FAILED, f"it ended with {code}")
    known = {number.value: number.name for number in signal.Signals}  # those for real time have no names
    return Observed(ServiceState.FAILED, f"it was killed by {known.get(-code, f'signal {-code}')}")


async def _find(unit: Unit) -> ProcessId | None:
    """The process of a service; one whose number nobody got to write down is looked for by its mark."""
    process, mark = _read(unit), _contents(unit).get("mark")
    if process is not None or not isinstance(mark, str):
        return process
    for _ in range(LOOKS):
        found = _marked(mark)
        if found is not None:
            _write(unit, found.to_json())
            return found
        await anyio.sleep(LOOK_AGAIN)  # it has no environment of its own until its program runs
    (unit.home / FILE_NAME).unlink(missing_ok=True)
    return None


def _marked(mark: str) -> ProcessId | None:
    """The process that was started with a mark; those that it has started have inherited it."""
    wanted = f"{MARK}={mark}".encode()
    for path in Path("/proc").glob("[0-9]*/environ"):
        pid = int(path.parent.name)
        with suppress(OSError):
            if wanted in path.read_bytes().split(b"\0") and os.getsid(pid) == pid:
                return ProcessId.of(pid)
    return None


def _read(unit: Unit) -> ProcessId | None:
    found = _contents(unit)
    try:
        return ProcessId(int(found["pid"]), int(found["started"]))
    except (ValueError, KeyError, TypeError):
        return None


def _contents(unit: Unit) -> dict[str, Any]:
    try:
        found: Any = json.loads((unit.home / FILE_NAME).read_text())
    except (OSError, ValueError):
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _write(unit: Unit, contents: Mapping[str, object]) -> None:
    new = unit.home / f".{FILE_NAME}.new"
    new.write_text(json.dumps(contents))
    new.replace(unit.home / FILE_NAME)
