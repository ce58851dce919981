"""`duologue call`: one call to any server."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import options
from .ending import EXIT_CODES, Ended, Exit

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from duologue import CallOptions

    from .. import ir
    from .talking import Speaker, Target

_EPILOG = f"""\b
Examples:
  duologue call ws://127.0.0.1:8080 list_services
  duologue call ws://127.0.0.1:8080 list_services limit=5 state=running state=failed
  duologue call ws://127.0.0.1:8080 get_service '{{"name": "web-api"}}' --spec spec/registry.yaml
  duologue call ws://127.0.0.1:8080 describe > protocol.json

{EXIT_CODES}"""


@click.command(epilog=_EPILOG)
@click.argument("url")
@click.argument("action")
@click.argument("params", nargs=-1)
@options.talking
@click.option("--timeout", type=click.FloatRange(min=0.001), help="Seconds.  [default: the action's own]")
@click.option("--upload", type=options.FILE, metavar="FILE", help="The file that an upload sends.")
@click.option(
    "--output", type=options.FILE, metavar="FILE", help="Where a download goes; it is there once it is whole."
)
@click.option("--idempotency-key", "key", help="For keyed actions: with the same key it takes effect once, at most.")
def call(url: str, action: str, params: tuple[str, ...], *, as_json: bool, spec: Path | None, **said: Any) -> None:
    """Call ACTION of the server at URL, and print its answer.

    PARAMS are JSON text, @FILE, - for standard input, or key=value pairs: a key that comes twice makes a list, a.b=1 is
    the member b of a. They are checked before anything is sent, by the spec, or by what the server says of itself; all
    that does not fit is told with its place.

    The result is printed as JSON; items of a stream before it, one a line, as they come. With --json each line is
    {"item": …}, {"result": …} or {"error": …}.
    """
    from .talking import described, run

    if said["timeout"] is not None and math.isnan(said["timeout"]):
        raise Ended(Exit.USAGE, "--timeout nan: write a number of seconds, or inf")
    target = options.target_of(url, said["token"], said["token_file"], said["hooks"])
    wish = Wish(action, params, said["timeout"], said["upload"], said["output"], said["key"], as_json)
    if action == "describe" and spec is None:
        names = [name for one in params for name in one.split(",")] or None
        _show(run(described, target, names), as_json=as_json)
    else:
        run(_call, target, spec, wish)


@dataclass(frozen=True, slots=True)
class Wish:
    """A call as it was typed."""

    action: str
    params: Sequence[str]
    timeout: float | None
    upload: Path | None
    output: Path | None
    key: str | None
    as_json: bool


async def _call(target: Target, spec: Path | None, wish: Wish) -> None:
    from duologue import CallError

    from ..loaded import Loaded
    from .reading import read_params
    from .talking import connected, ended, reflect

    protocol = options.compiled(spec) if spec is not None else await reflect(target, [wish.action])
    action = find_action(protocol, wish.action)
    _check_wish(action, wish)
    payload = read_params(protocol, action.params, wish.params)
    with closing(Loaded(protocol)) as package:
        table = package.table
        params = checked(protocol, action, table, payload, spec)
        descriptor = next(one for one in table.client_actions if one.name == action.name)
        try:
            async with connected(target, table) as client:
                await _make(client, descriptor, action, params, wish)
        except CallError as error:
            raise ended(error) from None
        except OSError as error:
            raise Ended(Exit.USAGE, f"{error.filename or wish.upload or wish.output}: {error.strerror}") from None


def find_action(protocol: ir.Protocol, name: str) -> ir.ActionDef:
    """The action that a client may call by that name. Raises Ended where there is none."""
    from .wording import meant

    found = next((one for one in protocol.client_actions if one.name == name), None)
    if found is not None:
        return found
    if any(one.name == name for one in protocol.server_actions):
        raise Ended(Exit.USAGE, f"{name}: the server calls it, clients do not")
    hint = meant(name, [one.name for one in protocol.client_actions])
    raise Ended(Exit.USAGE, f"no action is called {name}", *([f"  hint: {hint}"] if hint else []))


def _check_wish(action: ir.ActionDef, wish: Wish) -> None:
    from ..ir import ActionKind, Effect

    problem = None
    if (action.kind is ActionKind.UPLOAD) != (wish.upload is not None):
        problem = "takes an upload: say which file, with --upload" if wish.upload is None else "takes no upload"
    elif (action.kind is ActionKind.DOWNLOAD) != (wish.output is not None):
        problem = "is answered with bytes: say where to, with --output" if wish.output is None else "gives no download"
    elif wish.key is not None and action.effect is not Effect.KEYED:
        problem = f"is {action.effect}, not keyed: it takes no --idempotency-key"
    if problem is not None:
        raise Ended(Exit.USAGE, f"{action.name} {problem}")


def checked(protocol: ir.Protocol, action: ir.ActionDef, table: Any, payload: Any, spec: Path | None) -> Any:
    """Params as the generated package reads them. Raises Ended with all that does not fit.

    Args:
        spec: Where the user finds what is told of it; None where there is no such place.
    """
    from pydantic import ValidationError

    from ..ir import Ref
    from .violations import unread, violations

    descriptor = next(one for one in table.client_actions if one.name == action.name)
    type_ = Ref(name=action.params)
    try:
        params = descriptor.params.from_wire(json.dumps(payload))
        found = list(unread(protocol, type_, payload))  # they would be left out, without a word
    except ValidationError as error:
        params, found = None, violations(protocol, type_, payload, error)
        found += [one for one in unread(protocol, type_, payload) if one not in found]
    if not found:
        return params
    found = found if spec is not None else [replace(one, origin=None) for one in found]
    folder = Path() if spec is None else spec.parent
    told = f"the params do not fit {action.name}; nothing was sent"
    details = {"exit": int(Exit.PARAMS), "message": told, "violations": [one.document() for one in found]}
    raise Ended(Exit.PARAMS, *(line for one in found for line in one.lines(folder)), told, details=details)


async def _make(client: Speaker, descriptor: Any, action: ir.ActionDef, params: Any, wish: Wish) -> None:
    from duologue import CallOptions

    from ..ir import ActionKind

    how = CallOptions(key=wish.key)
    match action.kind:
        case ActionKind.UPLOAD if wish.upload is not None:
            result = await client.upload(descriptor, params, wish.upload, wish.timeout, how)
        case ActionKind.DOWNLOAD if wish.output is not None:
            async with client.download(descriptor, params, wish.timeout, how) as download:
                result = await download.save(wish.output)
        case ActionKind.STREAM:
            result = await _follow(client, descriptor, params, wish, how)
        case _:
            result = await client.call(descriptor, params, wish.timeout, how)
    answer = _plain(descriptor.result, result)
    if wish.as_json or answer is not None or action.kind is ActionKind.UNARY:
        _show(answer, as_json=wish.as_json)


async def _follow(client: Speaker, descriptor: Any, params: Any, wish: Wish, how: CallOptions) -> Any:
    from . import display

    async with client.stream(descriptor, params, wish.timeout, how) as items:
        async for item in items:
            value = _plain(descriptor.item, item)
            display.say(display.plain({"item": value}) if wish.as_json else display.line(value))
        return await items.result()


def _plain(adapter: TypeAdapter[Any], value: Any) -> Any:
    """A value as it stands on the wire."""
    from duologue.models import to_json

    return json.loads(to_json(adapter.serializer, value))


def _show(answer: Any, *, as_json: bool) -> None:
    from . import display

    display.say(display.plain({"result": answer}) if as_json else display.pretty(answer))
