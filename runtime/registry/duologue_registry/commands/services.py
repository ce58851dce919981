"""What the command line does: each function is one conversation with the registry."""

from __future__ import annotations

import shlex
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, NoReturn, TypeVar

import anyio
import click
from pydantic import ValidationError

from duologue import CallError, ConnectFailed, ConnectionClosed, Lifecycle, NotSent, OutcomeUnknown, UnknownValue
from duologue.client.dialer import redacted
from service_registry_sdk import (
    AuditRecord,
    DockerContainer,
    Endpoint,
    EndpointProtocol,
    InvalidTransition,
    ListServicesResult,
    Local,
    ManagedProcess,
    RegistryClient,
    RegistryPeerService,
    Remote,
    ServiceEntry,
    ServiceState,
    SystemdService,
)

from .display import (
    SERVICE_HEADERS,
    audit_lines,
    echo_json,
    endpoint_lines,
    printable,
    service_details,
    service_row,
    table,
)
from .exits import REFUSED, UNREACHABLE, Target, fail, misfit

PAGE = 500

T = TypeVar("T")
Talk = Callable[[RegistryClient], Awaitable[T]]


def talk(target: Target, conversation: Talk[T], *, bounded: bool = True) -> T:
    """Connect, hold the conversation, and end the process with the documented code when it fails.

    Unless it is `bounded`, only connecting is, by `--timeout`, and each call by its own.
    """
    try:
        return anyio.run(_talk, target, conversation, bounded)
    except ConnectFailed as error:
        not_let_in(target, error)
    except TimeoutError:
        unreachable(target, f"no answer within {target.timeout:g} seconds")
    except NotSent as error:
        fail(UNREACHABLE, f"Nothing was sent to {redacted(target.url)}: {printable(str(error))}")
    except ConnectionClosed as error:
        unreachable(target, str(error))
    except OutcomeUnknown as error:
        fail(UNREACHABLE, f"{error}; whether it was done is unknown: look before you try again")
    except InvalidTransition as error:
        allowed = ", ".join(error.details.allowed)
        fail(REFUSED, f"{error.message} From there it can go to: {allowed}. [{error.code}]")
    except CallError as error:
        fail(REFUSED, f"{printable(error.message)} [{error.code}]")


async def _talk(target: Target, conversation: Talk[T], bounded: bool) -> T:  # noqa: FBT001 - of `anyio.run`
    with anyio.fail_after(target.timeout) as starting:
        async with open_client(target) as registry:
            if not bounded:
                starting.deadline = float("inf")
            return await conversation(registry)


@asynccontextmanager
async def open_client(
    target: Target, lifecycle: Lifecycle | None = None, serve: RegistryPeerService | None = None
) -> AsyncGenerator[RegistryClient]:
    """The client; a usage error for a URL that is none, and for a token that cannot be shown."""
    try:
        opened = RegistryClient.open(target.url, token=target.token, lifecycle=lifecycle, serve=serve)
    except ValueError as error:
        raise click.UsageError(f"--url: {error}") from None
    async with AsyncExitStack() as stack:
        try:
            client = await stack.enter_async_context(opened)
        except ValueError as error:
            raise click.UsageError(f"--token: {error}") from None
        yield client


def not_let_in(target: Target, error: ConnectFailed) -> NoReturn:
    """End: the registry refused the token, or is not there."""
    if error.status_code != 401:
        unreachable(target, str(error))
    lacking = "wants a token" if target.token is None else "does not take this token"
    fail(
        REFUSED,
        f"The registry at {redacted(target.url)} {lacking}.\n"
        "Create one with `duologue-registry token create NAME --role ROLE`, and give it as DUOLOGUE_TOKEN or --token.",
    )


def unreachable(target: Target, why: str) -> NoReturn:
    """End, and leave no doubt that nothing is known of the services."""
    fail(
        UNREACHABLE,
        f"Registry unreachable at {redacted(target.url)}: {printable(why)}.\n"
        "Start one with `duologue-registry serve`, or name another with --url.",
    )


# ------------------------------------------------------------------------------------------------------------- services
async def all_services(registry: RegistryClient, **filters: Any) -> ListServicesResult:
    """All pages as one."""
    page = await registry.list_services(limit=PAGE, **filters)
    services = list(page.services)
    while page.next_cursor is not None:
        page = await registry.list_services(limit=PAGE, cursor=page.next_cursor, **filters)
        services += page.services
    return ListServicesResult(services=services, revision=page.revision)


def list_command(target: Target, states: tuple[str, ...], tag: str | None, node: str | None) -> None:
    wanted = [state_of(state) for state in states] or None
    found = talk(target, lambda registry: all_services(registry, state=wanted, tag=tag, node=node))
    if target.json:
        echo_json(found)
        return
    if found.services:
        click.echo("\n".join(table(SERVICE_HEADERS, map(service_row, found.services))))
    click.echo(f"{len(found.services)} services, registry at revision {found.revision}", err=True)


def get_command(target: Target, name: str) -> None:
    _show(target, talk(target, lambda registry: registry.get_service(name=name, include_health=True)))


def register_command(target: Target, name: str, version: str, options: dict[str, Any]) -> None:
    if_revision: int | None = options["if_revision"]
    execution, location = _execution(options), _location(options)
    endpoints = [_endpoint(text) for text in options["endpoint"]]
    metadata = dict(_pair(text) for text in options["metadata"])

    async def conversation(registry: RegistryClient) -> ServiceEntry:
        return await registry.register_service(
            name=name,
            version=version,
            execution=execution,
            location=location,
            endpoints=endpoints,
            depends_on=list(options["depends_on"]),
            tags=list(options["tag"]),
            metadata=metadata,
            if_revision=if_revision,
        )

    _show(target, talk(target, conversation))


def deregister_command(target: Target, name: str, reason: str | None, if_revision: int | None) -> None:
    talk(target, lambda registry: registry.deregister_service(name=name, reason=reason, if_revision=if_revision))
    if target.json:
        echo_json({"name": name})
    else:
        click.echo(f"{name} is deregistered")


def state_command(target: Target, name: str, state: str, reason: str | None, if_revision: int | None) -> None:
    wanted = state_of(state)
    entry = talk(
        target,
        lambda registry: registry.update_state(name=name, state=wanted, reason=reason, if_revision=if_revision),
    )
    _show(target, entry)


def endpoints_command(target: Target, name: str, protocol: str | None, *, include_unhealthy: bool) -> None:
    wanted = None if protocol is None else _protocol(protocol)
    found = talk(
        target,
        lambda registry: registry.list_endpoints(name=name, protocol=wanted, include_unhealthy=include_unhealthy),
    )
    if target.json:
        echo_json(found)
    elif found.endpoints:
        click.echo("\n".join(endpoint_lines(found)))
    else:
        click.echo(f"{name} has no healthy endpoint now (--all shows the others)", err=True)


def _show(target: Target, entry: ServiceEntry) -> None:
    if target.json:
        echo_json(entry)
    else:
        click.echo("\n".join(service_details(entry)))


# ---------------------------------------------------------------------------------------------------------------- audit
def events_command(target: Target, limit: int, filters: dict[str, Any]) -> None:
    filters |= {name: _utc(filters[name]) for name in ("since", "until")}

    async def conversation(registry: RegistryClient) -> list[AuditRecord]:
        records: list[AuditRecord] = []
        cursor: str | None = None
        while len(records) < limit:
            page = await registry.list_events(limit=min(PAGE, limit - len(records)), cursor=cursor, **filters)
            records += page.records
            cursor = page.next_cursor
            if cursor is None:
                break
        return records

    records = talk(target, conversation)
    if target.json:
        for record in reversed(records):
            echo_json(record)
    else:
        click.echo("\n".join(audit_lines(records)))


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)


# ------------------------------------------------------------------------------------------------------- what was typed
def state_of(text: str) -> ServiceState:
    """A state, or a usage error that names them all."""
    try:
        return ServiceState(text)
    except ValueError:
        raise click.UsageError(f"{text!r} is no state; the states are {', '.join(ServiceState)}") from None


def _protocol(text: str) -> EndpointProtocol | UnknownValue:
    try:
        return EndpointProtocol(text)
    except ValueError:
        raise click.UsageError(f"{text!r} is no protocol; they are {', '.join(EndpointProtocol)}") from None


def _execution(options: dict[str, Any]) -> ManagedProcess | DockerContainer | SystemdService:
    command, unit, container, image = (options[name] for name in ("command", "unit", "container", "image"))
    if [bool(command), bool(unit), bool(container or image)].count(True) != 1 or bool(container) != bool(image):
        raise click.UsageError("say how it runs, in one way: --command, or --unit, or --container with --image")
    if command:
        return ManagedProcess(command=_words(command))
    if unit:
        return SystemdService(unit_name=unit)
    return DockerContainer(container_id=container, image=image)


def _words(command: str) -> list[str]:
    """Program and arguments, as a shell reads them."""
    try:
        words = shlex.split(command)
    except ValueError as error:  # a quote that is not closed
        raise click.UsageError(f"--command {command!r}: {error}") from None
    if not words:
        raise click.UsageError(f"--command {command!r}: it names no program")
    return words


def _location(options: dict[str, Any]) -> Local | Remote:
    if options["host"] is None and options["node"] is not None:
        raise click.UsageError("--node needs --host: a node is the name of another machine")
    return Local() if options["host"] is None else Remote(host=options["host"], node=options["node"])


def _endpoint(text: str) -> Endpoint:
    name, equals, address = text.partition("=")
    protocol, colon, _ = address.partition("://")
    if not (name and equals and colon):
        raise click.UsageError(
            f"--endpoint {text!r}: write NAME=PROTOCOL://HOST:PORT, such as public=http://10.0.0.7:80"
        )
    try:
        return Endpoint(name=name, address=address[len(protocol) + 3 :], protocol=_protocol(protocol))
    except ValidationError as error:
        raise click.UsageError(f"--endpoint {text!r}: {misfit(error)}") from None


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise click.UsageError(f"--metadata {text!r}: write KEY=VALUE")
    return key, value
