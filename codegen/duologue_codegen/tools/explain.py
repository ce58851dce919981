"""`duologue explain`: captured messages, rule by rule."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from . import options
from .ending import Ended, Exit

if TYPE_CHECKING:
    from .. import ir
    from .explaining import Finding, Side

_MAX_BYTES: Final = 64 * 1024 * 1024
_SIGNED: Final = re.compile(r"(?:(?P<client>C>|client>|>)|(?P<server>S>|server>|<))\s*(?P<text>.*)", re.DOTALL)
_EPILOG = """\b
Examples:
  duologue explain spec/registry.yaml frame.json
  duologue explain spec/registry.yaml answer.json --for list_services
  echo 'C> {"id": "1", "action": "list_services", "params": {}}' | duologue explain spec/registry.yaml -

Exit codes: 0 all of it fits the spec; 1 something does not; 2 wrong usage, or a wrong spec."""


@click.command(epilog=_EPILOG)
@click.argument("spec", type=options.FILE)
@click.argument("capture", metavar="FILE")
@click.option("--for", "answered", metavar="ACTION", help="The action that answers are of whose request is not there.")
@click.option("--from", "sender", type=click.Choice(["client", "server"]), help="Who sent what does not say it.")
@options.as_json
@options.ending
def explain(spec: Path, capture: str, answered: str | None, sender: str | None, *, as_json: bool) -> None:
    """Say what the messages of FILE are by SPEC, and what in them breaks it.

    FILE, or - for standard input, holds one message, or one on each line; C> or S> before one says who sent it, the
    client or the server. Of each it is told what kind it is, from whom, to which action or event it belongs, and of
    what does not fit where it is, what was expected, and where the spec says so. Answers belong to the requests before
    them. All wire formats are read that a spec can declare.
    """
    from ..loaded import Loaded
    from .explaining import Explainer

    protocol = options.compiled(spec)
    messages = list(_messages(_read(capture)))
    with closing(Loaded(protocol)) as package:
        explainer = Explainer(protocol, package.table, _action(protocol, answered))
        broken = 0
        for number, (side, text) in enumerate(messages, 1):
            finding = explainer.explain(text, side or _side(sender))
            broken += bool(finding.violations)
            _show(number, finding, spec.parent, as_json=as_json)
    if broken and as_json:
        sys.exit(Exit.ERROR)  # each line has told
    if broken:
        raise Ended(Exit.ERROR, f"{broken} of {len(messages)} messages do not fit {spec}")


def _side(sender: str | None) -> Side | None:
    return "client" if sender == "client" else "server" if sender == "server" else None


def _action(protocol: ir.Protocol, name: str | None) -> ir.ActionDef | None:
    from .wording import meant

    if name is None:
        return None
    found = next((one for one in protocol.actions if one.name == name), None)
    if found is None:
        hint = meant(name, [one.name for one in protocol.actions])
        raise Ended(Exit.USAGE, f"--for {name}: no action is called so", *([f"  hint: {hint}"] if hint else []))
    return found


def _read(capture: str) -> str:
    from .reading import standard_input

    if capture == "-":
        return standard_input()
    try:
        with Path(capture).open(encoding="utf-8") as stream:
            return stream.read(_MAX_BYTES)
    except OSError as error:
        raise Ended(Exit.USAGE, f"cannot read {capture}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Ended(Exit.USAGE, f"{capture}: not UTF-8") from None


def _messages(text: str) -> Iterator[tuple[Side | None, str]]:
    """The messages of a capture, and who sent each."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        lines = [line.strip() for line in text.splitlines() if line.strip()]
    else:
        lines = [text.strip()]  # one, on however many lines
    if not lines:
        raise Ended(Exit.USAGE, "there is no message: one JSON text on each line is expected")
    for line in lines:
        signed = _SIGNED.fullmatch(line)
        if signed is None:
            yield None, line
        else:
            yield "client" if signed["client"] else "server", signed["text"]


def _show(number: int, finding: Finding, folder: Path, *, as_json: bool) -> None:
    from . import display
    from .violations import place

    if as_json:
        click.echo(display.plain(_document(number, finding)))
        return
    origin = finding.origin
    towards = {"client": "client → server", "server": "server → client", None: ""}[finding.sender]
    declared = f" ({place(origin, folder)})" if origin else ""
    what = ", ".join(part for part in (finding.kind, towards, finding.name) if part)
    many = len(finding.violations)
    verdict = click.style("fits", fg="green") if not many else click.style(f"{many} that do not fit", fg="red")
    click.echo(f"{number}: {_printable(what)}{declared}: {verdict}")
    for violation in finding.violations:
        for line in violation.lines(folder):
            click.echo(f"  {_printable(line)}")
    for note in finding.notes:
        click.echo(f"  note: {_printable(note)}")


def _printable(text: str) -> str:
    from ..problems import printable

    return printable(text)


def _document(number: int, finding: Finding) -> dict[str, Any]:
    origin = finding.origin
    return {
        "message": number,
        "kind": finding.kind,
        "from": finding.sender,
        "name": finding.name,
        "spec": None if origin is None else {"file": origin.file, "line": origin.line, "column": origin.column},
        "violations": [one.document() for one in finding.violations],
        "notes": finding.notes,
    }
