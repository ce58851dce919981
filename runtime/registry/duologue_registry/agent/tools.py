"""Services that others run, through their command-line tools: systemd's units and Docker's containers."""

from __future__ import annotations

import json
import re
import subprocess
from abc import abstractmethod
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import anyio
from anyio.abc import ByteReceiveStream
from typing_extensions import override

from service_registry_sdk import DockerContainer, LogLine, LogLineSource, ServiceState, SystemdService

from .executor import Executor, ExecutorError, Observed, Unit
from .logs import LONGEST_LINE

LOOK_EVERY: Final = 2.0
"""Seconds between two questions for the state of what others run."""

ANSWER_WITHIN: Final = 30.0
"""Seconds in which a tool answers; to stop something it has as long as that may take, besides."""

_UNIT: Final = re.compile(r"[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]{0,250}")
_CONTAINER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
_IMAGE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./:@-]{0,255}")


class Tool(Executor):
    """What the tools have in common."""

    @override
    async def until_change(self, unit: Unit) -> None:
        await anyio.sleep(LOOK_EVERY)

    @override
    async def read_logs(self, unit: Unit, tail: int, *, follow: bool) -> AsyncIterator[LogLine]:
        command = self._log_command(unit, tail, follow=follow)
        process = await _open(command, stderr=subprocess.STDOUT)
        try:
            assert process.stdout is not None, "it was asked for"
            async for text in _lines(process.stdout):
                yield LogLine(source=LogLineSource.STDOUT, text=text)
        finally:
            with anyio.CancelScope(shield=True):
                if process.returncode is None:
                    process.kill()
                await process.aclose()

    @abstractmethod
    def _log_command(self, unit: Unit, tail: int, *, follow: bool) -> Sequence[str]: ...


class Systemd(Tool):
    """Units of the system's manager, or of the user's.

    Args:
        scope: `--system` or `--user`.
    """

    def __init__(self, scope: str = "--system") -> None:
        self._scope = scope

    @override
    async def start(self, unit: Unit) -> None:
        await _run(["systemctl", self._scope, "start", "--", _unit_name(unit)])

    @override
    async def stop(self, unit: Unit, grace: float) -> None:
        name = _unit_name(unit)
        with anyio.move_on_after(grace) as asked:
            await _run(["systemctl", self._scope, "stop", "--", name], within=grace + ANSWER_WITHIN)
        if asked.cancelled_caught:
            await _run(["systemctl", self._scope, "kill", "--signal=SIGKILL", "--", name])
        if (await self.observe(unit)).is_running:
            raise ExecutorError(f"{name} still runs, though it was stopped")

    @override
    async def observe(self, unit: Unit) -> Observed:
        wanted = "--property=LoadState,ActiveState,SubState,Result"
        text = await _run(["systemctl", self._scope, "show", wanted, "--", _unit_name(unit)])
        found = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        if found.get("LoadState") == "not-found":
            return Observed(ServiceState.FAILED, f"there is no unit {_unit_name(unit)}")
        match found.get("ActiveState"):
            case "active" | "reloading" | "activating" | "deactivating":
                return Observed(ServiceState.RUNNING)
            case "inactive":
                return Observed(ServiceState.STOPPED)
            case other:
                return Observed(ServiceState.FAILED, f"systemd says {other}, {found.get('Result', 'unknown')}")

    @override
    def _log_command(self, unit: Unit, tail: int, *, follow: bool) -> Sequence[str]:
        command = ["journalctl", self._scope, "--output=cat", f"--lines={tail}", f"--unit={_unit_name(unit)}"]
        return [*command, "--follow"] if follow else command


class Docker(Tool):
    """Containers of the local Docker engine."""

    @override
    async def start(self, unit: Unit) -> None:
        container = _container(unit)
        if await self._state(container) is None:
            image = _checked(_IMAGE, _execution(unit).image, "image")
            await _run(["docker", "run", "--detach", "--name", container, image], within=10 * ANSWER_WITHIN)
        else:
            await _run(["docker", "start", container])

    @override
    async def stop(self, unit: Unit, grace: float) -> None:
        container = _container(unit)
        if await self._state(container) is not None:
            seconds = str(max(0, round(grace)))
            await _run(["docker", "stop", "--time", seconds, container], within=grace + ANSWER_WITHIN)

    @override
    async def observe(self, unit: Unit) -> Observed:
        container = _container(unit)
        found = await self._state(container)
        if found is None:
            return Observed(ServiceState.STOPPED, f"there is no container {container}")
        if found.get("Running"):
            return Observed(ServiceState.RUNNING)
        code = found.get("ExitCode", 0)
        if code in (0, 143):  # 143: SIGTERM, which is how it is stopped
            return Observed(ServiceState.STOPPED)
        return Observed(ServiceState.FAILED, f"it ended with {code} {found.get('Error', '')}".strip())

    async def _state(self, container: str) -> dict[str, Any] | None:
        code, out, errors = await _answer(["docker", "container", "inspect", "--format={{json .State}}", container])
        if code == 0:
            state: dict[str, Any] = json.loads(out)
            return state
        if "no such" in errors.lower():
            return None
        raise ExecutorError(f"docker: {errors.strip()[:500]}")

    @override
    def _log_command(self, unit: Unit, tail: int, *, follow: bool) -> Sequence[str]:
        command = ["docker", "logs", f"--tail={tail}"]
        return [*command, *(["--follow"] if follow else []), _container(unit)]


def _unit_name(unit: Unit) -> str:
    execution = unit.entry.execution
    if not isinstance(execution, SystemdService):
        raise ExecutorError(f"{unit.name} is no systemd unit: it is of the kind {execution.kind}")
    return _checked(_UNIT, execution.unit_name, "unit")


def _execution(unit: Unit) -> DockerContainer:
    execution = unit.entry.execution
    if not isinstance(execution, DockerContainer):
        raise ExecutorError(f"{unit.name} is no container: it is of the kind {execution.kind}")
    return execution


def _container(unit: Unit) -> str:
    return _checked(_CONTAINER, _execution(unit).container_id, "container")


def _checked(pattern: re.Pattern[str], text: str, what: str) -> str:
    """Names of strangers are given to no tool that they are not fit for."""
    if not pattern.fullmatch(text):
        raise ExecutorError(f"{text!r} is no name of a {what}")
    return text


async def _run(command: Sequence[str], *, within: float = ANSWER_WITHIN) -> str:
    code, out, errors = await _answer(command, within=within)
    if code != 0:
        raise ExecutorError(f"{' '.join(command)}: ended with {code}: {(errors or out).strip()[:500]}")
    return out


async def _answer(command: Sequence[str], *, within: float = ANSWER_WITHIN) -> tuple[int, str, str]:
    try:
        with anyio.fail_after(within):
            done = await anyio.run_process(command, check=False, stdin=subprocess.DEVNULL)
    except TimeoutError:
        raise ExecutorError(f"{' '.join(command)}: no answer within {within:g} seconds") from None
    except OSError as error:
        raise ExecutorError(f"{command[0]} cannot be run: {error.strerror}") from None
    return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")


async def _open(command: Sequence[str], *, stderr: int) -> anyio.abc.Process:
    try:
        return await anyio.open_process(command, stdin=subprocess.DEVNULL, stderr=stderr)
    except OSError as error:
        raise ExecutorError(f"{command[0]} cannot be run: {error.strerror}") from None


async def _lines(stream: ByteReceiveStream) -> AsyncIterator[str]:
    rest = b""
    async for data in stream:
        *lines, rest = (rest + data).split(b"\n")
        if len(rest) > LONGEST_LINE:
            lines, rest = [*lines, rest], b""
        for line in lines:
            yield line[:LONGEST_LINE].decode("utf-8", "replace")
    if rest:
        yield rest.decode("utf-8", "replace")
