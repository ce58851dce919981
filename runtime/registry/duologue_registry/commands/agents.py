"""What the commands of agents, and those about control, do."""

from __future__ import annotations

import fcntl
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import anyio
import click

from duologue import CallError, ConnectFailed, ConnectionClosed, Lifecycle
from duologue.client.dialer import redacted
from service_registry_sdk import (
    AgentInfo,
    CommandOutcome,
    CommandStep,
    LogLine,
    LogLineSource,
    RegistryClient,
    ServiceCommand,
    ServiceKind,
)

from ..agent.executor import Executor
from ..agent.node import Node
from ..agent.processes import Processes
from ..agent.tools import Docker, Systemd
from ..agent.voice import Fenced
from ..packages.signing import KeysError, SignaturePolicy
from ..tasks import background
from .display import Cell, age, coloured, echo_json, printable, table
from .exits import REFUSED, Target, fail
from .services import not_let_in, open_client, talk

LOCK: Final = ".agent.lock"


# ---------------------------------------------------------------------------------------------------------------- agent
def agent_command(target: Target, node: str, root: Path, trusted: Path | None) -> None:
    try:
        policy = SignaturePolicy.read(trusted)
    except KeysError as error:
        fail(REFUSED, f"--trusted-keys: {error}")
    executors: dict[ServiceKind, Executor] = {
        ServiceKind.MANAGED_PROCESS: Processes(),
        ServiceKind.SYSTEMD_SERVICE: Systemd(),
        ServiceKind.DOCKER_CONTAINER: Docker(),
    }
    try:
        with _only_one(root):
            anyio.run(_serve, target, Node(node, root, executors, policy=policy))
    except ConnectFailed as error:
        not_let_in(target, error)
    except (Fenced, CallError) as error:
        fail(REFUSED, str(error))
    except OSError as error:
        fail(REFUSED, f"{root} cannot be used: {error}")
    if not target.json:
        click.echo("stopped; the services go on")


@contextmanager
def _only_one(root: Path) -> Generator[None]:
    root.mkdir(parents=True, exist_ok=True)
    with (root / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fail(REFUSED, f"{root} is in use: another agent runs with it; end it, or name another folder")
        yield


async def _serve(target: Target, node: Node) -> None:
    url = redacted(target.url)

    def lost(closed: ConnectionClosed) -> None:
        click.secho(f"Registry unreachable at {url} ({closed}): the services go on; reconnecting", fg="red", err=True)

    lifecycle = Lifecycle(lost=lost)
    async with background() as tasks, node.running():
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:

            async def stop() -> None:
                async for _ in signals:
                    tasks.cancel_scope.cancel()
                    return

            tasks.start_soon(stop)
            tasks.start_soon(_say, target, node)
            async with open_client(target, lifecycle, serve=node) as client:
                await node.voice.speak(client)


async def _say(target: Target, node: Node) -> None:
    """Say so once it is attached."""
    await node.voice.until_epoch(1)
    assert node.voice.lease is not None, "it is attached"
    epoch = node.voice.lease.lease_epoch
    if target.json:
        echo_json({"node": node.name, "lease_epoch": epoch, "url": redacted(target.url)})
    else:
        click.echo(f"{node.name} is attached to {redacted(target.url)} (lease epoch {epoch}); Ctrl-C ends it")
    sys.stdout.flush()


def agents_command(target: Target) -> None:
    async def conversation(registry: RegistryClient) -> list[AgentInfo]:
        return (await registry.list_agents()).agents

    found = talk(target, conversation)
    if target.json:
        for info in found:
            echo_json(info)
    else:
        rows: list[list[Cell | str]] = [
            [
                info.node,
                coloured("attached") if info.is_attached else Cell("away", "red"),
                str(info.lease_epoch),
                f"{age(info.attached_at)} ago",
                ", ".join(map(str, info.kinds)),
            ]
            for info in found
        ]
        click.echo("\n".join(table(("NODE", "IS", "EPOCH", "SINCE", "RUNS"), rows)))


# -------------------------------------------------------------------------------------------------------------- control
def action_command(target: Target, command: str, name: str, grace: float, reason: str | None, *, alone: bool) -> None:
    async def conversation(registry: RegistryClient) -> CommandOutcome:
        async with registry.service_action(
            name=name,
            command=ServiceCommand(command),
            grace=timedelta(seconds=grace),
            alone=alone,
            reason=reason,
        ) as steps:
            async for step in steps:
                _show_step(target, step)
            return await steps.result()

    outcome = talk(target, conversation, bounded=False)
    if target.json:
        echo_json(outcome)
    because = f": {printable(outcome.message)}" if outcome.message else ""
    if not outcome.succeeded:
        fail(REFUSED, f"{name} is {outcome.state}{because}")
    if not target.json:
        click.echo(f"{name} is {outcome.state}{because}")


def _show_step(target: Target, step: CommandStep) -> None:
    if target.json:
        echo_json(step)
    else:
        message = f" {printable(step.message)}" if step.message else ""
        click.secho(f"{step.at:%H:%M:%S} {step.service} {step.stage}{message}", dim=True, err=True)


def logs_command(target: Target, name: str, tail: int, *, follow: bool) -> None:
    async def conversation(registry: RegistryClient) -> None:
        async with registry.watch_logs(name=name, tail=tail, follow=follow) as lines:
            async for line in lines:
                _show_line(target, line)

    try:
        talk(target, conversation, bounded=False)
    except KeyboardInterrupt:
        return


def _show_line(target: Target, line: LogLine) -> None:
    if target.json:
        echo_json(line)
    else:
        click.echo(printable(line.text), err=line.source is LogLineSource.STDERR)
