"""Asking services how they are: scripts, HTTP and TCP, and a verdict that one answer does not turn over."""

from __future__ import annotations

import os
import signal
import subprocess
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, cast
from urllib.parse import urlsplit

import anyio
import anyio.abc

from service_registry_sdk import HealthCheck, HealthReport, HealthStatus, HttpProbe, ScriptProbe, TcpProbe

from .executor import Unit
from .processes import ProcessId, signal_group, until_gone, without_secrets

REPEAT: Final = 60.0
"""Seconds after which a verdict is told again that has not changed."""

MOST_OUTPUT: Final = 1024
_MOST_ANSWER: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What one question came to."""

    status: HealthStatus
    output: str | None = None

    @property
    def passed(self) -> bool:
        """Whether it counts as passed; a warning does."""
        return self.status in (HealthStatus.PASSING, HealthStatus.WARNING)


class Window:
    """The last answers of one check, and the verdict that they make up.

    Passing as soon as `passes` of the last `window` passed, critical as soon as so many failed that this cannot be;
    before there are enough answers the verdict is unknown.
    """

    def __init__(self, check: HealthCheck) -> None:
        self._passes = check.passes
        self._answers: deque[Answer] = deque(maxlen=check.window)
        self.verdict = HealthStatus.UNKNOWN

    def add(self, answer: Answer) -> HealthStatus:
        """Take an answer in; returns the verdict."""
        self._answers.append(answer)
        passed = sum(each.passed for each in self._answers)
        failed = len(self._answers) - passed
        if passed >= self._passes:
            self.verdict = HealthStatus.WARNING if answer.status is HealthStatus.WARNING else HealthStatus.PASSING
        elif failed > (self._answers.maxlen or 0) - self._passes:
            self.verdict = HealthStatus.CRITICAL
        return self.verdict


async def ask(check: HealthCheck, unit: Unit) -> Answer:
    """Ask once, within the check's timeout."""
    answer: Answer | None = None
    try:
        with anyio.move_on_after(check.timeout.total_seconds()):
            answer = await _probe(check, unit)
    except Exception as error:  # noqa: BLE001 - addresses are strangers': whatever comes of one ends no agent
        return Answer(HealthStatus.CRITICAL, _told(error)[:MOST_OUTPUT])
    return answer or Answer(HealthStatus.CRITICAL, f"no answer within {check.timeout.total_seconds():g} seconds")


def _told(error: Exception) -> str:
    """What it says; of many what the first one says, as how many there were helps nobody."""
    if isinstance(error, ExceptionGroup):
        return _told(cast("ExceptionGroup[Exception]", error).exceptions[0])
    return str(error) or type(error).__name__


async def watch(check: HealthCheck, unit: Unit, report: Callable[[str, HealthReport], Awaitable[None]]) -> None:
    """Ask again and again until cancelled, and report when the verdict changes, or has not for a while."""
    window, told, told_at = Window(check), None, 0.0
    while True:
        began, now = anyio.current_time(), datetime.now(UTC)
        answer = await ask(check, unit)
        took = anyio.current_time() - began
        verdict = window.add(answer)
        if verdict is not told or began - told_at >= REPEAT:
            told, told_at = verdict, began
            output = None if verdict is HealthStatus.UNKNOWN else answer.output
            await report(
                unit.name,
                HealthReport(
                    check=check.name, status=verdict, checked_at=now, took=timedelta(seconds=took), output=output
                ),
            )
        await anyio.sleep(max(0.05, check.interval.total_seconds() - took))


async def _probe(check: HealthCheck, unit: Unit) -> Answer:
    match check.probe:
        case ScriptProbe(path=path):
            return await _run(path, unit)
        case TcpProbe(address=address):
            host, _, port = address.rpartition(":")
            async with await anyio.connect_tcp(host.strip("[]"), int(port)):
                return Answer(HealthStatus.PASSING)
        case HttpProbe(url=url, expect_status=expected):
            status = await _get(url)
            passed = HealthStatus.PASSING if status == expected else HealthStatus.CRITICAL
            return Answer(passed, f"HTTP {status}")


async def _run(path: str, unit: Unit) -> Answer:
    """Run a script of the package; when it ends, or takes too long, all that it has started is killed."""
    process = await anyio.open_process(
        [str((unit.folder / path).resolve())],
        cwd=unit.folder,
        env={**without_secrets(os.environ), "SERVICE_NAME": unit.name},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    output = b""
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_end_with, process.pid)
            assert process.stdout is not None, "it was asked for"
            async for data in process.stdout:
                output = (output + data)[-MOST_OUTPUT:]
        code = await process.wait()
    finally:
        with anyio.CancelScope(shield=True):
            await process.aclose()
    status = {0: HealthStatus.PASSING, 1: HealthStatus.WARNING}.get(code, HealthStatus.CRITICAL)
    return Answer(status, output.decode("utf-8", "replace").strip() or None)


async def _end_with(pid: int) -> None:
    """Kill all that a script has started once it has ended, or when cancelled: it would hold its output open."""
    process = ProcessId.of(pid) or ProcessId(pid, 0)
    try:
        with suppress(OSError):  # without a descriptor left it cannot be waited for, and is not let run
            await until_gone(process)
    finally:
        signal_group(process, signal.SIGKILL)


async def _get(url: str) -> int:
    """The status of a GET request."""
    parts = urlsplit(url)
    secure, host = parts.scheme == "https", parts.hostname or ""
    port = parts.port or (443 if secure else 80)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    stream: anyio.abc.ByteStream = (
        await anyio.connect_tcp(host, port, tls=True) if secure else await anyio.connect_tcp(host, port)
    )
    async with stream:
        lines = (
            f"GET {target} HTTP/1.1",
            f"Host: {parts.netloc}",
            "User-Agent: duologue-registry",
            "Connection: close",
        )
        await stream.send("".join(f"{line}\r\n" for line in (*lines, "")).encode("ascii"))
        head = b""
        while b"\r\n" not in head and len(head) < _MOST_ANSWER:
            head += await stream.receive(4096)
    words = head.split(b"\r\n", 1)[0].split(b" ", 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        raise ValueError("what answered does not speak HTTP")
    return int(words[1])
