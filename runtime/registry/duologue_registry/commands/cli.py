"""The command line. It imports what it needs inside its commands, so that `--help` and completion are instant."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from typing_extensions import override

from .. import __version__
from .agent_cli import CONTROL, agent, agents
from .deployment_cli import deploy, deployments, rollback
from .exits import EXIT_CODES, REFUSED, Target, fail
from .options import DIRECTORY, FILE, as_json, client
from .package_cli import package
from .upkeep_cli import UPKEEP, keeping, retention

if TYPE_CHECKING:
    from datetime import datetime

_EXAMPLE = """\b
Example:
  duologue-registry serve &
  duologue-registry services register web-api 1.4.0 --command 'bin/api --port 8080' \\
      --endpoint public=http://127.0.0.1:8080 --depends-on db
  duologue-registry services state web-api running
  duologue-registry services endpoints web-api
  duologue-registry watch"""


_data = click.option("--data", type=DIRECTORY, help="Directory of the data.  [default: the user's own]")
_revision = click.option("--if-revision", type=click.IntRange(min=0), help="Only if the entry has this revision.")


class _Program(click.Group):
    """The commands. One whose output cannot be printed says so."""

    @override
    def main(self, *args: Any, **extra: Any) -> Any:
        try:
            return super().main(*args, **extra)
        except OSError as error:  # of standard output: whoever reads or writes a file tells of it
            with suppress(OSError):
                sys.stdout.close()  # else Python tries again at the end, and ends with a code of its own
            fail(REFUSED, f"cannot print: {error.strerror}")


@click.group(
    cls=_Program, epilog=f"{_EXAMPLE}\n\n{EXIT_CODES}", context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="duologue-registry")
@click.pass_context
def main(context: click.Context) -> None:
    """A durable service registry: who runs where, in which state, and what changes."""
    if os.environ.get("NO_COLOR"):  # https://no-color.org
        context.color = False


for upkeep in UPKEEP:
    main.add_command(upkeep)
main.add_command(package)
main.add_command(agent)
main.add_command(agents)
main.add_command(deploy)
main.add_command(rollback)
main.add_command(deployments)


# ---------------------------------------------------------------------------------------------------------------- serve
@main.command(epilog="\b\nExample:\n  duologue-registry serve --data ./data --port 9000")
@click.option("--host", default="127.0.0.1", show_default=True, help="Others than loopback need tokens.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 picks a free one.")
@_data
@click.option("--ephemeral", is_flag=True, help="Keep everything in memory, and lose it at the end.")
@click.option("--tokens", type=FILE, help="The file of its tokens.  [default: tokens.json beside the data]")
@click.option("--insecure-no-tokens", "insecure", is_flag=True, help="Let everybody who can connect do everything.")
@click.option("--tls-cert", type=FILE, help="Serve wss:// with this certificate (PEM).")
@click.option("--tls-key", type=FILE, help="The certificate's key, if it is in a file of its own.")
@click.option("--origin", "origins", multiple=True, metavar="ORIGIN", help="A web page that may connect; repeatable.")
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="warning",
    show_default=True,
    help="From `info` connections and calls that fail are in it, from `debug` every call.",
)
@click.option(
    "--metrics-token",
    envvar="DUOLOGUE_METRICS_TOKEN",
    show_envvar=True,
    help="Who shows it may read /metrics from anywhere; without one, this machine alone may.",
)
@click.option("--trusted-keys", type=FILE, help="Take packages with a signature of one of these keys alone.")
@click.option("--allow-unsigned", is_flag=True, help="With --trusted-keys: those without any signature, too.")
@keeping
@click.option("--executor", type=click.Choice(["asyncio", "uvloop", "trio"]), help="[default: uvloop if installed]")
@click.option("--json", "as_json", is_flag=True, help="Say where it listens and stores as one line of JSON.")
def serve(host: str, port: int, data: Path | None, **options: Any) -> None:
    """Serve the registry until Ctrl-C or SIGTERM.

    What it has acknowledged is on disk, and there again after a crash. Where there are tokens (see `token create`),
    nobody is let in without one; where there are none, it listens on this machine alone, and everybody on it may do
    everything.
    """
    from ..serving.observing import Observing
    from .serve import Access, Signing, run

    if options["ephemeral"] and data is not None:
        raise click.UsageError("--ephemeral stores nothing, --data says where: give one of them")
    access = Access(
        tokens=options["tokens"],
        insecure=options["insecure"],
        certificate=options["tls_cert"],
        key=options["tls_key"],
        origins=options["origins"],
    )
    observing = Observing(
        log_format=options["log_format"], log_level=options["log_level"], metrics_token=options["metrics_token"]
    )
    run(
        host,
        port,
        data,
        access,
        observing,
        Signing(trusted_keys=options["trusted_keys"], allow_unsigned=options["allow_unsigned"]),
        retention(options["keep_log"], options["keep_packages"]),
        ephemeral=options["ephemeral"],
        executor=options["executor"],
        as_json=options["as_json"],
    )


# --------------------------------------------------------------------------------------------------------------- tokens
@main.group()
def token() -> None:
    """Create, list and revoke the tokens that callers of a registry have.

    They are kept beside its data, as digests; the registry need not run. One that runs and had tokens when it started
    notices what changes within a second.
    """


@token.command("create", epilog="\b\nExample:\n  duologue-registry token create web-1 --role service --expires 30d")
@click.argument("name")
@click.option(
    "--role", "roles", multiple=True, required=True, metavar="ROLE", help="viewer, service, operator or agent."
)
@click.option("--expires", metavar="TIME", help="How long it is good, such as 30d, 12h or 90min.  [default: for ever]")
@_data
@as_json
def token_create(name: str, roles: tuple[str, ...], expires: str | None, data: Path | None, *, as_json: bool) -> None:
    """Create a token for NAME and print it, this once; the audit log calls its holder NAME."""
    from .tokens import create_command

    create_command(name, roles, expires, data, as_json=as_json)


@token.command("list", epilog="\b\nExample:\n  duologue-registry token list --json")
@_data
@as_json
def token_list(data: Path | None, *, as_json: bool) -> None:
    """List the tokens: whose, with which roles, until when."""
    from .tokens import list_command

    list_command(data, as_json=as_json)


@token.command("revoke", epilog="\b\nExample:\n  duologue-registry token revoke web-1")
@click.argument("name")
@_data
def token_revoke(name: str, data: Path | None) -> None:
    """Remove the token of NAME; a registry that runs closes its connections within two seconds."""
    from .tokens import revoke_command

    revoke_command(name, data)


# ------------------------------------------------------------------------------------------------------------- services
@main.group(invoke_without_command=True, epilog="\b\nExample:\n  duologue-registry services list --state failed")
@client
def services(target: Target) -> None:  # noqa: ARG001 - the commands below find it in their context
    """List and change services; `list` when nothing else is said."""
    context = click.get_current_context()
    if context.invoked_subcommand is None:
        with list_.make_context("list", [], parent=context) as listing:  # with its defaults and environment
            list_.invoke(listing)


@services.command("list", epilog="\b\nExample:\n  duologue-registry services list --state running --tag blue --json")
@click.option("--state", "states", multiple=True, metavar="STATE", help="Only in this state; may be repeated.")
@click.option("--tag", help="Only with this tag.")
@click.option("--node", help="Only on this node.")
@client
def list_(target: Target, states: tuple[str, ...], tag: str | None, node: str | None) -> None:
    """List services, oldest registration first."""
    from .services import list_command

    list_command(target, states, tag, node)


@services.command("get", epilog="\b\nExample:\n  duologue-registry services get web-api")
@click.argument("name")
@client
def get(target: Target, name: str) -> None:
    """Show everything about one service."""
    from .services import get_command

    get_command(target, name)


@services.command(
    "register",
    epilog="\b\nExample:\n  duologue-registry services register web-api 1.4.0 --command 'bin/api --port 8080' \\\n"
    "      --endpoint public=http://127.0.0.1:8080 --depends-on db",
)
@click.argument("name")
@click.argument("version")
@click.option("--command", help="It is a process: program and arguments, as in a shell.")
@click.option("--unit", help="It is a systemd unit.")
@click.option("--container", help="It is a container: its id; with --image.")
@click.option("--image", help="The image of the container.")
@click.option("--endpoint", multiple=True, metavar="NAME=PROTOCOL://HOST:PORT", help="May be repeated.")
@click.option("--depends-on", multiple=True, metavar="NAME", help="May be repeated.")
@click.option("--tag", multiple=True, help="May be repeated.")
@click.option("--metadata", multiple=True, metavar="KEY=VALUE", help="May be repeated.")
@click.option("--host", help="The machine it runs on, if not the registry's own.")
@click.option("--node", help="The name of that machine.")
@_revision
@client
def register(target: Target, name: str, version: str, **options: Any) -> None:
    """Register a service, or a new version of it.

    A service that should be declared failed when it is not heard of registers itself, with a lease, from its own code.
    """
    from .services import register_command

    register_command(target, name, version, options)


@services.command("deregister", epilog="\b\nExample:\n  duologue-registry services deregister web-api --reason retired")
@click.argument("name")
@click.option("--reason", help="For the audit log.")
@_revision
@client
def deregister(target: Target, name: str, reason: str | None, if_revision: int | None) -> None:
    """Remove a service."""
    from .services import deregister_command

    deregister_command(target, name, reason, if_revision)


@services.command(
    "state", epilog="\b\nExample:\n  duologue-registry services state web-api failed --reason 'out of memory'"
)
@click.argument("name")
@click.argument("state")
@click.option("--reason", help="For the audit log; a failure needs one.")
@_revision
@client
def state_(target: Target, name: str, state: str, reason: str | None, if_revision: int | None) -> None:
    """Move a service to another state: registered, starting, running, stopping, stopped or failed."""
    from .services import state_command

    state_command(target, name, state, reason, if_revision)


@services.command("endpoints", epilog="\b\nExample:\n  duologue-registry services endpoints web-api --protocol http")
@click.argument("name")
@click.option("--protocol", help="Only endpoints that speak this.")
@click.option("--all", "include_unhealthy", is_flag=True, help="Those of services that are down or unhealthy too.")
@client
def endpoints(target: Target, name: str, protocol: str | None, *, include_unhealthy: bool) -> None:
    """Resolve a service to its healthy endpoints."""
    from .services import endpoints_command

    endpoints_command(target, name, protocol, include_unhealthy=include_unhealthy)


for command in CONTROL:
    services.add_command(command)


# -------------------------------------------------------------------------------------------------------- what happens
@main.command(epilog="\b\nExample:\n  duologue-registry watch --json | jq .event")
@client
def watch(target: Target) -> None:
    """Watch services change: a live table, or one JSON document a line."""
    from .watch import watch_command

    watch_command(target)


@main.command(epilog="\b\nExample:\n  duologue-registry events --service web-api --limit 50")
@click.option("--service", help="Only of this service.")
@click.option("--actor", help="Only what this one caused; `registry` for the registry itself.")
@click.option("--since", type=click.DateTime(), help="Not before this time (UTC).")
@click.option("--until", type=click.DateTime(), help="Before this time (UTC).")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="The newest so many.")
@client
def events(
    target: Target, service: str | None, actor: str | None, since: datetime | None, until: datetime | None, limit: int
) -> None:
    """Show the audit log: what happened, when, who caused it and why; the newest last."""
    from .services import events_command

    filters = {"service": service, "actor": actor, "since": since, "until": until}
    events_command(target, limit, filters)


if __name__ == "__main__":
    main()
