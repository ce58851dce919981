"""Who takes part in the comparisons of typed calls, and who of them cannot be had here."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from .results import Arm

DUOLOGUE: Final = "duologue"
SPARING: Final = "duologue, sparing"
WEBSOCKETS: Final = "websockets by hand"
TRIO: Final = "websockets.trio by hand"
PICOWS: Final = "picows by hand"
GRPC: Final = "grpc.aio"


@dataclass(frozen=True, slots=True)
class Contender:
    """A module of `benchmarks.peers`, the loops it is measured on, and the modules without which it cannot run."""

    module: str
    executors: Sequence[str]
    needs: Sequence[str] = ()


CONTENDERS: Final[Mapping[str, Contender]] = {
    DUOLOGUE: Contender("duologue", ("uvloop", "asyncio", "trio")),
    SPARING: Contender("duologue_sparing", ("uvloop",)),
    WEBSOCKETS: Contender("websockets_asyncio", ("uvloop", "asyncio")),
    TRIO: Contender("websockets_trio", ("trio",)),
    PICOWS: Contender("picows_msgspec", ("uvloop",), ("picows",)),
    "aiohttp by hand": Contender("aiohttp_ws", ("uvloop",), ("aiohttp",)),
    GRPC: Contender("grpc_aio", ("asyncio",), ("grpc", "google.protobuf")),
    "connectrpc": Contender("connect_rpc", ("uvloop",), ("connectrpc", "uvicorn", "google.protobuf")),
    "python-socketio": Contender("socketio", ("uvloop",), ("socketio", "aiohttp")),
    "fastapi-websocket-rpc": Contender("fastapi_rpc", ("uvloop",), ("fastapi_websocket_rpc", "uvicorn")),
}


def arms(names: Sequence[str] = tuple(CONTENDERS)) -> list[Arm]:
    """Each of them on each of its loops."""
    return [Arm(name, executor) for name in names for executor in CONTENDERS[name].executors]


def module_of(arm: Arm) -> str:
    return f"benchmarks.peers.{CONTENDERS[arm.contender].module}"


def why_missing(arm: Arm) -> str | None:
    """Why an arm cannot be measured here; None when it can."""
    needs = CONTENDERS[arm.contender].needs if arm.contender in CONTENDERS else ()
    executor = () if arm.executor in ("asyncio", "-") else (arm.executor,)
    return next(filter(None, map(_why_not, (*needs, *executor))), None)


@cache
def _why_not(module: str) -> str | None:
    """Import a module in a process of its own: one that is installed and broken counts as missing."""
    done = subprocess.run(
        [sys.executable, "-c", f"import {module}"], capture_output=True, text=True, check=False, timeout=60
    )
    return None if done.returncode == 0 else done.stderr.strip().splitlines()[-1]
