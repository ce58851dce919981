"""The `serve` command: which loop, which directory, and what it says."""

from __future__ import annotations

import importlib.util
import os
import ssl
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import click

from duologue import Authenticator
from service_registry_sdk import Retention

from .. import __version__
from ..packages.signing import KeysError, SignaturePolicy
from ..serving.access import AccessRefused, FileTokens, authenticator_of
from ..serving.app import Started, default_directory, serve_registry
from ..serving.observing import Observing, start_log
from ..serving.tokens import TokensError
from ..storing.store import StoreError
from .display import echo_json
from .exits import REFUSED, fail
from .tokens import token_file


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What `serve` was told of who may connect, and how."""

    tokens: Path | None
    insecure: bool
    certificate: Path | None
    key: Path | None
    origins: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """What `serve` was told of the signatures of packages."""

    trusted_keys: Path | None
    allow_unsigned: bool

    def policy(self) -> SignaturePolicy:
        if self.allow_unsigned and self.trusted_keys is None:
            raise click.UsageError("--allow-unsigned needs --trusted-keys: without it signatures are not looked at")
        try:
            return SignaturePolicy.read(self.trusted_keys, allow_unsigned=self.allow_unsigned)
        except KeysError as error:
            fail(REFUSED, f"--trusted-keys: {error}")


def run(
    host: str,
    port: int,
    data: Path | None,
    access: Access,
    observing: Observing,
    signing: Signing,
    keep: Retention,
    *,
    ephemeral: bool,
    executor: str | None,
    as_json: bool,
) -> None:
    """Serve until told to stop; returns then, so that the process ends with code 0."""
    authenticator, tls = _authenticator(host, data, access, ephemeral=ephemeral), _tls(access)
    policy = signing.policy()
    start_log(observing)
    directory = None if ephemeral else (data or default_directory()).absolute()
    backend, options = _backend(executor)
    listens = False

    def say(started: Started) -> None:
        nonlocal listens
        listens = True
        (_say_in_json if as_json else _say)(started)

    try:
        serving = partial(
            serve_registry,
            authenticator=authenticator,
            tls=tls,
            origins=access.origins,
            observing=observing,
            signatures=policy,
            keep=keep,
        )
        anyio.run(serving, host, port, directory, say, backend=backend, backend_options=options)
    except StoreError as error:
        fail(REFUSED, str(error))
    except OSError as error:
        if listens:  # what was said could not be printed
            raise
        if error.filename is not None:
            fail(REFUSED, f"{error.filename} cannot be used: {error.strerror}")
        fail(REFUSED, f"cannot listen on {host} port {port}: {error.strerror or error}; --port 0 picks a free one")
    if not as_json:
        click.echo("stopped")


def _authenticator(host: str, data: Path | None, access: Access, *, ephemeral: bool) -> Authenticator:
    if access.tokens is not None and not access.tokens.is_file():
        raise click.UsageError(f"--tokens {access.tokens}: there is no such file")
    try:
        tokens = None if access.tokens is None and ephemeral else FileTokens(token_file(data, access.tokens))
        return authenticator_of(host, tokens, insecure=access.insecure)
    except TokensError as error:
        fail(REFUSED, str(error))
    except AccessRefused as error:
        raise click.UsageError(str(error)) from None


def _tls(access: Access) -> ssl.SSLContext | None:
    if access.certificate is None and access.key is None:
        return None
    if access.certificate is None:
        raise click.UsageError("--tls-key needs --tls-cert")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(access.certificate, access.key)
    except OSError as error:  # `ssl.SSLError` among them
        fail(REFUSED, f"--tls-cert {access.certificate}: {error.strerror or error}")
    return context


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
        ("open to", started.open_to),
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
            "open_to": started.open_to,
            "pid": os.getpid(),
        }
    )
