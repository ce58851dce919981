"""Commands of `duologue`. Each imports what it needs when it runs: starting up stays quick."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from .breaking.command import breaking
from .importing.command import importing
from .tools.call import call
from .tools.ending import Ended, Exit
from .tools.explain import explain
from .tools.mock import mock
from .tools.options import ending, tell
from .tools.watch import watch
from .version import VERSION

if TYPE_CHECKING:
    from . import ir
    from .tree import Difference

SPEC = click.Path(dir_okay=False, path_type=Path)
OUTPUT = click.Path(file_okay=False, path_type=Path)
CommandT = TypeVar("CommandT", bound=Callable[..., Any])
T = TypeVar("T")


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Begin with `duologue init hello`, or read a spec of yours with `duologue lint spec/chat.yaml`.",
)
@click.version_option(VERSION, prog_name="duologue", message="%(prog)s %(version)s")
def main() -> None:
    """One YAML spec becomes a typed WebSocket SDK: client, server stubs, models, events."""


def _options(command: CommandT) -> CommandT:
    """The spec, and where its package goes."""
    for decorate in (
        click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON, for programs."),
        click.option("--project", is_flag=True, help="With pyproject.toml, README and licence: a package to publish."),
        click.option("-o", "--output", type=OUTPUT, required=True, help="Folder that holds the package's folder."),
        click.argument("spec", type=SPEC),
    ):
        command = decorate(command)
    return command


@main.command(epilog="Example: duologue generate spec/registry.yaml -o generated/service-registry-sdk --project")
@_options
@click.option("--watch", is_flag=True, help="Go on: generate again whenever a file of the spec changes.")
@ending
def generate(spec: Path, output: Path, *, project: bool, as_json: bool, watch: bool) -> None:
    """Write the package that SPEC describes.

    Files that are no longer part of it are removed; files that were not generated are never touched. When anything is
    wrong, all of it is told as file:line:col, nothing is written, and the exit code is 2. Ctrl-C leaves everything as
    it was, and ends with 130; with --watch it ends with 0.
    """
    if not watch:
        _generate(spec, output, project=project, as_json=as_json)
        return
    seen: object = None
    click.echo(f"watching {spec}; end with Ctrl-C", err=True)
    with suppress(KeyboardInterrupt):
        while True:
            now = _state(spec)
            if now != seen:
                seen = now
                try:
                    _generate(spec, output, project=project, as_json=as_json)
                except SystemExit:
                    click.echo("waiting for the next change", err=True)
            time.sleep(0.3)


@main.command(epilog="Example: duologue check spec/registry.yaml -o generated/service-registry-sdk --project")
@_options
@ending
def check(spec: Path, output: Path, *, project: bool, as_json: bool) -> None:
    """Say whether the generated files are what SPEC describes.

    Exit code 1 when a file is changed, missing or an orphan (generated once, and no longer). Writes nothing.
    """
    from .tree import compare

    protocol, files = _files(spec, project=project, as_json=as_json)
    difference = _on_disk(lambda: compare(output, files, protocol.python.package), output, as_json=as_json)
    _tell(output, difference, as_json=as_json, nothing=f"{len(files)} files in {output} are up to date")
    if difference:
        if not as_json:
            click.echo(f"run: duologue generate {spec} -o {output}{' --project' if project else ''}", err=True)
        sys.exit(1)


@main.command(epilog="Example: duologue lint spec/registry.yaml")
@click.argument("spec", type=SPEC)
@click.option("--json", "as_json", is_flag=True, help="Print findings as JSON, for editors and scripts.")
@ending
def lint(spec: Path, *, as_json: bool) -> None:
    """Check SPEC and warn about what its readers would miss.

    Exit code 2 for errors, 0 for warnings alone.
    """
    from .lint import lint as find
    from .problems import render_json, render_text

    protocol = _compile(spec, as_json=as_json)
    warnings = find(protocol)
    if as_json:
        click.echo(render_json(warnings, spec.parent))
        return
    if warnings:
        click.echo(render_text(warnings, spec.parent))
    many = f"{len(protocol.actions)} actions, {len(protocol.events)} events, {len(protocol.errors)} errors"
    click.echo(f"{spec}: {protocol.name} {protocol.version}: {many}; {len(warnings)} warnings", err=True)


@main.command(epilog="Example: duologue authz spec/registry.yaml")
@click.argument("spec", type=SPEC)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@ending
def authz(spec: Path, *, as_json: bool) -> None:
    """Show which role of SPEC may call which action and have which event.

    What the server calls or sends is for clients that hold its scope; what is public is for whoever was let in.
    """
    from .authz import matrix, render_json, render_text

    rows = matrix(_compile(spec, as_json=as_json))
    click.echo(render_json(rows) if as_json else render_text(rows))


@main.command(epilog="Example: duologue schema > spec/duologue.schema.json")
@ending
def schema() -> None:
    """Print the JSON Schema of the spec language, for completion and hovers in editors.

    Name it in the first line of a spec: # yaml-language-server: $schema=./duologue.schema.json
    """
    from .grammar_schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


@main.command(epilog="Example: duologue docs spec/registry.yaml -o site")
@click.argument("spec", type=SPEC)
@click.option("-o", "--output", type=OUTPUT, required=True, help="Folder for reference.md and reference.html.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON, for programs.")
@ending
def docs(spec: Path, output: Path, *, as_json: bool) -> None:
    """Write the reference of SPEC for its users: Markdown, and one page of HTML that can be searched.

    All actions, events, errors and types, with examples as messages and as Python: those of the spec, else made from
    its types. The page needs no other file, and loads nothing.
    """
    from .reference.render import render_reference
    from .tree import write

    files = render_reference(_compile(spec, as_json=as_json))
    difference = _on_disk(lambda: write(output, files, None), output, as_json=as_json)
    _tell(output, difference, as_json=as_json, nothing=f"{len(files)} files in {output} were up to date", done=True)


@main.command(epilog="Example: duologue export asyncapi spec/chat.yaml -o chat.asyncapi.json")
@click.argument("format_", metavar="FORMAT", type=click.Choice(["asyncapi", "openrpc", "json-schema"]))
@click.argument("spec", type=SPEC)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write; else printed.")
@ending
def export(format_: str, spec: Path, output: Path | None) -> None:
    """Write SPEC in another format: asyncapi (3.0), openrpc or json-schema (2020-12), as JSON.

    What the format has no word for (effects, deliveries, scopes, timeouts …) is in members that begin with
    `x-duologue-`. `duologue import` reads them, so that an export gives back the same protocol.
    """
    from .exporting import document
    from .tree import write_file

    text = json.dumps(document(format_, _compile(spec, as_json=False)), indent=2, ensure_ascii=False)
    if output is None:
        click.echo(text)
        return
    _on_disk(lambda: write_file(output, f"{text}\n"), output)


@main.command(epilog="Example: duologue init hello && cd hello && make demo")
@click.argument("name")
@ending
def init(name: str) -> None:
    """Begin a protocol of your own: a folder NAME with a spec, a server, a demo and a test that run at once."""
    from .init import InitRefused, create

    folder = Path(name)
    try:
        files = _on_disk(lambda: create(folder), folder)
    except InitRefused as refused:
        _fail(str(refused))
    for path in files:
        click.echo(str(folder / path))
    click.echo(f"next: cd {folder} && make demo", err=True)


main.add_command(breaking)
main.add_command(importing)
main.add_command(call)
main.add_command(explain)
main.add_command(mock)
main.add_command(watch)


# --------------------------------------------------------------------------------------------------------------- parts
def _compile(spec: Path, *, as_json: bool) -> ir.Protocol:
    from .compiler import compile_spec
    from .problems import SpecErrors, render_json

    try:
        return compile_spec(spec)
    except SpecErrors as errors:
        if as_json:
            click.echo(render_json(errors.problems, spec.parent))
        else:
            click.echo(errors.render(spec.parent), err=True)
            click.echo(f"{len(errors.problems)} problem{'s' if len(errors.problems) > 1 else ''} in {spec}", err=True)
        sys.exit(2)


def _files(spec: Path, *, project: bool, as_json: bool) -> tuple[ir.Protocol, dict[str, str]]:
    from .generate import generate_files

    protocol = _compile(spec, as_json=as_json)
    files = _on_disk(lambda: generate_files(protocol, project=project), "temporary files", as_json=as_json)
    return protocol, files


def _generate(spec: Path, output: Path, *, project: bool, as_json: bool) -> None:
    from .tree import write

    protocol, files = _files(spec, project=project, as_json=as_json)
    difference = _on_disk(lambda: write(output, files, protocol.python.package), output, as_json=as_json)
    _tell(output, difference, as_json=as_json, nothing=f"{len(files)} files in {output} were up to date", done=True)


def _on_disk(action: Callable[[], T], output: Path | str, *, as_json: bool = False) -> T:
    """What the action gives; ends the program where the disk does not do its part."""
    from .tree import Busy, NotOurs

    try:
        return action()
    except NotOurs as found:
        names = ", ".join(found.paths)
        why = f"{names}: not written by duologue, so left alone: move it away, or choose another folder with -o"
        _fail(why, as_json=as_json)
    except Busy as busy:
        _fail(f"{busy}: another command is writing there; when none is, remove that folder", as_json=as_json)
    except OSError as error:
        _fail(f"cannot write {error.filename or output}: {error.strerror}; nothing was changed", as_json=as_json)


def _tell(output: Path, difference: Difference, *, as_json: bool, nothing: str, done: bool = False) -> None:
    kinds = {"changed": difference.changed, "missing": difference.missing, "orphan": difference.orphan}
    if as_json:
        click.echo(
            json.dumps({kind: [str(output / path) for path in paths] for kind, paths in kinds.items()}, indent=2)
        )
        return
    said = {"changed": "updated", "missing": "written", "orphan": "removed"} if done else {kind: kind for kind in kinds}
    for kind, paths in kinds.items():
        for path in paths:
            click.echo(f"{said[kind]} {output / path}")
    if not difference:
        click.echo(nothing)


def _fail(message: str, *, as_json: bool = False) -> NoReturn:
    details = {"exit": int(Exit.USAGE), "message": message}
    tell(Ended(Exit.USAGE, f"duologue: {message}", details=details), as_json=as_json)


def _state(spec: Path) -> object:
    """What tells a changed spec from an unchanged one: all YAML files around it, since it may import them."""
    found = sorted({spec, *spec.parent.rglob("*.yaml"), *spec.parent.rglob("*.yml")})
    return [(path, path.stat().st_mtime_ns, path.stat().st_size) for path in found if path.is_file()]
