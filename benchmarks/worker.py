"""A process of one side: runs a program of a contender or a case, and does what the parent says, line by line.

    python -m benchmarks.worker MODULE:FUNCTION EXECUTOR OPTIONS

OPTIONS is a JSON object of keyword arguments, the first line on standard input another one: what was not known yet when
the process was started. The function is an async context manager that yields commands by name; each further line on
standard input is `[name, {arguments}]`, each line on standard output its JSON answer.
"""

from __future__ import annotations

import gc
import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import anyio
from anyio.to_thread import run_sync

Commands = Mapping[str, Callable[..., Awaitable[Any]]]

BACKENDS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "asyncio": ("asyncio", {"use_uvloop": False}),
    "uvloop": ("asyncio", {"use_uvloop": True}),
    "trio": ("trio", {}),
}


async def cpu() -> float:
    """Processor seconds, user's and system's, of all threads so far."""
    return time.process_time()


async def memory() -> int:
    """Resident bytes, without garbage."""
    gc.collect()
    return _resident()


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def raise_descriptor_limit() -> int:
    """Let this process open as many descriptors as it may; returns how many."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


async def run(program: Callable[..., Any], options: dict[str, Any]) -> None:
    async with program(**options) as commands:
        answering: Commands = {"cpu": cpu, "memory": memory, **commands}
        say({"ready": True})
        while line := await run_sync(sys.stdin.readline, abandon_on_cancel=True):
            name, arguments = json.loads(line)
            say(await answering[name](**arguments))


def say(answer: Any) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def main() -> None:
    where, executor, given = sys.argv[1:]
    module, _, function = where.partition(":")
    raise_descriptor_limit()
    program, options = getattr(import_module(module), function), json.loads(given)
    if "module" in options:  # while the other side still starts
        import_module(options["module"])
    options |= json.loads(sys.stdin.readline())
    backend, backend_options = BACKENDS[executor]
    anyio.run(run, program, options, backend=backend, backend_options=backend_options)


if __name__ == "__main__":
    main()
