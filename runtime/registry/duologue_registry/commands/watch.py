"""The `watch` command: the services as they change, until Ctrl-C."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import UTC, datetime

import anyio
import click

from duologue import CallError, ConnectFailed, ConnectionClosed, Event, EventStream, HistoryLost, Lifecycle
from duologue.client.dialer import redacted
from service_registry_sdk import (
    EndpointUpdated,
    HealthCheckResult,
    RegistryClient,
    RegistryLoaded,
    ServiceDeregistered,
    ServiceEntry,
    ServiceRegistered,
    ServiceStateChanged,
)

from ..tasks import background
from .display import SERVICE_HEADERS, echo_json, service_row, table
from .exits import REFUSED, Target, fail
from .services import all_services, not_let_in, open_client, unreachable

REDRAW_EVERY = 1.0
"""Seconds between redraws of the table when nothing happens: ages go on, and so does a broken connection."""

_HOME_AND_CLEAR = "\x1b[H\x1b[J"
_LOGGED = (ServiceRegistered, ServiceDeregistered, ServiceStateChanged, EndpointUpdated)


class Board:
    """The services as last heard of.

    It may be given events that the snapshot contains already: what is older than what it shows changes nothing.
    """

    def __init__(self) -> None:
        self._entries: dict[str, ServiceEntry] = {}
        self._revision = 0

    def load(self, entries: Iterable[ServiceEntry], revision: int) -> None:
        """Begin anew from a snapshot."""
        self._entries = {entry.name: entry for entry in entries}
        self._revision = revision

    def apply(self, event: Event) -> None:
        """Take an event in."""
        match event:
            case ServiceRegistered(entry=entry) if entry.revision > self._revision:
                self._entries[entry.name] = entry
            case ServiceDeregistered(name=name, revision=revision) if revision > self._revision:
                self._entries.pop(name, None)
            case ServiceStateChanged(name=name, new=new, reason=reason, revision=revision) if revision > self._revision:
                self._update(name, state=new, state_reason=reason, last_state_change=datetime.now(UTC))
            case EndpointUpdated(service=name, endpoints=endpoints, revision=revision) if revision > self._revision:
                self._update(name, endpoints=endpoints)
            case HealthCheckResult(service=name, report=report):
                self._update(name, last_health_check=report)
            case _:
                pass

    def _update(self, name: str, **changes: object) -> None:
        if name in self._entries:
            self._entries[name] = self._entries[name].model_copy(update=changes)

    def lines(self) -> list[str]:
        """The table."""
        if not self._entries:
            return ["no services"]
        now = datetime.now(UTC)
        return table(SERVICE_HEADERS, (service_row(entry, now) for entry in self._entries.values()))


class Watch:
    """One run of the command."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._url = redacted(target.url)
        self._board = Board()
        self._lost_since: datetime | None = None
        self._live = sys.stdout.isatty() and not target.json

    async def run(self) -> None:
        """Watch until interrupted."""
        lifecycle = Lifecycle(connected=self._connected, lost=self._lost)
        with anyio.fail_after(self._target.timeout) as starting:
            async with open_client(self._target, lifecycle) as registry, background() as tasks:
                if self._live:
                    tasks.start_soon(self._redraw)
                while True:
                    try:
                        await self._follow(registry, starting)
                    except HistoryLost as error:
                        click.secho(f"events were missed ({error.reason}): reading everything anew", err=True)

    async def _follow(self, registry: RegistryClient, starting: anyio.CancelScope) -> None:
        events: EventStream[Event] = registry.events(*_LOGGED, HealthCheckResult, RegistryLoaded)
        async with events:
            found = await all_services(registry)
            self._board.load(found.services, found.revision)
            starting.deadline = float("inf")
            if not self._live and not self._target.json:
                click.echo("\n".join(self._board.lines()))
            async for event in events:
                self._board.apply(event)
                self._show(event, events)

    def _show(self, event: Event, events: EventStream[Event]) -> None:
        if self._target.json:
            logged = isinstance(event, _LOGGED) and events.position is not None
            more = {"seq": events.position.seq} if logged and events.position else {}
            echo_json({"event": event.event_name}, **more, data=event.model_dump(mode="json", by_alias=True))
        elif self._live:
            self._draw()
        elif not isinstance(event, RegistryLoaded):
            click.echo(f"{datetime.now(UTC):%H:%M:%S} {event.event_name} {event.to_wire().decode()}")

    # ---------------------------------------------------------------------------------------------------- on a terminal
    async def _redraw(self) -> None:
        while True:
            self._draw()
            await anyio.sleep(REDRAW_EVERY)

    def _draw(self) -> None:
        now = datetime.now().astimezone()
        if self._lost_since is None:
            status = click.style(f"{self._url}  {now:%H:%M:%S}  Ctrl-C ends", dim=True)
        else:
            text = (
                f"Registry unreachable since {self._lost_since:%H:%M:%S}; this is what was known then. Reconnecting …"
            )
            status = click.style(text, fg="red")
        click.echo(_HOME_AND_CLEAR + "\n".join([*self._board.lines(), "", status]))

    def _connected(self) -> None:
        if self._lost_since is not None and not self._live:
            click.secho(f"Registry reachable again at {self._url}", fg="green", err=True)
        self._lost_since = None

    def _lost(self, closed: ConnectionClosed) -> None:
        self._lost_since = datetime.now().astimezone()
        if not self._live:
            click.secho(f"Registry unreachable at {self._url} ({closed}): reconnecting", fg="red", err=True)


def watch_command(target: Target) -> None:
    """Watch; Ctrl-C ends it, with code 0."""
    try:
        anyio.run(Watch(target).run)
    except KeyboardInterrupt:
        return
    except ConnectFailed as error:
        not_let_in(target, error)
    except TimeoutError:
        unreachable(target, f"no answer within {target.timeout:g} seconds")
    except CallError as error:
        fail(REFUSED, str(error))
