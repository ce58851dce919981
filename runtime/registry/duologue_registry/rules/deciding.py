"""The registry's rules: (state, command, time) in; what is from now on, and what is told of it, out.

No storage, no socket, no clock. A command that is refused raises one of the protocol's declared errors, or
`InvalidArgument` for what no state of the registry would make right.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from duologue import Event, InvalidArgument
from service_registry_sdk import (
    DependencyCycle,
    Deployment,
    DeregisterServiceParams,
    EndpointUpdated,
    FolderTaken,
    HealthCheckResult,
    RegisterServiceParams,
    Remote,
    RemovePackageParams,
    ReportHealthParams,
    RevisionConflict,
    ServiceDeregistered,
    ServiceEntry,
    ServiceExists,
    ServiceNotFound,
    ServiceRegistered,
    ServiceState,
    ServiceStateChanged,
    TcpProbe,
    UpdateStateParams,
)

from . import deployments, starting
from .agents import check_lease, decide_agent, node_at, node_of
from .deployed import is_to_go, of_package, wanted_entry
from .model import (
    AcceptCommand,
    AddPackage,
    AgentFound,
    AgentReport,
    AttachAgent,
    CancelDeployment,
    Change,
    Command,
    DeploymentCommand,
    ExpireLease,
    Installed,
    NodeAway,
    NodeFailed,
    NodeStepped,
    Outcome,
    PauseExpiry,
    PruneLog,
    Record,
    RemoveExpired,
    ResumeExpiry,
    StartDeployment,
    SyncService,
    TimeIsUp,
    Uninstalled,
    View,
)
from .notes import note
from .packages import change_package, find_package
from .progress import find_deployment
from .states import ALIVE, check_move

LEASE_EXPIRED: Final = "lease expired"
SHORTEST_LEASE: Final = timedelta(seconds=1)  # below it, network jitter alone would end leases
LONGEST_LEASE: Final = timedelta(days=1)
MOST_CHECKS: Final = 64  # of one service: what is kept of a reporter that makes up names is bounded
HIGHEST_PORT: Final = 65535

_ENDING: Final = (ServiceState.STOPPING, ServiceState.STOPPED)

_DEFINITION: Final = (
    "version",
    "execution",
    "location",
    "endpoints",
    "depends_on",
    "tags",
    "metadata",
    "checks",
    "lease",
)


def decide(view: View, command: Command, now: datetime) -> Outcome:
    """Apply one command.

    Raises:
        CallError: One of the declared errors or `InvalidArgument`; nothing changes then.
    """
    match command:
        case RegisterServiceParams():
            return _register(view, command, now)
        case DeregisterServiceParams():
            return _deregister(view, command)
        case UpdateStateParams():
            return _update_state(view, command, now)
        case ReportHealthParams():
            return _report_health(view, command, now)
        case ExpireLease(name=name):
            return _expire_lease(view, name, now)
        case RemoveExpired(name=name):
            return _remove_expired(view, name)
        case AddPackage() | RemovePackageParams():
            return change_package(view, command)
        case AgentFound():
            return _agent_found(view, command, now)
        case AttachAgent() | Installed() | Uninstalled() | AcceptCommand():
            return decide_agent(view, command, now)
        case PruneLog() | PauseExpiry() | ResumeExpiry():
            return note(view, command)
        case _:
            return _decide_deployment(view, command, now)


def find(view: View, name: str) -> Record:
    """The service of that name; raises `ServiceNotFound`."""
    record = view.get(name)
    if record is None:
        raise ServiceNotFound(name=name)
    return record


# ------------------------------------------------------------------------------------------------------- registering
def _register(view: View, wanted: RegisterServiceParams, now: datetime) -> Outcome:
    _check_definition(wanted)
    _check_folder(view, wanted)
    record = view.get(wanted.name)
    _check_revision(record, wanted.if_revision)
    if record is None:
        _check_dependencies(view, wanted)
        return _begin(view, wanted, None, now)
    new_life = record.lease_lost or wanted.version != record.entry.version
    if not new_life and _is_defined_so(record.entry, wanted):
        return _unchanged(view, record)
    if not new_life and wanted.if_revision is None:
        raise ServiceExists(name=wanted.name, revision=record.entry.revision)
    _check_dependencies(view, wanted)
    return _begin(view, wanted, record, now) if new_life else _redefine(view, wanted, record)


def _begin(view: View, wanted: RegisterServiceParams, old: Record | None, now: datetime) -> Outcome:
    """A new life, of a new name or of a new version: what was known of the health belonged to the old one."""
    revision = view.revision + 1
    entry = ServiceEntry(
        name=wanted.name,
        version=wanted.version,
        execution=wanted.execution,
        location=wanted.location,
        endpoints=wanted.endpoints,
        depends_on=wanted.depends_on,
        tags=wanted.tags,
        metadata=wanted.metadata,
        checks=wanted.checks,
        lease=wanted.lease,
        state=ServiceState.REGISTERED,
        registered_at=old.entry.registered_at if old else now,
        last_state_change=now,
        revision=revision,
    )
    record = Record(entry=entry, born=old.born if old else revision)
    return _registered(record, old, revision)


def _redefine(view: View, wanted: RegisterServiceParams, old: Record) -> Outcome:
    """Other contents of the same version: the service goes on as it was."""
    revision = view.revision + 1
    entry = old.entry.model_copy(update={**_definition(wanted), "revision": revision})
    return _registered(Record(entry=entry, born=old.born, health=old.health), old, revision)


def _registered(record: Record, old: Record | None, revision: int) -> Outcome:
    entry = record.entry
    events: list[Event] = [ServiceRegistered(entry=record.present())]
    if old is not None and old.entry.state != entry.state:
        events.append(ServiceStateChanged(name=entry.name, old=old.entry.state, new=entry.state, revision=revision))
    if entry.endpoints != (old.entry.endpoints if old else []):
        events.append(EndpointUpdated(service=entry.name, endpoints=entry.endpoints, revision=revision))
    return Outcome(name=entry.name, change=Change.SERVICE, record=record, revision=revision, events=tuple(events))


def _definition(source: RegisterServiceParams | ServiceEntry) -> dict[str, object]:
    return {name: getattr(source, name) for name in _DEFINITION}


def _is_defined_so(entry: ServiceEntry, wanted: RegisterServiceParams) -> bool:
    return _definition(entry) == _definition(wanted)


def _check_definition(wanted: RegisterServiceParams) -> None:
    names = [endpoint.name for endpoint in wanted.endpoints]
    for name in names:
        if names.count(name) > 1:
            raise InvalidArgument(f"endpoints: {name!r} stands there twice; each needs a name of its own")
    checks = [check.name for check in wanted.checks]
    for name in checks:
        if checks.count(name) > 1:
            raise InvalidArgument(f"checks: {name!r} stands there twice; each needs a name of its own")
    for check in wanted.checks:
        if isinstance(check.probe, TcpProbe):
            _check_port(check.name, check.probe.address)
    node = wanted.name.partition("@")[2]
    if node and (not isinstance(wanted.location, Remote) or wanted.location.node != node):
        raise InvalidArgument(f"location: {wanted.name} is on {node} and nowhere else, as its name says")
    if wanted.lease is not None and not SHORTEST_LEASE <= wanted.lease <= LONGEST_LEASE:
        raise InvalidArgument(f"lease: {wanted.lease} is not between {SHORTEST_LEASE} and {LONGEST_LEASE}")


def _check_port(check: str, address: str) -> None:
    port = int(address.rpartition(":")[2])  # digits, as the type says
    if not 1 <= port <= HIGHEST_PORT:
        raise InvalidArgument(f"checks: {check}: {address} has the port {port}, which is not from 1 to {HIGHEST_PORT}")


def _check_folder(view: View, wanted: RegisterServiceParams) -> None:
    """`NAME` and `NAME@NODE` would be one service of the node: its agent has a folder for each package."""
    node = node_at(wanted.location)
    name = wanted.name.partition("@")[0]
    other = view.get(name if name != wanted.name else f"{name}@{node}")
    if node is not None and other is not None and node_of(other.entry) == node:
        raise FolderTaken(name=other.entry.name, node=node)


def _check_dependencies(view: View, wanted: RegisterServiceParams) -> None:
    """Look for a way from the service back to itself; the others form no cycle, as each was looked at so."""
    came_from: dict[str, str] = {}
    to_visit = [(wanted.name, name) for name in reversed(wanted.depends_on)]
    while to_visit:
        dependent, name = to_visit.pop()
        if name in came_from:
            continue
        came_from[name] = dependent
        if name == wanted.name:
            raise DependencyCycle(cycle=_way_back(came_from, name))
        record = view.get(name)
        if record is not None:
            to_visit += [(name, next_name) for next_name in reversed(record.entry.depends_on)]


def _way_back(came_from: dict[str, str], name: str) -> list[str]:
    way = [name, came_from[name]]
    while way[-1] != name:
        way.append(came_from[way[-1]])
    return way[::-1]


# --------------------------------------------------------------------------------------------------- other mutations
def _deregister(view: View, command: DeregisterServiceParams) -> Outcome:
    record = find(view, command.name)
    _check_revision(record, command.if_revision)
    return _remove(view, record, command.reason)


def _remove(view: View, record: Record, reason: str | None) -> Outcome:
    name, revision = record.entry.name, view.revision + 1
    events: list[Event] = [ServiceDeregistered(name=name, reason=reason, revision=revision)]
    if record.entry.endpoints:
        events.append(EndpointUpdated(service=name, endpoints=[], revision=revision))
    return Outcome(
        name=name, change=Change.SERVICE, record=None, revision=revision, events=tuple(events), reason=reason
    )


def _update_state(view: View, command: UpdateStateParams, now: datetime) -> Outcome:
    record = find(view, command.name)
    check_lease(view, record, command.agent)
    _check_revision(record, command.if_revision)
    if command.agent is not None:
        return _told_by_agent(view, record, command, now)
    if command.state == record.entry.state:
        return _unchanged(view, record)
    state = check_move(record.entry.state, command.state)
    if state is ServiceState.FAILED and not command.reason:
        raise InvalidArgument("reason: a service that failed needs a reason, in words")
    return _move(view, record, state, command.reason, now)


def _agent_found(view: View, command: AgentFound, now: datetime) -> Outcome:
    record = view.get(command.name)
    if record is None or node_of(record.entry) != command.node:
        return Outcome(name=command.name, change=Change.NOTHING, record=record, revision=view.revision)
    return _told_by_agent(view, record, command, now)


def _told_by_agent(view: View, record: Record, told: UpdateStateParams | AgentFound, now: datetime) -> Outcome:
    """What an agent says is not asked for, it is so: the table of moves is for those who want something.

    Of a version that is not registered any more, only its end is news: what is registered does not run either.
    """
    state, reason = told.state, told.reason
    if not isinstance(state, ServiceState) or state is ServiceState.REGISTERED:
        raise InvalidArgument(f"state: an agent does not find a service {state}")
    if told.version not in (None, record.entry.version) and state not in _ENDING:
        return _unchanged(view, record)
    if (state, reason) == (record.entry.state, record.entry.state_reason):
        return _unchanged(view, record)
    return _move(view, record, state, reason, now)


def _move(
    view: View, record: Record, state: ServiceState, reason: str | None, now: datetime, *, lease_lost: bool = False
) -> Outcome:
    old, revision = record.entry, view.revision + 1
    entry = old.model_copy(
        update={"state": state, "state_reason": reason, "last_state_change": now, "revision": revision}
    )
    changed = ServiceStateChanged(name=old.name, old=old.state, new=state, reason=reason, revision=revision)
    return Outcome(
        name=old.name,
        change=Change.SERVICE,
        record=Record(entry=entry, born=record.born, lease_lost=lease_lost, health=record.health),
        revision=revision,
        events=(changed,),
        reason=reason,
    )


def _report_health(view: View, command: ReportHealthParams, now: datetime) -> Outcome:
    record = find(view, command.name)
    check_lease(view, record, command.agent)
    report = command.report
    known = record.health.get(report.check)
    if known is None and len(record.health) >= MOST_CHECKS:
        raise InvalidArgument(f"report.check: {command.name} has {MOST_CHECKS} checks already, the most there can be")
    # A retry may arrive after the report that followed it. One from the future would block all others: it gives way.
    if known is not None and report.checked_at < known.checked_at <= now:
        return _unchanged(view, record)
    health = {**record.health, report.check: report}
    return Outcome(
        name=command.name,
        change=Change.HEALTH,
        record=Record(entry=record.entry, born=record.born, lease_lost=record.lease_lost, health=health),
        revision=view.revision,
        report=report,
        events=(HealthCheckResult(service=command.name, report=report),),
    )


# ------------------------------------------------------------------------------------------------- the registry's own
def _expire_lease(view: View, name: str, now: datetime) -> Outcome:
    record = view.get(name)
    if record is None or record.entry.lease is None or record.entry.state not in ALIVE:
        return Outcome(name=name, change=Change.NOTHING, record=record, revision=view.revision)
    return _move(view, record, ServiceState.FAILED, LEASE_EXPIRED, now, lease_lost=True)


def _remove_expired(view: View, name: str) -> Outcome:
    record = view.get(name)
    if record is None or not record.lease_lost:
        return Outcome(name=name, change=Change.NOTHING, record=record, revision=view.revision)
    return _remove(view, record, LEASE_EXPIRED)


# -------------------------------------------------------------------------------------------------------- deployments
def _decide_deployment(view: View, command: DeploymentCommand, now: datetime) -> Outcome:
    match command:
        case StartDeployment():
            return _start_deployment(view, command, now)
        case CancelDeployment():
            return deployments.cancel(view, command, now)
        case NodeStepped():
            return deployments.stepped(view, command, now)
        case NodeFailed():
            return deployments.failed(view, command, now)
        case NodeAway():
            return deployments.away(view, command, now)
        case SyncService():
            return _sync(view, command, now)
        case TimeIsUp():
            return deployments.time_is_up(view, command, now)
        case AgentReport():
            return deployments.reported(view, command, now)


def _start_deployment(view: View, command: StartDeployment, now: datetime) -> Outcome:
    outcome = starting.start(view, command, now)
    deployment = outcome.written(Deployment)
    manifest = find_package(view, deployment.name, deployment.version).manifest
    for node in deployment.nodes:
        _check_dependencies(view, of_package(manifest, node.service, node.node))
    return outcome


def _sync(view: View, command: SyncService, now: datetime) -> Outcome:
    """Register a service again, as its deployment wants it at this moment, or remove it."""
    deployment = find_deployment(view, command.deployment)
    node = next(node for node in deployment.nodes if node.node == command.node)
    record = view.get(node.service)
    if record is not None and is_to_go(deployment, node):
        return _remove(view, record, f"rolled back: {deployment.message}")
    wanted = wanted_entry(view, deployment, node)
    if wanted is None:
        return Outcome(name=node.service, change=Change.NOTHING, record=record, revision=view.revision)
    _check_folder(view, wanted)
    _check_dependencies(view, wanted)
    return _begin(view, wanted, record, now)


# ------------------------------------------------------------------------------------------------------------ helpers
def _check_revision(record: Record | None, expected: int | None) -> None:
    actual = record.entry.revision if record else 0
    if expected is not None and expected != actual:
        raise RevisionConflict(expected=expected, actual=actual)


def _unchanged(view: View, record: Record) -> Outcome:
    return Outcome(name=record.entry.name, change=Change.NOTHING, record=record, revision=view.revision)
