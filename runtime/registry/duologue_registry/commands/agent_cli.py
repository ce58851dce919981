"""The commands of agents, and those about control: what they take, and what they say of themselves."""

from __future__ import annotations

from pathlib import Path

import click

from .exits import Target
from .options import DIRECTORY, FILE, Seconds, client


@click.command(epilog="\b\nExample:\n  duologue-registry agent --node web-1 --root /srv/services")
@click.option("--node", required=True, help="The name of this machine: services are registered with it.")
@click.option("--root", type=DIRECTORY, required=True, help="The folder of its services.")
@click.option("--trusted-keys", "trusted", type=FILE, help="Install packages with a signature of one of these alone.")
@client
def agent(target: Target, node: str, root: Path, trusted: Path | None) -> None:
    """Run the services of this machine for a registry, until Ctrl-C; the services go on without it.

    It connects out to the registry, which then asks it to start and stop what is registered with `--node`. What it
    has started it finds again when it is started anew. Two agents with one name do not share: the one that attached
    last is listened to, the other ends.
    """
    from .agents import agent_command

    agent_command(target, node, root, trusted)


@click.command(epilog="\b\nExample:\n  duologue-registry agents --json")
@client
def agents(target: Target) -> None:
    """List the agents that have ever attached, and whether they are there."""
    from .agents import agents_command

    agents_command(target)


def _action(command: str, text: str) -> click.Command:
    @click.command(command, help=text, epilog=f"\b\nExample:\n  duologue-registry services {command} web-api")
    @click.argument("name")
    @click.option("--grace", type=Seconds(min=0), default=10.0, show_default=True, help="Seconds to stop in.")
    @click.option("--alone", is_flag=True, help="Without what it depends on, and what depends on it.")
    @click.option("--reason", help="For the audit log.")
    @client
    def run(target: Target, name: str, grace: float, reason: str | None, *, alone: bool) -> None:
        from .agents import action_command

        action_command(target, command, name, grace, reason, alone=alone)

    return run


@click.command("logs", epilog="\b\nExample:\n  duologue-registry services logs web-api --tail 20 --follow")
@click.argument("name")
@click.option("--tail", type=click.IntRange(0, 10_000), default=100, show_default=True, help="So many lines first.")
@click.option("--follow", "-f", is_flag=True, help="And those that come, until Ctrl-C.")
@client
def logs(target: Target, name: str, tail: int, *, follow: bool) -> None:
    """Show what a service has written: its standard output on ours, its standard error on ours."""
    from .agents import logs_command

    logs_command(target, name, tail, follow=follow)


CONTROL: list[click.Command] = [
    _action("start", "Start a service, and before it what it depends on, each when the one before is healthy."),
    _action("stop", "Stop a service, and before it what depends on it."),
    _action("restart", "Stop a service and start it again; what depends on it is left alone."),
    logs,
]
"""What is added to the `services` commands."""
