"""Serving: a store, the service on it, a listener, and an orderly end."""

from __future__ import annotations

import logging
import os
import signal
import ssl
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import anyio
from anyio.abc import TaskStatus

from duologue import Authenticator, Login, serve
from duologue.garbage import sparing
from service_registry_sdk import Retention

from ..clock import SystemClock
from ..packages.blobs import FOLDER as PACKAGES
from ..packages.signing import SignaturePolicy
from ..storing.journal import JournaledStore
from ..storing.memory import MemoryJournal
from ..storing.schema import FILE_NAME
from ..storing.sqlite import SqliteJournal
from ..tasks import background
from .access import FileTokens, told
from .observing import Observing, observers_of
from .service import Registry
from .shelf import Shelf

STOP_WITHIN: Final = 15.0
"""Seconds after a signal by which the process ends, come what may: peers get 7 of them, a disk the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """What a registry that serves says of itself."""

    url: str
    path: Path | None
    services: int
    revision: int
    open_to: str


def default_directory() -> Path:
    """Where the user's data belongs on this system."""
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    return base / "duologue-registry"


async def serve_registry(
    host: str,
    port: int,
    directory: Path | None,
    started: Callable[[Started], None],
    *,
    authenticator: Authenticator,
    tls: ssl.SSLContext | None,
    origins: Sequence[str],
    observing: Observing,
    signatures: SignaturePolicy,
    keep: Retention,
) -> None:
    """Serve until SIGTERM or SIGINT; without a directory, from memory.

    Raises:
        StoreError: The data cannot be opened.
        OSError: The address cannot be had.
    """
    async with open_store(directory) as store, open_shelf(directory, signatures, store) as shelf:
        registry = Registry(store, shelf=shelf, keep=keep)
        async with background() as tasks:
            await tasks.start(_watch_signals, tasks.cancel_scope)
            await tasks.start(registry.run)
            guarded = isinstance(authenticator, FileTokens)
            login: Login | None = "first_message" if guarded and origins else None  # browsers cannot send headers
            observers, probes = observers_of(store, registry.protection, observing)
            async with serve(
                registry,
                host,
                port,
                tls=tls,
                authenticator=authenticator,
                origins=origins,
                login=login,
                observers=observers,
                probes=probes,
            ) as server:
                if isinstance(authenticator, FileTokens):
                    tasks.start_soon(authenticator.follow, server)
                shown = f"[{host}]" if ":" in host else host
                path = None if directory is None else directory / FILE_NAME
                url = f"{'ws' if tls is None else 'wss'}://{shown}:{server.port}"
                services, open_to = len(store.snapshot()), told(authenticator, host)
                with sparing():
                    started(Started(url=url, path=path, services=services, revision=store.revision, open_to=open_to))
                    await anyio.sleep_forever()


def open_store(directory: Path | None) -> AbstractAsyncContextManager[JournaledStore]:
    """The store in that directory, or one in memory."""
    journal = MemoryJournal() if directory is None else SqliteJournal(directory)
    return JournaledStore.open(journal, SystemClock())


@asynccontextmanager
async def open_shelf(
    directory: Path | None, signatures: SignaturePolicy, store: JournaledStore
) -> AsyncGenerator[Shelf]:
    """The packages beside the store; without a directory in a temporary one.

    Raises:
        OSError: The folder cannot be made.
    """
    with ExitStack() as stack:
        if directory is None:
            directory = Path(stack.enter_context(TemporaryDirectory(prefix="duologue-registry-")))
        shelf = Shelf(directory / PACKAGES, signatures)
        await shelf.open(store)
        yield shelf


async def _watch_signals(
    scope: anyio.CancelScope, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        task_status.started()
        async for _ in signals:
            _end_by_force(STOP_WITHIN)
            scope.cancel()
            return


def _end_by_force(seconds: float) -> None:
    def end() -> None:
        logging.getLogger(__name__).critical("The registry did not stop within %.0f seconds: it ends by force", seconds)
        os._exit(1)  # what was acknowledged is on disk

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
