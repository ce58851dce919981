"""`duologue watch`: events of any server, as they come."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import options
from .ending import EXIT_CODES, Ended, Exit

if TYPE_CHECKING:
    from duologue import ConnectionClosed, EventStream, Position

    from .. import ir
    from .talking import Speaker, Target

_EPILOG = f"""\b
Examples:
  duologue watch ws://127.0.0.1:8080 service_state_changed
  duologue watch ws://127.0.0.1:8080 service_state_changed --where new=failed --where new=stopped
  duologue watch ws://127.0.0.1:8080 service_registered --from-start --json --for 5s

{EXIT_CODES}
Ctrl-C ends with 0, and with 130 where --count or --for had said when to end."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be watched, as it was typed.

    Attributes:
        after: Where in the log to begin; `from_start` for its beginning.
        count: So many events; `seconds` for so long.
    """

    events: Sequence[str]
    where: Sequence[str]
    from_start: bool
    after: str | None
    count: int | None
    seconds: float | None
    as_json: bool


@click.command(epilog=_EPILOG)
@click.argument("url")
@click.argument("events", metavar="EVENT...", nargs=-1, required=True)
@options.talking
@click.option("--where", multiple=True, metavar="KEY=VALUE", help="Only events where it is so; one KEY twice: either.")
@click.option("--from-start", is_flag=True, help="Begin with the oldest entry that the log still has.")
@click.option("--after", metavar="EPOCH:SEQ", help="Begin after this position in the log, as --json tells it.")
@click.option("--count", type=click.IntRange(min=1), help="End after so many events.")
@click.option("--for", "duration", metavar="DURATION", help="End after this time, as in 5s, 500ms or 10min.")
def watch(url: str, events: tuple[str, ...], *, as_json: bool, spec: Path | None, **said: Any) -> None:
    """Watch each EVENT of the server at URL, one a line, until Ctrl-C.

    With --json each line is an object: {"event", "data"}, and "position" where there is a log; {"lost": number} where
    the server left events out, and {"reset": reason} where they do not continue. When the connection is lost another is
    made, which standard error tells, and the events go on.
    """
    from .talking import run

    if said["from_start"] and said["after"]:
        raise Ended(Exit.USAGE, "--from-start and --after both say where to begin: give one of them")
    target = options.target_of(url, said["token"], said["token_file"], said["hooks"])
    seconds = _seconds(said["duration"])
    wish = Wish(events, said["where"], said["from_start"], said["after"], said["count"], seconds, as_json)
    try:
        run(_watch, target, spec, wish)
    except KeyboardInterrupt:
        bounded = wish.count is not None or wish.seconds is not None
        raise Ended(Exit.INTERRUPTED, "interrupted") if bounded else Ended(Exit.DONE) from None


def _seconds(text: str | None) -> float | None:
    from ..quantities import DURATION_HINT, seconds

    found = None if text is None else seconds(text)
    if text is not None and found is None:
        raise Ended(Exit.USAGE, f"--for {text}: {DURATION_HINT}")
    return found


async def _watch(target: Target, spec: Path | None, wish: Wish) -> None:
    import anyio

    from duologue import Lifecycle

    from ..loaded import Loaded
    from .talking import connected, reflect

    protocol = options.compiled(spec) if spec is not None else await reflect(target, list(dict.fromkeys(wish.events)))
    events = [_find_event(protocol, name) for name in dict.fromkeys(wish.events)]
    values = _filters(events, wish.where)
    _check_log(events, wish)
    life = Lifecycle(lost=_tell_lost, resumed=lambda: _note("connected again"))
    with closing(Loaded(protocol)) as package:
        async with connected(target, package.table, life) as client:
            with anyio.move_on_after(wish.seconds):
                await _Watching(client, events, values, wish).follow()


def _find_event(protocol: ir.Protocol, name: str) -> ir.EventDef:
    from .wording import meant

    found = next((one for one in protocol.server_events if one.name == name), None)
    if found is not None:
        return found
    hint = meant(name, [one.name for one in protocol.server_events])
    raise Ended(Exit.USAGE, f"the server sends no event {name}", *([f"  hint: {hint}"] if hint else []))


def _filters(events: Sequence[ir.EventDef], where: Sequence[str]) -> dict[str, object]:
    """Filters by their paths; what several values are given for is any of them."""
    from .wording import meant

    found: dict[str, list[str]] = {}
    for one in where:
        path, equals, value = one.partition("=")
        if not equals or not path:
            raise Ended(Exit.USAGE, f"--where {one}: write KEY=VALUE")
        for event in events:
            known = [filter_.path for filter_ in event.filters]
            if path not in known:
                hint = meant(path, known) or "it has no filters"
                raise Ended(Exit.USAGE, f"{event.name} has no filter {path}", f"  hint: {hint}")
        found.setdefault(path, []).append(value)
    return {path: values[0] if len(values) == 1 else values for path, values in found.items()}


def _check_log(events: Sequence[ir.EventDef], wish: Wish) -> None:
    from ..ir import Delivery

    if (wish.from_start or wish.after) and not any(one.delivery is Delivery.LOG for one in events):
        option = "--from-start" if wish.from_start else "--after"
        raise Ended(Exit.USAGE, f"{option}: none of these events is in a log: {', '.join(one.name for one in events)}")


def _position(text: str) -> Position:
    from duologue import Position

    epoch, colon, number = text.rpartition(":")
    if not colon or not epoch.isprintable() or not epoch or not (number.isascii() and number.isdigit()):
        raise Ended(Exit.USAGE, f"--after {text}: a position is EPOCH:SEQ, as --json tells it")
    return Position(epoch, int(number))


class _Watching:
    """Follows events until there have been enough of them."""

    def __init__(
        self, client: Speaker, events: Sequence[ir.EventDef], values: Mapping[str, object], wish: Wish
    ) -> None:
        self._client = client
        self._names = [one.name for one in events]
        self._logged = {one.name for one in events if one.delivery == "log"}
        self._values = values
        self._wish = wish
        self._seen = 0
        self._lost = 0

    async def follow(self) -> None:
        """Raises Ended where it cannot go on."""
        from duologue import CallError, ConnectFailed, ConnectionClosed, HistoryLost

        from .talking import ended

        try:
            since = await self._beginning()
            while not self._is_enough:
                try:
                    await self._read(since)
                except HistoryLost as error:
                    if self._wish.after and not self._seen and since is not None:
                        raise Ended(
                            Exit.ERROR, f"the log does not go on after {self._wish.after}: {error.reason}"
                        ) from None
                    self._tell(
                        {"reset": error.reason}, f"the events do not continue ({error.reason}): from here on anew"
                    )
                    since = None
        except CallError as error:
            raise ended(error) from None
        except (ConnectionClosed, ConnectFailed) as error:
            raise Ended(Exit.UNREACHABLE, f"the connection is gone: {error}") from None

    async def _beginning(self) -> Position | None:
        from duologue import Position

        if self._wish.after is not None:
            return _position(self._wish.after)
        if not self._wish.from_start:
            return None
        async with self._stream(None) as stream:
            assert stream.position is not None, "it has one once it stands"
            return Position(stream.position.epoch, 0)

    async def _read(self, since: Position | None) -> None:
        async with self._stream(since) as stream:
            self._lost = 0
            if not self._seen:
                _note(f"watching {', '.join(stream.names)}")
            async for event in stream:
                self._tell_losses(stream)
                self._show(stream, event)
                self._seen += 1
                if self._is_enough:
                    return

    def _stream(self, since: Position | None) -> EventStream[Any]:
        from duologue import InvalidArgument

        try:
            return self._client.watch(self._names, self._values, since)
        except InvalidArgument as error:
            raise Ended(Exit.PARAMS, f"--where: {error.message}") from None

    @property
    def _is_enough(self) -> bool:
        return self._wish.count is not None and self._seen >= self._wish.count

    def _tell_losses(self, stream: EventStream[Any]) -> None:
        if stream.lost > self._lost:
            count, self._lost = stream.lost - self._lost, stream.lost
            self._tell({"lost": count}, f"{count} events were left out, since we or the server were too slow")

    def _show(self, stream: EventStream[Any], event: Any) -> None:
        from . import display

        data = json.loads(event.to_wire())
        if not self._wish.as_json:
            display.say(f"{click.style(event.event_name, fg='cyan')} {display.line(data)}")
            return
        told = {"event": event.event_name, "data": data}
        if event.event_name in self._logged and stream.position is not None:
            told["position"] = f"{stream.position.epoch}:{stream.position.seq}"
        display.say(display.plain(told))

    def _tell(self, document: dict[str, Any], text: str) -> None:
        from . import display

        if self._wish.as_json:
            display.say(display.plain(document))
        _note(text)


def _tell_lost(closed: ConnectionClosed) -> None:
    _note(f"{closed}; connecting again")


def _note(text: str) -> None:
    from ..problems import printable

    click.secho(printable(text), err=True, dim=True)
    sys.stderr.flush()
