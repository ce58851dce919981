"""The `serve` command: which loop, which directory, and what it says."""

from __future__ import annotations

import importlib.util
import ipaddress
import logging
import os
import sys
from pathlib import Path
from typing import Any

import anyio
import click

from . import __version__
from .app import Started, default_directory, serve_registry
from .display import echo_json
from .exits import REFUSED, fail
from .store import StoreError


def run(host: str, port: int, data: Path | None, *, ephemeral: bool, executor: str | None, as_json: bool) -> None:
    """Serve until told to stop; returns then, so that the process ends with code 0."""
    _check_loopback(host)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    directory = None if ephemeral else (data or default_directory()).absolute()
    backend, options = _backend(executor)
    try:
        anyio.run(
            serve_registry,
            host,
            port,
            directory,
            _say_in_json if as_json else _say,
            backend=backend,
            backend_options=options,
        )
    except StoreError as error:
        fail(REFUSED, str(error))
    except OSError as error:
        fail(REFUSED, f"cannot listen on {host} port {port}: {error.strerror or error}; --port 0 picks a free one")
    if not as_json:
        click.echo("stopped")


def _check_loopback(host: str) -> None:
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise click.UsageError(
            f"--host {host}: this version listens on loopback addresses alone, since nobody has to sign in;"
            " use 127.0.0.1 or ::1, and a tunnel (such as ssh -L) from elsewhere"
        )


def _backend(executor: str | None) -> tuple[str, dict[str, Any]]:
    installed = importlib.util.find_spec("uvloop") is not None
    needed = {"uvloop": "uvloop", "trio": "trio"}.get(executor or "")
    if needed and importlib.util.find_spec(needed) is None:
        raise click.UsageError(f"--executor {executor}: not installed; pip install 'duologue-registry[{needed}]'")
    if executor == "trio":
        return "trio", {}
    return "asyncio", {"use_uvloop": executor == "uvloop" or (executor is None and installed)}


def _say(started: Started) -> None:
    stored = "in memory, and nowhere else" if started.path is None else str(started.path)
    lines = [
        ("listening", click.style(started.url, fg="green")),
        ("storing", stored),
        ("loaded", f"{started.services} services at revision {started.revision}"),
        ("stop", "Ctrl-C"),
    ]
    click.echo(click.style(f"duologue-registry {__version__}", bold=True))
    for name, text in lines:
        click.echo(f"  {click.style(f'{name:<9}', dim=True)}  {text}")
    sys.stdout.flush()


def _say_in_json(started: Started) -> None:
    path = None if started.path is None else str(started.path)
    echo_json(
        {
            "url": started.url,
            "data": path,
            "services": started.services,
            "revision": started.revision,
            "pid": os.getpid(),
        }
    )
