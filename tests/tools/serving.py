"""Servers for the tools to talk to, each on an event loop of its own in another thread; and the tools, in this one."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final

import anyio
from anyio.from_thread import BlockingPortal, start_blocking_portal
from click.testing import CliRunner

from duologue import Authenticator, Connection, Event, Identity, Server, Service, StaticTokens, serve
from duologue_codegen.cli import main

READER: Final = "a-token-of-whoever-reads"
STRANGER: Final = "a-token-of-a-stranger"
KNOWN: Final = StaticTokens.of(
    {READER: Identity(name="ann", scopes={"read"}, unrestricted=True), STRANGER: Identity(name="eve")}
)


class Serving:
    """A server in a thread of its own."""

    def __init__(self, portal: BlockingPortal, server: Server[Any]) -> None:
        self.url = f"ws://127.0.0.1:{server.port}"
        self.server = server
        self._portal = portal

    def emit(self, *events: Event) -> None:
        for event in events:
            self._portal.call(self.server.emit, event)

    def until_watched(self) -> None:
        """Wait until somebody has subscribed to something."""

        async def wait() -> None:
            with anyio.fail_after(30):
                while not any(map(_is_subscribed, self.server.connections)):
                    await anyio.sleep(0.01)

        self._portal.call(wait)

    def cut(self) -> None:
        """Cut every connection."""

        def cut() -> None:
            for one in self.server.connections:
                one.abort()

        self._portal.call(cut)


def _is_subscribed(connection: Connection) -> bool:
    subscriptions: Any = connection._subscriptions  # nobody else knows
    return bool(subscriptions._subscriptions)


@contextmanager
def serving(service: Service[Any], known: Authenticator | None = None) -> Generator[Serving]:
    with (
        start_blocking_portal("asyncio") as portal,
        portal.wrap_async_context_manager(serve(service, authenticator=known)) as server,
    ):
        yield Serving(portal, server)


def duologue(*words: str, typed: str | None = None, **env: str | None) -> subprocess.CompletedProcess[str]:
    """The command, in this process."""
    variables = {"DUOLOGUE_TOKEN": None, **env}
    result = CliRunner().invoke(main, words, input=typed, env=variables, prog_name="duologue")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return subprocess.CompletedProcess(words, result.exit_code, result.stdout, result.stderr)


def answered(ran: subprocess.CompletedProcess[str]) -> Any:
    """What a call was answered with."""
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def told(ran: subprocess.CompletedProcess[str], code: int) -> str:
    """What was said by a command that did not succeed."""
    assert (ran.returncode, ran.stdout) == (code, ""), (ran.stdout, ran.stderr)
    assert "Traceback" not in ran.stderr
    return ran.stderr
