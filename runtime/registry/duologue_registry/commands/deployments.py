"""What the commands of deployments do: begin one, follow it to its end, leave it and come back."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeAlias
from uuid import UUID

import click

from duologue import NotSent, OutcomeUnknown, Stream
from service_registry_sdk import Deployment, DeploymentState, DeploymentStep, RegistryClient

from ..rules.progress import has_ended
from .display import Cell, age, coloured, echo_json, printable, table
from .exits import LEFT_RUNNING, NOT_DEPLOYED, Target, fail
from .services import Talk, talk

Begin: TypeAlias = Callable[[RegistryClient], Stream[DeploymentStep, Deployment]]


class Following:
    """A deployment that is followed from here, over as many connections as it takes."""

    def __init__(self, target: Target) -> None:
        self.id: UUID | None = None
        self._target = target
        self._shown: dict[str | None, object] = {}

    async def follow(self, registry: RegistryClient, begin: Begin) -> Deployment:
        """Begin, and show what happens until it has ended.

        Raises:
            OutcomeUnknown: The connection was lost before it is known whether it has begun.
        """
        try:
            return await self._show_all(begin(registry))
        except (NotSent, OutcomeUnknown):
            if self.id is None:
                raise
        return await self.watch(registry, self.id)

    async def watch(self, registry: RegistryClient, id_: UUID) -> Deployment:
        """Show what happens to one that is there, until it has ended."""
        self.id = id_
        while True:
            await registry.connected()
            try:
                return await self._show_all(registry.watch_deployment(id=id_))
            except (NotSent, OutcomeUnknown):
                continue  # the registry is away; the deployment goes on when it is back

    async def _show_all(self, stream: Stream[DeploymentStep, Deployment]) -> Deployment:
        async with stream as steps:
            async for step in steps:
                self.id = step.deployment
                self._show(step)
            return await steps.result()

    def _show(self, step: DeploymentStep) -> None:
        node = step.node
        name = None if node is None else node.node
        state = step.state if node is None else (node.state, node.is_away, node.message)
        if self._shown.get(name) == state:
            return  # who comes back is told once more where everything is
        self._shown[name] = state
        if self._target.json:
            echo_json(step)
        elif node is not None:
            _show_node(step, node.node, node.state, node.message, is_away=node.is_away)


def _show_node(step: DeploymentStep, node: str, state: str, message: str | None, *, is_away: bool) -> None:
    cell = coloured(state)
    what = click.style(f"{state:<12}", fg=cell.colour)
    why = " its agent is away: it is waited for" if is_away else ""
    why += f" {printable(message)}" if message else ""
    click.echo(f"{step.at.astimezone():%H:%M:%S}  {step.percent:>3} %  {node:<16} {what}{why}".rstrip())


# ------------------------------------------------------------------------------------------------------------- commands
def deploy_command(target: Target, name: str, version: str, nodes: list[str], options: dict[str, Any]) -> None:
    fields = _fields(options)
    _run(target, lambda registry: registry.deploy_package(name=name, version=version, nodes=nodes, **fields))


def rollback_command(target: Target, name: str, nodes: list[str], options: dict[str, Any]) -> None:
    fields = _fields(options)
    _run(target, lambda registry: registry.rollback(name=name, nodes=nodes or None, **fields))


def watch_command(target: Target, id_: UUID) -> None:
    following = Following(target)

    async def conversation(registry: RegistryClient) -> Deployment:
        return await following.watch(registry, id_)

    _to_its_end(target, following, conversation)


def cancel_command(target: Target, id_: UUID, reason: str | None) -> None:
    found = talk(target, lambda registry: registry.cancel_deployment(id=id_, reason=reason))
    _show_deployment(target, found)


def get_command(target: Target, id_: UUID) -> None:
    _show_deployment(target, talk(target, lambda registry: registry.get_deployment(id=id_)))


def list_command(target: Target, name: str | None, limit: int) -> None:
    async def conversation(registry: RegistryClient) -> list[Deployment]:
        return (await registry.list_deployments(name=name, limit=limit)).deployments

    found = talk(target, conversation)
    if target.json:
        for each in found:
            echo_json(each)
        return
    rows: list[list[Cell | str]] = [
        [
            str(each.id),
            f"{each.name} {each.version}",
            coloured(each.state),
            Cell(f"{age(each.started_at)} ago", dim=True),
            " ".join(node.node for node in each.nodes),
            printable(each.message or ""),
        ]
        for each in found
    ]
    click.echo("\n".join(table(("ID", "PACKAGE", "STATE", "BEGUN", "NODES", "WHY"), rows)))


# -------------------------------------------------------------------------------------------------------------- helpers
def _fields(options: dict[str, Any]) -> dict[str, Any]:
    return {
        "batch": options["batch"],
        "healthy": options["healthy"],
        "within": timedelta(seconds=options["within"]),
        "deadline": timedelta(seconds=options["deadline"]),
        "reason": options["reason"],
    }


def _run(target: Target, begin: Begin) -> None:
    following = Following(target)

    async def conversation(registry: RegistryClient) -> Deployment:
        return await following.follow(registry, begin)

    _to_its_end(target, following, conversation)


def _to_its_end(target: Target, following: Following, conversation: Talk[Deployment]) -> None:
    try:
        ended = talk(target, conversation, bounded=False)
    except KeyboardInterrupt:
        id_ = following.id
        if id_ is None:
            raise
        ended = _interrupted(target, following, id_)
    _say(target, ended)


def _interrupted(target: Target, following: Following, id_: UUID) -> Deployment:
    """Leave it running, or roll it back and stay until it is."""
    if not sys.stdin.isatty() or click.confirm("\nLeave it running?", default=True, err=True):
        fail(LEFT_RUNNING, f"It goes on; `duologue-registry deployments watch {id_}` follows it again.")

    async def cancel(registry: RegistryClient) -> Deployment:
        await registry.cancel_deployment(id=id_)
        return await following.watch(registry, id_)

    return talk(target, cancel, bounded=False)


def _say(target: Target, ended: Deployment) -> None:
    if target.json:
        echo_json(ended)
    why = f": {printable(ended.message)}" if ended.message else ""
    text = f"{ended.name} {ended.version} is {ended.state}{why}"
    if ended.state != DeploymentState.DONE:
        fail(NOT_DEPLOYED, text)
    if not target.json:
        click.secho(f"{text} on {', '.join(node.node for node in ended.nodes)}", fg="green")


def _show_deployment(target: Target, found: Deployment) -> None:
    if target.json:
        echo_json(found)
        return
    why = f" ({printable(found.message)})" if found.message else ""
    click.echo(f"{found.name} {found.version}  {click.style(found.state, fg=coloured(found.state).colour)}{why}")
    end = "ended" if has_ended(found) else "ends"
    click.echo(f"begun {age(found.started_at)} ago by {found.started_by}, {end} by {found.deadline:%H:%M:%S %Z}")
    rows: list[list[Cell | str]] = [
        [
            node.node,
            coloured(node.state),
            node.from_version or "-",
            node.service,
            "its agent is away" if node.is_away else printable(node.message or ""),
        ]
        for node in found.nodes
    ]
    click.echo("\n".join(table(("NODE", "STATE", "FROM", "SERVICE", "WHY"), rows)))
