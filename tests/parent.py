"""A process that has imported what programs need, and forks them. `tests/programs.py` starts it:

    python parent.py SOCKET MODULE...

A stub says what to run in one line, and sends its standard streams along. It is told the process's id, and how it
ended. When a stub is gone before its program, the program is killed; when its standard input ends, all are.
"""

from __future__ import annotations

import ast
import atexit
import gc
import importlib
import os
import selectors
import signal
import socket
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any


@dataclass
class Start:
    """What a stub asks for.

    Attributes:
        argv: The program, a file of Python, and its arguments.
        ignored: Numbers of the signals that it is deaf to: a shell's background jobs are to SIGINT.
    """

    argv: list[str]
    cwd: str
    env: dict[str, str]
    ignored: list[int]
    streams: list[int] = field(default_factory=list[int])

    def run(self) -> None:
        """Be that program, and end as it does."""
        os.setsid()
        for target, stream in enumerate(self.streams):
            os.dup2(stream, target)
            os.close(stream)
        os.chdir(self.cwd)
        os.environ.clear()
        os.environ.update(self.env)
        for number in self.ignored:
            signal.signal(number, signal.SIG_IGN)
        sys.argv = self.argv
        sys.path[:0] = [
            str(Path(self.argv[0]).resolve().parent),
            *filter(None, self.env.get("PYTHONPATH", "").split(os.pathsep)),
        ]
        importlib.invalidate_caches()
        _be_main(Path(self.argv[0]))


def _be_main(program: Path) -> None:
    main = sys.modules["__main__"] = ModuleType("__main__")
    main.__file__ = str(program.absolute())
    exec(compile(program.read_bytes(), program, "exec"), main.__dict__)


class Parent:
    """Forks what stubs ask for."""

    def __init__(self, place: str) -> None:
        self._selector = selectors.DefaultSelector()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(place)
        self._listener.listen()
        self._ended, ended = socket.socketpair()
        self._ended.setblocking(False)
        ended.setblocking(False)
        self._wakes = ended
        signal.set_wakeup_fd(ended.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _wake)
        self._stubs: dict[int, socket.socket] = {}
        for source in (self._listener, self._ended, sys.stdin):
            self._selector.register(source, selectors.EVENT_READ)

    def serve(self) -> Start:
        """Fork what is asked for; return in what was forked, and only there."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._listener:
                    stub = self._listener.accept()[0]
                    start = _asked(stub)
                    if (pid := os.fork()) == 0:
                        self._forget(stub)
                        return start
                    self._begun(start, stub, pid)
                elif key.fileobj is self._ended:
                    self._reap()
                elif key.fileobj is sys.stdin:
                    self._end()
                elif key.data in self._stubs:  # its stub was killed
                    self._selector.unregister(key.fileobj)
                    _kill(key.data)

    def _begun(self, start: Start, stub: socket.socket, pid: int) -> None:
        for stream in start.streams:
            os.close(stream)
        self._stubs[pid] = stub
        self._selector.register(stub, selectors.EVENT_READ, pid)
        _tell(stub, pid)

    def _reap(self) -> None:
        with suppress(BlockingIOError):
            self._ended.recv(4096)
        for pid in list(self._stubs):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                stub = self._stubs.pop(pid)
                with suppress(KeyError):
                    self._selector.unregister(stub)
                _tell(stub, os.waitstatus_to_exitcode(status))
                stub.close()

    def _end(self) -> None:
        for pid in self._stubs:
            _kill(pid)
        raise SystemExit

    def _forget(self, stub: socket.socket) -> None:
        """What is the parent's is not its child's."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._selector.close()
        for end in (self._listener, self._ended, self._wakes, stub, *self._stubs.values()):
            end.close()


def _finish(start: Start) -> None:
    """Run what was asked for, and end as Python does, but for taking apart all that the parent had imported.

    Of that each program would touch, and so copy, every page: it takes longer than what most of them do.
    """
    code = 0
    try:
        start.run()
    except SystemExit as ended:
        if not isinstance(ended.code, int | None):
            raise  # it is to be printed
        code = ended.code or 0
    threading._shutdown()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue] - as `multiprocessing` does
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code & 0xFF)


def _asked(stub: socket.socket) -> Start:
    said, streams, _, _ = socket.recv_fds(stub, 65536, 3)
    while not said.endswith(b"\n"):
        said += stub.recv(65536)
    asked: dict[str, Any] = ast.literal_eval(said.decode())
    return Start(**asked, streams=streams)


def _wake(number: int, frame: object) -> None:
    """That there is a handler lets the signal be heard."""


def _tell(stub: socket.socket, number: int) -> None:
    with suppress(OSError):
        stub.sendall(b"%d\n" % number)


def _kill(pid: int) -> None:
    for kill in (os.killpg, os.kill):  # it may not have come to have a group
        with suppress(ProcessLookupError):
            kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    for module in sys.argv[2:]:
        importlib.import_module(module)
    del sys.path[0]  # our own folder, which no program is to find
    parent = Parent(sys.argv[1])
    gc.freeze()
    if os.fork():
        os._exit(0)  # whoever waits for this process knows that it is listened
    _finish(parent.serve())
