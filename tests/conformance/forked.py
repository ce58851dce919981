"""Registries that start at once, to be killed often: forked from a process that has imported all that they need."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

PATIENCE: Final = 20.0  # seconds, on a machine that is busy with other things

_FORKSERVER: Final = multiprocessing.get_context("forkserver")
_FORKSERVER.set_forkserver_preload(
    ["duologue_registry.commands.serve", "duologue_registry.serving.service", "tests.conformance.forked"]
)

Fault = Callable[[], None]
"""Breaks something in the registry's process before it starts."""


def _serve(says: Connection, arguments: list[str], fault: Fault | None) -> None:
    from duologue_registry.commands.cli import main

    os.dup2(says.fileno(), 1)
    if fault is not None:
        fault()
    main(["serve", "--json", *arguments], prog_name="duologue-registry")


class Registry:
    """`duologue-registry serve` in a process of its own, listening.

    Args:
        port: 0 for one that is free.
    """

    def __init__(self, data: Path, port: int = 0, fault: Fault | None = None) -> None:
        hears, says = _FORKSERVER.Pipe(duplex=False)
        arguments = ["--data", str(data), "--port", str(port)]
        self._process: Any = _FORKSERVER.Process(target=_serve, args=(says, arguments, fault), daemon=True)
        self._process.start()
        says.close()
        with hears:
            assert hears.poll(PATIENCE), "it did not start"
            started = os.read(hears.fileno(), 10_000)
        assert started, "it ended before it listened"
        self.port = int(json.loads(started)["url"].rpartition(":")[2])

    def kill(self) -> None:
        """`kill -9`."""
        self._process.kill()
        self._process.join()
