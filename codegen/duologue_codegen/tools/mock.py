"""`duologue mock`: a server of any spec, before there is one."""

from __future__ import annotations

import json
import signal
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import options
from .ending import Ended, Exit

if TYPE_CHECKING:
    from duologue import Server

    from .standin import StandIn

_EPILOG = """\b
Examples:
  duologue mock spec/registry.yaml --port 8080
  duologue call ws://127.0.0.1:8080 list_services

Exit codes: 0 ended by Ctrl-C or SIGTERM; 2 wrong usage, or a wrong spec; 4 the port cannot be had."""


@click.command(epilog=_EPILOG)
@click.argument("spec", type=options.FILE)
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="0 picks a free one.")
@click.option("--seed", default="0", show_default=True, help="What is made depends on it, and on what is asked.")
@click.option(
    "--event-every",
    "every",
    default="1s",
    show_default=True,
    metavar="DURATION",
    help="How often events are sent; none.",
)
@options.hooks
@click.option("--json", "as_json", is_flag=True, help="Say where it listens as one line of JSON.")
@options.ending
def mock(spec: Path, port: int, seed: str, every: str, *, hooks: tuple[str, ...], as_json: bool) -> None:
    """Serve SPEC on this machine, with answers that fit it, until Ctrl-C.

    An action is answered with its example for these params, else with its first that has a result, else with data made
    from its types. Streams, uploads and downloads work; each event is sent every second, or as --event-every says.
    The same question gets the same answer, as long as the seed is the same.
    """
    from ..quantities import DURATION_HINT, seconds
    from .talking import run

    pause = None if every == "none" else seconds(every)
    if pause is None and every != "none":
        raise Ended(Exit.USAGE, f"--event-every {every}: {DURATION_HINT}, or `none`")
    try:
        run(_serve, Wish(spec, port, seed, pause, options.hooked(hooks), as_json))
    except KeyboardInterrupt:
        raise Ended(Exit.DONE) from None


@dataclass(frozen=True, slots=True)
class Wish:
    """A mock as it was typed; `pause` is None where no events are sent."""

    spec: Path
    port: int
    seed: str
    pause: float | None
    hooks: dict[str, Any]
    as_json: bool


async def _serve(wish: Wish) -> None:
    import anyio

    from duologue import serve

    from ..loaded import Loaded
    from . import display
    from .standin import StandIn, hooks_of

    protocol = options.compiled(wish.spec)
    with closing(Loaded(protocol)) as package:
        service = StandIn.of(protocol, package.table, wish.seed)
        try:
            async with serve(service, "127.0.0.1", wish.port, hooks=hooks_of(protocol) | wish.hooks) as server:
                url = f"ws://127.0.0.1:{server.port}"
                said = {"url": url, "protocol": protocol.name, "version": protocol.version}
                display.say(json.dumps(said) if wish.as_json else f"{protocol.name} {protocol.version} on {url}")
                async with anyio.create_task_group() as tasks:
                    if wish.pause is not None:
                        tasks.start_soon(_send_events, server, service, wish.pause)
                    await _until_ended()
                    tasks.cancel_scope.cancel()
        except OSError as error:
            raise Ended(
                Exit.UNREACHABLE, f"cannot listen on 127.0.0.1:{wish.port}: {error.strerror or error}"
            ) from None


async def _until_ended() -> None:
    import anyio

    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            return


async def _send_events(server: Server[Any], service: StandIn, pause: float) -> None:
    import anyio

    number = 0
    while True:
        for event in service.events(number):
            await server.emit(event)
        number += 1
        await anyio.sleep(pause)
