"""What the commands have in common. Imports nothing heavy: every command loads it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, cast

import click
from typing_extensions import override

from .exits import Target, misfit

DEFAULT_URL: Final = "ws://127.0.0.1:8080"
FILE: Final = click.Path(dir_okay=False, path_type=Path)
EXISTING_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
DIRECTORY: Final = click.Path(file_okay=False, path_type=Path)

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


class Seconds(click.FloatRange):
    """Seconds, no more of them than a `timedelta` holds: infinity and what is no number are none."""

    @override
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        seconds: float = super().convert(value, param, ctx)
        try:
            timedelta(seconds=seconds)
        except (OverflowError, ValueError):
            self.fail(f"{value} is no number of seconds that can be waited for.", param, ctx)
        return seconds


def client(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say which registry to talk to, and how, and hand it their `Target`.

    What was typed after the command itself comes before what was typed after its group. What cannot be asked of any
    registry is a usage error.
    """

    @click.option("--url", envvar="DUOLOGUE_REGISTRY_URL", default=DEFAULT_URL, show_default=True, show_envvar=True)
    @click.option(
        "--token", envvar="DUOLOGUE_TOKEN", show_envvar=True, help="Says who you are; others can see options."
    )
    @click.option("--json", is_flag=True, help="Print JSON, for programs.")
    @click.option("--timeout", type=Seconds(min=0.1), default=10.0, show_default=True, help="Seconds.")
    @functools.wraps(function)
    def command(**options: Any) -> None:
        context = click.get_current_context()
        of_group = context.find_object(Target)
        for name in ("url", "json", "timeout", "token"):
            typed = context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
            if of_group is not None and not typed:
                options[name] = getattr(of_group, name)
        context.obj = Target(*(options.pop(name) for name in ("url", "json", "timeout", "token")))
        for name, value in options.items():
            _require_text(name, value)
        try:
            function(context.obj, **options)
        except ValueError as error:
            from pydantic import ValidationError

            if not isinstance(error, ValidationError):
                raise
            raise click.UsageError(misfit(error)) from None

    return command


def _require_text(name: str, value: object) -> None:
    """A usage error for bytes that are no text: they cannot be sent. Names of files are no text."""
    for text in cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,):
        if isinstance(text, str):
            try:
                text.encode()
            except UnicodeEncodeError:
                raise click.UsageError(f"{name}: {text!r} is not UTF-8") from None
