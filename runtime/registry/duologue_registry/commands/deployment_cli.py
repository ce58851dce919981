"""The commands of deployments: what they take, and what they say of themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import click

from .exits import DEPLOYMENT_EXIT_CODES, Target
from .options import Seconds, client

_id = click.argument("id_", metavar="ID", type=click.UUID)
_nodes = click.option("--nodes", metavar="NODE,…", help="Which nodes, in this order; also repeatable.", multiple=True)


def _gate(function: Callable[..., None]) -> Callable[..., None]:
    seconds = Seconds(min=0, min_open=True)
    for option in (
        click.option("--reason", help="For the audit log."),
        click.option("--deadline", type=seconds, default=600.0, show_default=True, help="Seconds until it has ended."),
        click.option("--within", type=seconds, default=60.0, show_default=True, help="Seconds to become healthy in."),
        click.option(
            "--healthy", type=click.IntRange(1, 100), default=3, show_default=True, help="So many times in a row."
        ),
        click.option("--batch", type=click.IntRange(1, 256), default=1, show_default=True, help="Nodes at a time."),
        _nodes,
    ):
        function = option(function)
    return function


@click.command(
    epilog="\b\nExample:\n  duologue-registry deploy web-api 1.4.0 --nodes web-1,web-2 --batch 1 --deadline 300\n\n"
    + DEPLOYMENT_EXIT_CODES
)
@click.argument("name")
@click.argument("version")
@_gate
@client
def deploy(target: Target, name: str, version: str, nodes: tuple[str, ...], **options: Any) -> None:
    """Deploy the package NAME VERSION to nodes, batch by batch, and show how it goes.

    A node is done when its service was found healthy so many times in a row. A failure on any of them rolls all of them
    back. Ctrl-C asks whether to leave it running; it does not need this command to go on.
    """
    from .deployments import deploy_command

    wanted = _split(nodes)
    if not wanted:
        raise click.UsageError("--nodes: name the nodes to deploy to, such as --nodes web-1,web-2")
    deploy_command(target, name, version, wanted, options)


@click.command(
    epilog="\b\nExample:\n  duologue-registry rollback web-api --reason 'it leaks memory'\n\n" + DEPLOYMENT_EXIT_CODES
)
@click.argument("name")
@_gate
@client
def rollback(target: Target, name: str, nodes: tuple[str, ...], **options: Any) -> None:
    """Deploy the version of the package NAME that was active before; without --nodes wherever there is one."""
    from .deployments import rollback_command

    rollback_command(target, name, _split(nodes), options)


def _split(nodes: tuple[str, ...]) -> list[str]:
    return [node for text in nodes for node in text.split(",") if node]


@click.group(epilog="\b\nExample:\n  duologue-registry deployments list --name web-api")
def deployments() -> None:
    """List, show, follow and cancel deployments."""


@deployments.command("list", epilog="\b\nExample:\n  duologue-registry deployments list --json")
@click.option("--name", help="Only of this package.")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="The newest so many.")
@client
def list_(target: Target, name: str | None, limit: int) -> None:
    """List deployments, newest first."""
    from .deployments import list_command

    list_command(target, name, limit)


@deployments.command("get", epilog="\b\nExample:\n  duologue-registry deployments get ID")
@_id
@client
def get(target: Target, id_: UUID) -> None:
    """Show where a deployment is, and each of its nodes."""
    from .deployments import get_command

    get_command(target, id_)


@deployments.command(
    "watch", epilog="\b\nExample:\n  duologue-registry deployments watch ID\n\n" + DEPLOYMENT_EXIT_CODES
)
@_id
@client
def watch(target: Target, id_: UUID) -> None:
    """Follow a deployment to its end."""
    from .deployments import watch_command

    watch_command(target, id_)


@deployments.command(
    "cancel", epilog="\b\nExample:\n  duologue-registry deployments cancel ID --reason 'wrong version'"
)
@_id
@click.option("--reason", help="For the audit log.")
@client
def cancel(target: Target, id_: UUID, reason: str | None) -> None:
    """Let a deployment roll back, whatever it is at; returns at once."""
    from .deployments import cancel_command

    cancel_command(target, id_, reason)
