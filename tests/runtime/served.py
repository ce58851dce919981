"""A server in a process of its own, as users run one, and what can be seen of it from outside.

The child obeys commands on its standard input, one JSON object a line, and answers each with a line.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

import anyio
from tests.conftest import BACKENDS
from tests.runtime.chat import ChatPeer, Said, Typing
from tests.runtime.support import Room

from duologue import Limits, Server, serve

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = resource.getpagesize()


class Served:
    """The process, seen by its parent.

    Attributes:
        port: Where it listens.
        pid: Its number.
    """

    def __init__(self, options: dict[str, Any]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, json.dumps(options)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self._process.pid
        self.port: int = self._answer()["port"]

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Let it do something, and wait for its answer."""
        self.tell(do, **arguments)
        return self._answer()

    def tell(self, do: str, **arguments: Any) -> None:
        """Let it do something; `hear` has its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self._process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        return self._answer()

    @property
    def resident(self) -> int:
        """Bytes of memory that it has."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * PAGE

    @property
    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))  # noqa: PTH208 - their names are not needed

    @property
    def processor_time(self) -> float:
        """Seconds that it has worked."""
        user, system = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def until(self, condition: Callable[[Served], object], patience: float = 10.0) -> None:
        """Wait until something is true of it; fails when it is not in time."""
        end = time.monotonic() + patience
        while not condition(self):
            assert time.monotonic() < end, "it did not come to that"
            time.sleep(0.02)

    def terminate(self, patience: float = 30.0) -> float:
        """Send SIGTERM; returns the seconds until it has ended, by itself and without an error."""
        started = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(patience)
        assert code == 0, code
        return time.monotonic() - started

    def end(self) -> None:
        """Whatever state it is in."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"it ended with {self._process.wait(10)}"
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def served(backend: str = "asyncio", **options: Any) -> Generator[Served]:
    """Run a server while the block runs.

    Args:
        limits: Those that differ from the defaults.
        tls: Files of a certificate and its key.
        descriptors: How many the process may have.
    """
    process = Served({"backend": backend, **options})
    try:
        yield process
    finally:
        process.end()


# -------------------------------------------------------------------------------------------------------- the child
async def _emit(server: Server[ChatPeer], *, count: int, size: int, every: float, **_: Any) -> dict[str, Any]:
    """Publish events at a steady pace; each says when."""
    first = time.monotonic()
    for number in range(count):
        await anyio.sleep(first + number * every - time.monotonic())
        text = f"{time.monotonic()} ".ljust(size, "x")
        await server.emit(Said(room="a", text=text, number=number))
        await server.emit(Typing(who=text))
    return {"emitted": count}


def _count(server: Server[ChatPeer]) -> dict[str, Any]:
    """What there is of what may leak."""
    if "trio" in sys.modules and sys.modules["trio"].lowlevel.in_trio_run():
        tasks = sys.modules["trio"].lowlevel.current_statistics().tasks_living
    else:
        tasks = len(asyncio.all_tasks())
    return {"tasks": tasks, "connections": len(server.connections), "sessions": len(server._sessions)}


@asynccontextmanager
async def _lines() -> AsyncGenerator[Callable[[], Any]]:
    descriptor = sys.stdin.fileno()
    os.set_blocking(descriptor, False)
    buffer = bytearray()

    async def line() -> bytes:
        while b"\n" not in buffer:
            await anyio.wait_readable(descriptor)
            if not (data := os.read(descriptor, 65536)):
                return b""
            buffer.extend(data)
        found, _, rest = bytes(buffer).partition(b"\n")
        buffer[:] = rest
        return found

    yield line


async def _obey(server: Server[ChatPeer]) -> None:
    async with _lines() as line:
        while command := await line():
            wanted = json.loads(command)
            answer = await _emit(server, **wanted) if wanted["do"] == "emit" else _count(server)
            print(json.dumps(answer), flush=True)


async def _main(options: dict[str, Any]) -> None:
    tls = None
    if options.get("tls"):
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(*options["tls"])
    limits = Limits(**options.get("limits", {}))
    async with serve(Room(), "127.0.0.1", 0, tls=tls, limits=limits) as server:
        print(json.dumps({"port": server.port}), flush=True)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_obey, server)
            with anyio.open_signal_receiver(signal.SIGTERM) as signals:
                async for _ in signals:
                    break
            tasks.cancel_scope.cancel()


def main() -> None:
    options = json.loads(sys.argv[1])
    if options.get("descriptors"):
        resource.setrlimit(resource.RLIMIT_NOFILE, (options["descriptors"], options["descriptors"]))
    backend, backend_options = BACKENDS[options["backend"]]
    anyio.run(_main, options, backend=backend, backend_options=backend_options)


if __name__ == "__main__":
    main()
