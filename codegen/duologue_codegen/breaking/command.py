"""`duologue breaking`: the command."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..tools.ending import Ended, Exit
from ..tools.options import ending

if TYPE_CHECKING:
    from .. import ir
    from .compare import Comparison
    from .findings import Labels, Version


@click.command(epilog="Example: duologue breaking spec/registry.yaml --against main")
@click.argument("spec", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--against", required=True, metavar="REF|FILE", help="A git revision of SPEC, or another file.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON, for programs.")
@ending
def breaking(spec: Path, against: str, *, as_json: bool) -> None:
    """Say what SPEC breaks for those who have an older version of it.

    Each finding has a message, or a few lines of Python, that worked before and fails now; it has been tried. Where
    nothing is found, messages made from both versions were exchanged.

    Exit code 0 when nothing breaks, or the version says so; 1 when something breaks; 2 for bad input.
    """
    from .compare import compare
    from .findings import render_text

    old, new, labels = _read(spec, against, as_json=as_json)
    comparison = compare(old, new)
    if as_json:
        click.echo(json.dumps(_document(old, new, comparison, labels), indent=2, ensure_ascii=True))
    else:
        if comparison.findings:
            click.echo(render_text(comparison.findings, labels))
        click.echo(f"{spec}: {_summary(old, new, comparison)}", err=True)
    sys.exit(1 if comparison.breaks and not comparison.announced else 0)


def _read(spec: Path, against: str, *, as_json: bool) -> tuple[ir.Protocol, ir.Protocol, dict[Version, Labels]]:
    """Both versions, and how their files are called. Ends the program where one of them is none."""
    from ..compiler import compile_spec
    from ..problems import SpecErrors, render_json
    from .findings import Labels, Version
    from .revision import NotFound, compile_against

    try:
        new = compile_spec(spec)
        old, in_git = compile_against(spec, against)
    except SpecErrors as errors:
        if as_json:
            click.echo(render_json(errors.problems, errors.folder))
        else:
            click.echo(errors.render(), err=True)
        sys.exit(Exit.USAGE)
    except NotFound as error:
        details = {"exit": int(Exit.USAGE), "message": str(error)}
        raise Ended(Exit.USAGE, f"duologue: {error}", details=details) from None
    folder = Path(against).parent if not in_git else spec.parent
    labels = {
        Version.NEW: Labels(_prefix(spec.parent), "", spec.name),
        Version.OLD: Labels(_prefix(folder), f"@{against}" if in_git else "", old.sources[0]),
    }
    return old, new, labels


def _prefix(folder: Path) -> str:
    return "" if folder == Path() else f"{folder}/"


def _summary(old: ir.Protocol, new: ir.Protocol, comparison: Comparison) -> str:
    # What the version lacks tells how many there are, and is none of them.
    changes = [finding for finding in comparison.findings if finding.rule.id != "major-needed"]
    breaking = sum(finding.breaks for finding in changes)
    warnings = len(changes) - breaking
    change = f"{old.version} → {new.version}" if old.version != new.version else new.version
    verdict = f"{breaking} breaking" if breaking else "compatible"
    if breaking and comparison.announced:
        verdict += ", which the new version says"
    return f"{new.name} {change}: {verdict}; {warnings} warnings; {comparison.messages} messages exchanged"


def _document(
    old: ir.Protocol, new: ir.Protocol, comparison: Comparison, labels: dict[Version, Labels]
) -> dict[str, object]:
    from .findings import as_json

    return {
        "protocol": new.name,
        "old": old.version,
        "new": new.version,
        "compatible": not comparison.breaks,
        "announced": comparison.announced,
        "messages": comparison.messages,
        "findings": [as_json(finding, labels) for finding in comparison.findings],
    }
