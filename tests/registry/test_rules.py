"""The rules: every command, every declared error."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from duologue import Event, InvalidArgument, UnknownValue
from duologue_registry.rules.deciding import MOST_CHECKS, decide
from duologue_registry.rules.documents import D, Document, DocumentKey
from duologue_registry.rules.model import (
    AddPackage,
    AttachAgent,
    Change,
    Command,
    ExpireLease,
    Installed,
    Outcome,
    Record,
    RemoveExpired,
)
from service_registry_sdk import (
    DependencyCycle,
    DeregisterServiceParams,
    Endpoint,
    EndpointProtocol,
    EndpointUpdated,
    FolderTaken,
    FolderTakenDetails,
    HealthCheck,
    HealthCheckResult,
    HealthReport,
    HealthStatus,
    Installation,
    InvalidTransition,
    Local,
    ManagedProcess,
    PackageExists,
    PackageInfo,
    PackageInUse,
    PackageManifest,
    PackageNotFound,
    PackageRemoved,
    PackageUploaded,
    RegisterServiceParams,
    Remote,
    RemovePackageParams,
    ReportHealthParams,
    RevisionConflict,
    ServiceDeregistered,
    ServiceExists,
    ServiceKind,
    ServiceNotFound,
    ServiceRegistered,
    ServiceState,
    ServiceStateChanged,
    TcpProbe,
    UpdateStateParams,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
HTTP = Endpoint(name="public", address="10.0.0.7:8080", protocol=EndpointProtocol.HTTP)


def registration(name: str = "api", **changes: Any) -> RegisterServiceParams:
    fields: dict[str, Any] = {
        "name": name,
        "version": "1.0.0",
        "execution": ManagedProcess(command=["bin/api"]),
        "location": Local(),
    }
    return RegisterServiceParams(**{**fields, **changes})


def report(status: HealthStatus = HealthStatus.PASSING, *, check: str = "http", at: datetime = NOW) -> HealthReport:
    return HealthReport(check=check, status=status, checked_at=at)


class World:
    """The least that keeps what the rules decide."""

    def __init__(self) -> None:
        self.revision = 0
        self.records: dict[str, Record] = {}
        self.known: dict[DocumentKey, Document | None] = {}

    def get(self, name: str, /) -> Record | None:
        return self.records.get(name)

    def snapshot(self) -> Sequence[Record]:
        return list(self.records.values())

    def document(self, key: DocumentKey, /) -> Document | None:
        return self.known.get(key)

    def documents(self, kind: type[D], /) -> Sequence[D]:
        return [document for document in self.known.values() if isinstance(document, kind)]

    def do(self, command: Command, now: datetime = NOW) -> Outcome:
        outcome = decide(self, command, now)
        self.known.update({each.key: each.document for each in outcome.documents})
        assert outcome.is_mutation == (outcome.revision == self.revision + 1)
        assert (outcome.change is Change.NOTHING) == (not outcome.events)
        self.revision = outcome.revision
        if outcome.change is Change.DOCUMENT:
            pass
        elif outcome.record is None:
            self.records.pop(outcome.name, None)
        else:
            self.records[outcome.name] = outcome.record
        return outcome

    def move(self, *states: ServiceState, name: str = "api") -> None:
        for state in states:
            self.do(UpdateStateParams(name=name, state=state, reason="because"))


@pytest.fixture
def world() -> World:
    return World()


def kinds(outcome: Outcome) -> list[type[Event]]:
    return [type(event) for event in outcome.events]


# ------------------------------------------------------------------------------------------------------- registering
def test_register(world: World) -> None:
    outcome = world.do(registration(endpoints=[HTTP], tags=["blue"], metadata={"team": "a"}))
    entry = outcome.entry
    assert (entry.name, entry.state, entry.revision) == ("api", ServiceState.REGISTERED, 1)
    assert (entry.registered_at, entry.last_state_change) == (NOW, NOW)
    assert (entry.tags, entry.metadata, entry.endpoints) == (["blue"], {"team": "a"}, [HTTP])
    assert outcome.events == (
        ServiceRegistered(entry=entry),
        EndpointUpdated(service="api", endpoints=[HTTP], revision=1),
    )


def test_register_without_endpoints_tells_nothing_of_endpoints(world: World) -> None:
    assert kinds(world.do(registration())) == [ServiceRegistered]


def test_register_the_same_again_changes_nothing(world: World) -> None:
    world.do(registration(tags=["a"]))
    world.move(ServiceState.RUNNING)
    again = world.do(registration(tags=["a"]), LATER)
    assert again.change is Change.NOTHING
    assert again.entry.state is ServiceState.RUNNING


@pytest.mark.parametrize(
    "change",
    [
        {"execution": ManagedProcess(command=["bin/api", "-v"])},
        {"endpoints": [HTTP]},
        {"depends_on": ["db"]},
        {"tags": ["blue"]},
        {"metadata": {"a": "b"}},
        {"lease": timedelta(seconds=30)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_other_contents_of_the_same_version_need_the_revision(world: World, change: dict[str, Any]) -> None:
    world.do(registration())
    with pytest.raises(ServiceExists) as refusal:
        world.do(registration(**change))
    assert (refusal.value.details.name, refusal.value.details.revision) == ("api", 1)

    world.move(ServiceState.RUNNING)
    world.do(ReportHealthParams(name="api", report=report()))
    entry = world.do(registration(**change, if_revision=2), LATER).entry
    assert getattr(entry, next(iter(change))) == next(iter(change.values()))
    assert (entry.state, entry.last_state_change, entry.revision) == (ServiceState.RUNNING, NOW, 3)
    assert entry.last_health_check == report()


def test_changed_endpoints_are_told(world: World) -> None:
    world.do(registration(endpoints=[HTTP]))
    outcome = world.do(registration(endpoints=[], if_revision=1))
    assert outcome.events[1:] == (EndpointUpdated(service="api", endpoints=[], revision=2),)


def test_a_new_version_begins_anew(world: World) -> None:
    world.do(registration(endpoints=[HTTP]))
    world.move(ServiceState.RUNNING)
    world.do(ReportHealthParams(name="api", report=report()))
    outcome = world.do(registration(version="2.0.0", endpoints=[HTTP]), LATER)
    entry = outcome.entry
    assert (entry.version, entry.state) == ("2.0.0", ServiceState.REGISTERED)
    assert (entry.registered_at, entry.last_state_change) == (NOW, LATER)
    assert entry.last_health_check is None
    assert world.records["api"].born == 1
    assert outcome.events == (
        ServiceRegistered(entry=entry),
        ServiceStateChanged(name="api", old=ServiceState.RUNNING, new=ServiceState.REGISTERED, revision=3),
    )


def test_if_revision_of_a_registration(world: World) -> None:
    with pytest.raises(RevisionConflict) as refusal:
        world.do(registration(if_revision=3))
    assert (refusal.value.details.expected, refusal.value.details.actual) == (3, 0)
    world.do(registration(if_revision=0))
    with pytest.raises(RevisionConflict) as refusal:
        world.do(registration(version="2.0.0", if_revision=0))
    assert (refusal.value.details.expected, refusal.value.details.actual) == (0, 1)


def test_endpoint_names_are_unique(world: World) -> None:
    with pytest.raises(InvalidArgument, match="'public' stands there twice"):
        world.do(registration(endpoints=[HTTP, HTTP]))


def test_a_folder_of_a_node_is_of_one_service(world: World) -> None:
    def on(node: str) -> Remote:
        return Remote(host=node, node=node)

    world.do(registration("api", location=on("web-1")))
    world.do(registration("db@web-1", location=on("web-1")))
    for name, other in (("api@web-1", "api"), ("db", "db@web-1")):
        with pytest.raises(FolderTaken) as refused:
            world.do(registration(name, location=on("web-1")))
        assert refused.value.details == FolderTakenDetails(name=other, node="web-1")
    world.do(registration("db", location=on("web-2")))
    world.do(registration("api@web-2", location=on("web-2")))
    for name in ("db", "api"):  # nor is it moved there
        node = "web-1" if name == "db" else "web-2"
        with pytest.raises(FolderTaken):
            world.do(registration(name, version="1.1.0", location=on(node)))


@pytest.mark.parametrize("port", ["0", "65536", "99999"])
def test_a_check_of_a_port_that_there_cannot_be(world: World, port: str) -> None:
    check = HealthCheck(name="db", probe=TcpProbe(address=f"127.0.0.1:{port}"))
    with pytest.raises(InvalidArgument, match=f"checks: db: 127.0.0.1:{port} has the port {port}, which is not from 1"):
        world.do(registration(checks=[check]))
    world.do(registration(checks=[HealthCheck(name="db", probe=TcpProbe(address="[::1]:65535"))]))


@pytest.mark.parametrize("seconds", [0.0, -5.0, 0.999, 86_401.0])
def test_a_lease_out_of_bounds(world: World, seconds: float) -> None:
    with pytest.raises(InvalidArgument, match="lease"):
        world.do(registration(lease=timedelta(seconds=seconds)))


@pytest.mark.parametrize(
    ("existing", "new", "cycle"),
    [
        ({}, ("a", ["a"]), ["a", "a"]),
        ({"b": ["a"]}, ("a", ["b"]), ["a", "b", "a"]),
        ({"c": ["a"], "b": ["x", "c"]}, ("a", ["b"]), ["a", "b", "c", "a"]),
        ({"d": ["x"], "c": ["d", "a"], "b": ["d"]}, ("a", ["b", "d", "c"]), ["a", "c", "a"]),
    ],
)
def test_cycles_are_named(
    world: World, existing: dict[str, list[str]], new: tuple[str, list[str]], cycle: list[str]
) -> None:
    for name, depends_on in existing.items():
        world.do(registration(name, depends_on=depends_on))
    with pytest.raises(DependencyCycle) as refusal:
        world.do(registration(new[0], depends_on=new[1]))
    assert refusal.value.details.cycle == cycle


def test_a_changed_definition_can_close_a_cycle(world: World) -> None:
    world.do(registration("a"))
    world.do(registration("b", depends_on=["a"]))
    with pytest.raises(DependencyCycle):
        world.do(registration("a", version="2.0.0", depends_on=["b"]))
    with pytest.raises(DependencyCycle):
        world.do(registration("a", depends_on=["b"], if_revision=1))


def test_diamonds_are_no_cycles(world: World) -> None:
    for name, depends_on in {"d": [], "c": ["d"], "b": ["d"], "a": ["b", "c", "not-there"]}.items():
        world.do(registration(name, depends_on=depends_on))
    assert world.revision == 4


def test_a_long_chain_of_dependencies(world: World) -> None:
    for number in range(1_000):
        world.do(registration(f"s{number}", depends_on=[f"s{number - 1}"] if number else []))
    with pytest.raises(DependencyCycle) as refusal:
        world.do(registration("s0", version="2.0.0", depends_on=["s999"]))
    assert len(refusal.value.details.cycle) == 1_001


# --------------------------------------------------------------------------------------------------- other mutations
def test_deregister(world: World) -> None:
    world.do(registration(endpoints=[HTTP]))
    outcome = world.do(DeregisterServiceParams(name="api", reason="gone for good"))
    assert outcome.record is None
    assert outcome.reason == "gone for good"
    assert outcome.events == (
        ServiceDeregistered(name="api", reason="gone for good", revision=2),
        EndpointUpdated(service="api", endpoints=[], revision=2),
    )
    with pytest.raises(LookupError):
        _ = outcome.entry


def test_registered_again_after_deregistering_it_is_another(world: World) -> None:
    world.do(registration())
    world.do(DeregisterServiceParams(name="api"))
    outcome = world.do(registration(), LATER)
    assert outcome.entry.registered_at == LATER
    assert world.records["api"].born == 3


def test_update_state(world: World) -> None:
    world.do(registration())
    outcome = world.do(UpdateStateParams(name="api", state=ServiceState.STARTING, reason="boot"), LATER)
    entry = outcome.entry
    assert (entry.state, entry.state_reason, entry.last_state_change) == (ServiceState.STARTING, "boot", LATER)
    assert outcome.events == (
        ServiceStateChanged(
            name="api", old=ServiceState.REGISTERED, new=ServiceState.STARTING, reason="boot", revision=2
        ),
    )


def test_the_reason_of_a_state_goes_with_it(world: World) -> None:
    world.do(registration())
    world.do(UpdateStateParams(name="api", state=ServiceState.FAILED, reason="out of memory"))
    assert world.do(UpdateStateParams(name="api", state=ServiceState.STARTING)).entry.state_reason is None


def test_the_state_that_it_is_in_changes_nothing(world: World) -> None:
    world.do(registration())
    assert world.do(UpdateStateParams(name="api", state=ServiceState.REGISTERED)).change is Change.NOTHING


def test_an_illegal_move(world: World) -> None:
    world.do(registration())
    with pytest.raises(InvalidTransition, match="from registered to stopping"):
        world.do(UpdateStateParams(name="api", state=ServiceState.STOPPING))
    with pytest.raises(InvalidTransition):
        world.do(UpdateStateParams(name="api", state=UnknownValue("hibernating")))


@pytest.mark.parametrize("reason", [None, ""])
def test_a_failure_needs_a_reason(world: World, reason: str | None) -> None:
    world.do(registration())
    with pytest.raises(InvalidArgument, match="reason"):
        world.do(UpdateStateParams(name="api", state=ServiceState.FAILED, reason=reason))


@pytest.mark.parametrize(
    "command",
    [
        UpdateStateParams(name="api", state=ServiceState.STARTING, if_revision=7),
        UpdateStateParams(name="api", state=ServiceState.REGISTERED, if_revision=7),
        DeregisterServiceParams(name="api", if_revision=7),
        registration(if_revision=7),
    ],
    ids=["update_state", "update_state to the same", "deregister", "register"],
)
def test_revision_conflict(world: World, command: Command) -> None:
    world.do(registration())
    with pytest.raises(RevisionConflict) as refusal:
        world.do(command)
    assert (refusal.value.details.expected, refusal.value.details.actual) == (7, 1)


@pytest.mark.parametrize(
    "command",
    [
        UpdateStateParams(name="none", state=ServiceState.STARTING),
        DeregisterServiceParams(name="none"),
        ReportHealthParams(name="none", report=report()),
    ],
    ids=["update_state", "deregister", "report_health"],
)
def test_service_not_found(world: World, command: Command) -> None:
    with pytest.raises(ServiceNotFound) as refusal:
        world.do(command)
    assert refusal.value.details.name == "none"


def test_a_revision_counts_the_registry_not_the_service(world: World) -> None:
    world.do(registration("a"))
    world.do(registration("b"))
    world.move(ServiceState.RUNNING, name="a")
    assert (world.records["a"].entry.revision, world.records["b"].entry.revision) == (3, 2)


# ------------------------------------------------------------------------------------------------------------- health
def test_report_health_is_no_mutation(world: World) -> None:
    world.do(registration())
    outcome = world.do(ReportHealthParams(name="api", report=report()))
    assert outcome.change is Change.HEALTH
    assert outcome.events == (HealthCheckResult(service="api", report=report()),)
    assert world.revision == 1


def test_the_latest_report_of_each_check(world: World) -> None:
    world.do(registration())
    world.do(ReportHealthParams(name="api", report=report(check="tcp", at=NOW)))
    world.do(ReportHealthParams(name="api", report=report(at=NOW)))
    newest = report(HealthStatus.WARNING, at=LATER)
    world.do(ReportHealthParams(name="api", report=newest), LATER)
    entry = world.records["api"].present(include_health=True)
    assert entry.last_health_check == newest
    assert entry.health == [newest, report(check="tcp")]


def test_a_late_retry_does_not_undo_a_newer_report(world: World) -> None:
    world.do(registration())
    world.do(ReportHealthParams(name="api", report=report(HealthStatus.CRITICAL, at=LATER)), LATER)
    outcome = world.do(ReportHealthParams(name="api", report=report(at=NOW)), LATER)
    assert outcome.change is Change.NOTHING
    assert world.records["api"].health["http"].status is HealthStatus.CRITICAL


def test_a_report_from_the_future_gives_way(world: World) -> None:
    world.do(registration())
    world.do(ReportHealthParams(name="api", report=report(HealthStatus.CRITICAL, at=LATER)), NOW)
    world.do(ReportHealthParams(name="api", report=report(at=NOW)), NOW)
    assert world.records["api"].health["http"].status is HealthStatus.PASSING


def test_the_number_of_checks_is_bounded(world: World) -> None:
    world.do(registration())
    for number in range(MOST_CHECKS):
        world.do(ReportHealthParams(name="api", report=report(check=f"c{number}")))
    with pytest.raises(InvalidArgument, match="checks already"):
        world.do(ReportHealthParams(name="api", report=report(check="one-more")))
    world.do(ReportHealthParams(name="api", report=report(HealthStatus.WARNING, check="c0")))


def test_health_outlives_moves(world: World) -> None:
    world.do(registration())
    world.do(ReportHealthParams(name="api", report=report()))
    world.move(ServiceState.RUNNING)
    assert world.records["api"].health == {"http": report()}


# ------------------------------------------------------------------------------------------------- the registry's own
LEASE = timedelta(seconds=10)


def test_expire_lease(world: World) -> None:
    world.do(registration(lease=LEASE))
    outcome = world.do(ExpireLease("api"), LATER)
    assert (outcome.entry.state, outcome.entry.state_reason) == (ServiceState.FAILED, "lease expired")
    assert kinds(outcome) == [ServiceStateChanged]
    assert world.records["api"].lease_lost


@pytest.mark.parametrize("way", [[ServiceState.RUNNING, ServiceState.STOPPED], [ServiceState.FAILED]])
def test_who_is_not_alive_cannot_expire(world: World, way: list[ServiceState]) -> None:
    world.do(registration(lease=LEASE))
    world.move(*way)
    assert world.do(ExpireLease("api")).change is Change.NOTHING


def test_who_has_no_lease_cannot_expire(world: World) -> None:
    world.do(registration())
    assert world.do(ExpireLease("api")).change is Change.NOTHING
    assert world.do(ExpireLease("none")).change is Change.NOTHING


def test_who_lost_the_lease_may_register_as_it_likes(world: World) -> None:
    world.do(registration(lease=LEASE))
    world.do(ExpireLease("api"))
    outcome = world.do(registration(lease=LEASE, execution=ManagedProcess(command=["bin/api"], pid=7)), LATER)
    assert outcome.entry.state is ServiceState.REGISTERED
    assert kinds(outcome) == [ServiceRegistered, ServiceStateChanged]
    assert not world.records["api"].lease_lost


def test_register_the_same_after_losing_the_lease_begins_anew(world: World) -> None:
    world.do(registration(lease=LEASE))
    world.do(ExpireLease("api"))
    assert world.do(registration(lease=LEASE)).entry.state is ServiceState.REGISTERED


def test_remove_expired(world: World) -> None:
    world.do(registration(lease=LEASE))
    assert world.do(RemoveExpired("api")).change is Change.NOTHING
    world.do(ExpireLease("api"))
    outcome = world.do(RemoveExpired("api"))
    assert outcome.events == (ServiceDeregistered(name="api", reason="lease expired", revision=3),)
    assert world.do(RemoveExpired("api")).change is Change.NOTHING


def test_who_was_moved_after_losing_the_lease_is_not_removed(world: World) -> None:
    world.do(registration(lease=LEASE))
    world.do(ExpireLease("api"))
    world.move(ServiceState.STARTING)
    assert world.do(RemoveExpired("api")).change is Change.NOTHING


# ------------------------------------------------------------------------------------------------------------- packages
def package(version: str = "1.0.0", sha256: str = "a" * 64) -> AddPackage:
    manifest = PackageManifest(name="api", version=version, type=ServiceKind.SYSTEMD_SERVICE)
    info = PackageInfo(manifest=manifest, size=1, sha256=sha256, uploaded_at=NOW, uploaded_by="ann", revision=0)
    return AddPackage(info)


def test_a_package_is_added_once() -> None:
    world = World()
    added = world.do(package())
    (event,) = added.events
    assert isinstance(event, PackageUploaded)
    assert (event.package.revision, added.written(PackageInfo)) == (1, event.package)
    again = world.do(package())
    assert (again.change, again.written(PackageInfo)) == (Change.NOTHING, event.package)
    with pytest.raises(PackageExists) as refused:
        world.do(package(sha256="b" * 64))
    assert refused.value.details.sha256 == "a" * 64
    assert world.do(package("1.1.0", "b" * 64)).revision == 2


def test_a_package_is_removed_unless_its_service_is_registered_with_it() -> None:
    world = World()
    world.do(package())
    world.do(registration())
    with pytest.raises(PackageInUse):
        world.do(RemovePackageParams(name="api", version="1.0.0"))
    world.do(registration(version="2.0.0"))
    world.do(AttachAgent("web-1", ()))
    for active, previous in (("1.0.0", None), ("2.0.0", "1.0.0")):
        world.do(Installed("web-1", Installation(name="api", active=active, previous=previous)))
        with pytest.raises(PackageInUse, match="on web-1"):
            world.do(RemovePackageParams(name="api", version="1.0.0"))
    world.do(AttachAgent("web-1", ()))  # what it has is not forgotten by that
    with pytest.raises(PackageInUse, match="it is what is gone back to on web-1"):
        world.do(RemovePackageParams(name="api", version="1.0.0"))
    world.do(Installed("web-1", Installation(name="api", active="3.0.0", previous="2.0.0")))
    removed = world.do(RemovePackageParams(name="api", version="1.0.0", reason="old"))
    assert removed.events == (PackageRemoved(name="api", version="1.0.0", reason="old", revision=removed.revision),)
    with pytest.raises(PackageNotFound):
        world.do(RemovePackageParams(name="api", version="1.0.0"))
    assert world.do(package(sha256="b" * 64)).revision == removed.revision + 1
