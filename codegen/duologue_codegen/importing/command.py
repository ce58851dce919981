"""`duologue import`: one command for each format."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import click

from ..tools.ending import Ended, Exit
from ..tools.options import ending

_FILES: Final = click.Path(dir_okay=False, path_type=Path)
_REFERENCES: Final = "References are followed within the folder of the files, and never over a network."
_EXAMPLES: Final = {
    "cdp": (
        "the Chrome DevTools Protocol",
        "A domain becomes a namespace: `Page.navigate` is `client.page.navigate(…)`. Give all files at once.",
        "browser_protocol.json js_protocol.json -o devtools.yaml",
    ),
    "openrpc": (
        "an OpenRPC document",
        "Methods become actions; a method without a result is an event from the client.",
        "openrpc.json -o wallet.yaml",
    ),
    "asyncapi": (
        "an AsyncAPI 3 document, as its server has it",
        "What has a reply becomes an action; what is sent, an event; what is received, an event from the client.",
        "asyncapi.yaml -o chat.yaml",
    ),
    "json-schema": (
        "JSON Schema",
        "`$defs`, and what each file itself describes, become types; write actions and events beside them.",
        "rooms.schema.json -o rooms.yaml",
    ),
}


@click.group("import", epilog="Example: duologue import json-schema rooms.schema.json -o rooms.yaml")
def importing() -> None:
    """Make a spec of a protocol that is written in another format.

    Descriptions and names on the wire are kept. What a spec cannot say is widened to `json` or left out, each time with
    a comment that says so; how often is told at the end.
    """


def _command(kind: str) -> click.Command:
    what, more, example = _EXAMPLES[kind]

    @click.command(
        kind,
        help=f"Make a spec of {what}.\n\n{more}\n\n{_REFERENCES}",
        short_help=f"Make a spec of {what}.",
        epilog=f"Example: duologue import {kind} {example}",
    )
    @click.argument("files", type=_FILES, nargs=-1, required=True)
    @click.option("-o", "--output", type=_FILES, required=True, help="The spec to write.")
    @click.option("--name", callback=_name, help="Name of the protocol, as in `chat-room`; by default the document's.")
    @click.option("--version", callback=_version, help="Version of the protocol; by default the document's.")
    @click.option("--force", is_flag=True, help="Replace the spec if there is one.")
    @ending
    def command(files: tuple[Path, ...], output: Path, name: str | None, version: str | None, *, force: bool) -> None:
        _run(kind, files, output, name, version, force=force)

    return command


def _matching(pattern: str, hint: str, value: str | None) -> str | None:
    if value is not None and not re.fullmatch(pattern, value):
        raise click.BadParameter(hint)
    return value


def _name(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    return _matching(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", "lower-case words joined by `-`, as in `chat-room`", value)


def _version(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    return _matching(r"[0-9]+\.[0-9]+\.[0-9]+([-+].+)?", "three numbers, as in `1.4.0`", value)


def _run(
    kind: str, files: tuple[Path, ...], output: Path, name: str | None, version: str | None, *, force: bool
) -> None:
    from ..tree import write_file
    from .run import ImportRefused, import_spec

    try:
        if output.exists() and not force:
            raise ImportRefused(f"{output} exists already: choose another name, or replace it with --force")
        made = import_spec(kind, files, name=name, version=version)
        write_file(output, made.text)
    except ImportRefused as refused:
        raise Ended(Exit.USAGE, f"duologue: {refused}") from None
    except OSError as error:
        raise Ended(Exit.USAGE, f"duologue: cannot write {error.filename or output}: {error.strerror}") from None
    for line in made.summary:
        click.echo(f"{output}: {line}", err=True)


for _kind in _EXAMPLES:
    importing.add_command(_command(_kind))
