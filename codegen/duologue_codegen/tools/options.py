"""What the tools that talk have in common."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from .ending import Ended, Exit, give_up_output

if TYPE_CHECKING:
    from .. import ir
    from .talking import Target

FILE = click.Path(dir_okay=False, path_type=Path)

as_json = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON for programs, one object a line; errors, too."
)
spec = click.option("--spec", type=FILE, help="The spec of what the server speaks; without it, the server is asked.")


hooks = click.option(
    "--hook",
    "hooks",
    multiple=True,
    metavar="NAME=VALUE",
    help="A value that a protocol with a wire format of its own asks for, in its handshake say; repeatable.",
)


def talking(function: Callable[..., None]) -> Callable[..., None]:
    """Options that say who asks, and how outcomes are told."""
    for decorate in (
        as_json,
        hooks,
        click.option("--token-file", type=FILE, help="A file that holds a bearer token."),
        click.option(
            "--token",
            envvar="DUOLOGUE_TOKEN",
            show_envvar=True,
            help="A bearer token. As an option everybody on this machine can see it (ps): the variable, or a file, is"
            " better.",
        ),
        spec,
    ):
        function = decorate(function)
    return ending(function)


def ending(function: Callable[..., None]) -> Callable[..., None]:
    """Tell how a command ended, and end so: nothing ends in a traceback."""

    @functools.wraps(function)
    def command(**options: Any) -> None:
        try:
            function(**options)
        except Ended as end:
            tell(end, as_json=options.get("as_json", False))
        except KeyboardInterrupt:
            tell(Ended(Exit.INTERRUPTED, "interrupted"), as_json=options.get("as_json", False))
        except BrokenPipeError:  # whoever read has had enough
            give_up_output()
            sys.exit(Exit.DONE)
        except OSError as error:
            if error.filename is None:  # of standard output
                raise
            tell(Ended(Exit.USAGE, f"{error.filename}: {error.strerror}"), as_json=options.get("as_json", False))

    return command


def tell(end: Ended, *, as_json: bool) -> NoReturn:
    """Tell why it ends, and end."""
    if as_json and end.code is not Exit.DONE and not getattr(sys.stdout, "closed", False):
        click.echo(json.dumps({"error": end.details}, ensure_ascii=True))
    for number, line in enumerate(end.lines):
        click.secho(line, fg=None if number or end.code is Exit.DONE else "red", err=True)
    sys.exit(end.code)


def target_of(url: str, token: str | None, token_file: Path | None, hooks: tuple[str, ...]) -> Target:
    """Whom to talk to. Raises Ended where an option makes no sense."""
    from .talking import Target, file_text

    chosen = file_text(token_file, "token file") if token_file is not None else token
    return Target(url, chosen, hooked(hooks))


def hooked(hooks: tuple[str, ...]) -> dict[str, Any]:
    """The values of `--hook`: JSON, or text. Raises Ended for what is no pair."""
    found: dict[str, Any] = {}
    for hook in hooks:
        name, equals, value = hook.partition("=")
        if not name or not equals:
            raise Ended(Exit.USAGE, f"--hook {hook}: write NAME=VALUE")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def compiled(spec: Path) -> ir.Protocol:
    """The protocol of a spec. Raises Ended with all that is wrong with it."""
    from ..compiler import compile_spec
    from ..problems import SpecErrors

    try:
        return compile_spec(spec)
    except SpecErrors as errors:
        lines = [line for problem in errors.problems for line in problem.text(spec.parent).splitlines()]
        raise Ended(Exit.USAGE, *lines) from None
