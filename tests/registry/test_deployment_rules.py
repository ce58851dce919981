"""The rules for deployments: every order of steps, failures and time leads to an end, and to a whole version."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest
from tests.registry.test_rules import NOW, World, registration
from typing_extensions import override

from duologue import InvalidArgument
from duologue_registry.packages.manifest import MOST_PORTS, parse_manifest
from duologue_registry.rules.deployed import of_package
from duologue_registry.rules.folding import Folded, differences
from duologue_registry.rules.model import (
    AddPackage,
    AgentReport,
    AttachAgent,
    CancelDeployment,
    Change,
    Command,
    Installed,
    NodeAway,
    NodeFailed,
    NodeStepped,
    Outcome,
    StartDeployment,
    SyncService,
    TimeIsUp,
    Uninstalled,
)
from duologue_registry.rules.progress import all_next_steps, find_deployment, has_ended, next_steps
from service_registry_sdk import (
    DependencyCycle,
    Deployment,
    DeploymentNotFound,
    DeploymentRunning,
    DeploymentState,
    DeployPackageParams,
    Installation,
    NodeProgress,
    NothingToRollBack,
    PackageInfo,
    PackageInUse,
    PackageManifest,
    PackageNotFound,
    Remote,
    RemovePackageParams,
    RollbackParams,
    ServiceKind,
)

NODES = ["web-1", "web-2", "web-3", "web-4"]
DEADLINE = timedelta(minutes=9)
FIRST, SECOND = UUID(int=1), UUID(int=2)


def info(version: str, **manifest: Any) -> PackageInfo:
    fields: dict[str, Any] = {"type": ServiceKind.MANAGED_PROCESS, "ports": {"http": 80}, **manifest}
    return PackageInfo(
        manifest=PackageManifest(name="api", version=version, **fields),
        size=1,
        sha256="0" * 64,
        uploaded_at=NOW,
        uploaded_by="ann",
        revision=0,
    )


class Fleet(World):
    """Nodes with agents, and two versions of a package."""

    def __init__(self, **manifest: Any) -> None:
        super().__init__()
        self.now = NOW
        self.told = Folded(is_complete=True)
        for version in ("1.0.0", "1.1.0"):
            self.do(AddPackage(info(version, **manifest)))
        for node in NODES:
            self.do(AttachAgent(node, (ServiceKind.MANAGED_PROCESS,)))

    @override
    def do(self, command: Command, now: datetime = NOW) -> Outcome:
        outcome = super().do(command, now)
        for event in outcome.events:
            self.told.add(event, now, outcome.revision)
        return outcome

    def is_as_the_log_tells(self) -> bool:
        documents = {key: document for key, document in self.known.items() if document is not None}
        return not list(differences(self.told, list(self.records.values()), documents))

    def start(self, id_: UUID = FIRST, version: str = "1.1.0", nodes: list[str] = NODES, **more: Any) -> Deployment:
        fields: dict[str, Any] = {"version": version, "nodes": nodes, "deadline": DEADLINE, **more}
        params = DeployPackageParams(name="api", **fields)
        return self.do(StartDeployment(id_, "ann", params), self.now).written(Deployment)

    def deployment(self, id_: UUID = FIRST) -> Deployment:
        return find_deployment(self, id_)

    def node(self, name: str, id_: UUID = FIRST) -> NodeProgress:
        return next(node for node in self.deployment(id_).nodes if node.node == name)

    def settle(self, command: Any, id_: UUID = FIRST) -> None:
        """As the driver does: with what it makes of the services."""
        self.do(command, self.now)
        for node in self.deployment(id_).nodes:
            self.do(SyncService(id_, node.node), self.now)

    def step(self, name: str, id_: UUID = FIRST) -> None:
        self.settle(NodeStepped(id_, name, self.node(name, id_).state), id_)

    def fail(self, name: str, id_: UUID = FIRST) -> None:
        self.settle(NodeFailed(id_, name, self.node(name, id_).state, "it burns"), id_)

    def finish(self, id_: UUID = FIRST) -> Deployment:
        while not has_ended(self.deployment(id_)):
            for node in next_steps(self.deployment(id_)):
                self.step(node.node, id_)
        return self.deployment(id_)

    def versions(self) -> dict[str, str]:
        return {name: record.entry.version for name, record in self.records.items()}


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


def everywhere(version: str) -> dict[str, str]:
    return {f"api@{node}": version for node in NODES}


def test_a_deployment_goes_batch_by_batch_through_all_states(fleet: Fleet) -> None:
    fleet.start(batch=3)
    seen = [fleet.deployment().state]
    while not has_ended(fleet.deployment()):
        due = [node.node for node in next_steps(fleet.deployment())]
        assert due in (NODES[:3], NODES[3:])
        fleet.step(due[0])
        for name in due[1:]:
            fleet.step(name)
        seen.append(fleet.deployment().state)
    one = ["staged", "stopping", "starting", "verifying"]
    assert seen == ["uploaded", *one, "uploaded", *one, "done"]
    assert fleet.versions() == everywhere("1.1.0")
    entry = fleet.records["api@web-1"].entry
    assert (entry.location, entry.endpoints[0].address) == (Remote(host="web-1", node="web-1"), "web-1:80")


def test_a_failure_turns_everything_back_newest_first(fleet: Fleet) -> None:
    fleet.start(version="1.0.0")
    fleet.finish()
    fleet.start(SECOND, batch=1)
    for _ in range(5):
        fleet.step("web-1", SECOND)
    for _ in range(4):
        fleet.step("web-2", SECOND)
    assert fleet.versions() == {**everywhere("1.0.0"), "api@web-1": "1.1.0", "api@web-2": "1.1.0"}
    fleet.fail("web-2", SECOND)
    assert (fleet.deployment(SECOND).state, fleet.deployment(SECOND).message) == (
        "rolling_back",
        "web-2, verifying: it burns",
    )
    assert fleet.versions() == everywhere("1.0.0")
    assert [node.node for node in next_steps(fleet.deployment(SECOND))] == ["web-2"]
    fleet.step("web-2", SECOND)
    assert [node.node for node in next_steps(fleet.deployment(SECOND))] == ["web-1"]
    fleet.step("web-1", SECOND)
    assert fleet.deployment(SECOND).state == "rolled_back"
    assert [(node.state, node.is_touched) for node in fleet.deployment(SECOND).nodes] == [
        ("rolled_back", True),
        ("rolled_back", True),
        ("uploaded", False),
        ("uploaded", False),
    ]


def test_nobody_waits_for_who_is_away_on_the_way_back(fleet: Fleet) -> None:
    fleet.start(version="1.0.0")
    fleet.finish()
    fleet.start(SECOND)
    for _ in range(5):
        fleet.step("web-1", SECOND)
    fleet.do(NodeAway(SECOND, "web-2", is_away=True))
    fleet.settle(CancelDeployment(SECOND, "bob", "lunch"), SECOND)
    assert fleet.deployment(SECOND).message == "cancelled by bob: lunch"
    assert [node.node for node in next_steps(fleet.deployment(SECOND))] == ["web-2", "web-1"]
    fleet.step("web-1", SECOND)
    fleet.now += DEADLINE
    fleet.settle(TimeIsUp(SECOND), SECOND)
    ended = fleet.deployment(SECOND)
    assert (ended.state, ended.finished_at) == ("failed", fleet.now)
    assert [(node.state, node.message) for node in ended.nodes[:2]] == [
        ("rolled_back", None),
        ("failed", "its agent is away"),
    ]
    assert [(step.id, node.node) for step, node in all_next_steps(fleet)] == [(SECOND, "web-2")]
    fleet.step("web-2", SECOND)  # it has come back
    assert (fleet.node("web-2", SECOND).state, fleet.deployment(SECOND).state) == ("rolled_back", "failed")
    assert all_next_steps(fleet) == []


def test_a_first_deployment_that_fails_leaves_nothing(fleet: Fleet) -> None:
    fleet.start(nodes=["web-1"])
    for _ in range(3):
        fleet.step("web-1")
    assert fleet.versions() == {"api@web-1": "1.1.0"}
    fleet.fail("web-1")
    assert fleet.versions() == {"api@web-1": "1.1.0"}  # until it is stopped
    fleet.do(Installed("web-1", Installation(name="api", active="1.1.0")))
    fleet.do(Uninstalled("web-1", "api"))
    assert fleet.do(Uninstalled("web-1", "api")).change is Change.NOTHING
    fleet.step("web-1")
    assert fleet.versions() == {}
    assert fleet.is_as_the_log_tells()


def test_a_service_registered_by_hand_keeps_all_but_its_version(fleet: Fleet) -> None:
    fleet.do(registration("api", location=Remote(host="10.0.0.1", node="web-1"), tags=["blue"]))
    fleet.start(nodes=["web-1", "web-2"], batch=2)
    assert [node.service for node in fleet.deployment().nodes] == ["api", "api@web-2"]
    for _ in range(3):
        fleet.step("web-1")
    entry = fleet.records["api"].entry
    assert (entry.version, entry.tags, entry.execution.kind) == ("1.1.0", ["blue"], "managed_process")
    fleet.fail("web-1")
    assert fleet.records["api"].entry.version == "1.0.0"


def test_as_many_ports_as_a_package_may_have_become_endpoints() -> None:
    ports = "".join(f"  {number:064}: {8000 + number}\n" for number in range(MOST_PORTS))
    manifest = parse_manifest(f"name: api\nversion: 1.0.0\ntype: managed_process\nports:\n{ports}".encode())
    assert len(of_package(manifest, "api@n1", "n1").endpoints) == 64


def test_late_answers_change_nothing(fleet: Fleet) -> None:
    fleet.start()
    fleet.step("web-1")
    for late in (
        NodeStepped(FIRST, "web-1", DeploymentState.UPLOADED),
        NodeFailed(FIRST, "web-1", DeploymentState.UPLOADED, "late"),
        NodeStepped(FIRST, "web-2", DeploymentState.UPLOADED),  # of a batch that has not begun
        NodeStepped(FIRST, "elsewhere", DeploymentState.UPLOADED),
        NodeAway(FIRST, "web-1", is_away=False),
        TimeIsUp(FIRST),
    ):
        assert fleet.do(late, fleet.now).change is Change.NOTHING, late
    fleet.finish()
    assert fleet.do(CancelDeployment(FIRST, "bob"), fleet.now).change is Change.NOTHING
    with pytest.raises(DeploymentNotFound):
        fleet.do(CancelDeployment(SECOND, "bob"))


def test_one_deployment_of_a_package_at_a_time(fleet: Fleet) -> None:
    first = fleet.start()
    assert fleet.start() == first  # its caller asks again
    with pytest.raises(DeploymentRunning) as refused:
        fleet.start(SECOND)
    assert refused.value.details.id == FIRST
    with pytest.raises(PackageInUse, match=f"deployment {FIRST} is running"):
        fleet.do(RemovePackageParams(name="api", version="1.1.0"))
    fleet.do(RemovePackageParams(name="api", version="1.0.0"))


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"nodes": ["web-1", "web-1"]}, "web-1 stands there twice"),
        ({"nodes": ["other"]}, "no agent has ever attached as other"),
        ({"deadline": timedelta(milliseconds=1)}, "not between"),
        ({"deadline": timedelta(days=2)}, "not between"),
    ],
)
def test_what_cannot_be_begun(fleet: Fleet, more: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidArgument, match=why):
        fleet.start(**more)


def test_what_else_cannot_be_begun(fleet: Fleet) -> None:
    with pytest.raises(PackageNotFound):
        fleet.start(version="3.0.0")
    with pytest.raises(InvalidArgument, match="runs no services of the type systemd_service"):
        Fleet(type=ServiceKind.SYSTEMD_SERVICE).start()
    units = Fleet(type=ServiceKind.SYSTEMD_SERVICE)
    units.do(AttachAgent("web-1", (ServiceKind.SYSTEMD_SERVICE,)))
    with pytest.raises(InvalidArgument, match="register it first"):
        units.start(nodes=["web-1"])
    cyclic = Fleet(depends_on=["db"])
    cyclic.do(registration("db", depends_on=["api@web-2"]))
    with pytest.raises(DependencyCycle):
        cyclic.start()
    with pytest.raises(InvalidArgument, match="is on web-1 and nowhere else"):
        fleet.do(registration("api@web-1", location=Remote(host="h", node="web-2")))


def test_going_back_to_what_was_active_before(fleet: Fleet) -> None:
    def back(*nodes: str) -> Deployment:
        params = RollbackParams(name="api", nodes=list(nodes) or None, deadline=DEADLINE)
        return fleet.do(StartDeployment(SECOND, "ann", params)).written(Deployment)

    with pytest.raises(NothingToRollBack, match="no other was active before on any node"):
        back()
    fleet.do(Installed("web-2", Installation(name="api", active="1.1.0", previous="1.0.0")))
    fleet.do(Installed("web-3", Installation(name="api", active="1.0.0", previous="1.1.0")))
    with pytest.raises(NothingToRollBack, match=r"web-2 to 1.0.0, web-3 to 1.1.0: name the nodes"):
        back()
    with pytest.raises(NothingToRollBack, match="before on web-1"):
        back("web-1", "web-2")
    begun = back("web-2")
    assert (begun.version, begun.nodes[0].from_version) == ("1.0.0", "1.1.0")


def test_a_node_that_comes_back_with_another_version_is_put_right(fleet: Fleet) -> None:
    fleet.start(nodes=["web-1"])
    report = AgentReport("web-1", "api@web-1", "1.0.0")
    assert fleet.do(report).change is Change.NOTHING  # while it is on its way
    fleet.finish()
    for fine in (AgentReport("web-1", "api@web-1", "1.1.0"), AgentReport("web-1", "api@web-1", None)):
        assert fleet.do(fine).change is Change.NOTHING
    fleet.do(report)
    assert (fleet.node("web-1").state, fleet.node("web-1").message) == (
        "failed",
        "it has come back with 1.0.0, not 1.1.0",
    )
    assert [node.node for _, node in all_next_steps(fleet)] == ["web-1"]
    fleet.step("web-1")
    assert (fleet.node("web-1").state, fleet.deployment().state, fleet.node("web-1").message) == ("done", "done", None)


def test_a_node_is_put_right_by_the_newest_deployment_of_a_package_alone(fleet: Fleet) -> None:
    fleet.start(nodes=["web-1", "web-2"])
    fleet.finish()
    for node in ("web-1", "web-2"):
        fleet.do(AgentReport(node, f"api@{node}", "1.0.0"))
    assert [node.node for _, node in all_next_steps(fleet)] == ["web-1", "web-2"]
    fleet.start(SECOND, nodes=["web-2"])
    fleet.finish(SECOND)
    assert [(deployment.id, node.node) for deployment, node in all_next_steps(fleet)] == [(FIRST, "web-1")]


def test_so_many_are_kept_that_have_ended(fleet: Fleet) -> None:
    for number in range(25):
        id_ = uuid5(FIRST, str(number))
        fleet.start(id_, nodes=["web-1"], version=f"1.{number % 2}.0")
        fleet.finish(id_)
    assert len(fleet.documents(Deployment)) == 20
    with pytest.raises(DeploymentNotFound):
        fleet.deployment(uuid5(FIRST, "0"))


@pytest.mark.parametrize("seed", range(60))
def test_whatever_happens_it_ends_in_time_and_every_node_is_told_a_whole_version(seed: int) -> None:
    """Steps, failures, absences and cancels in any order, by somebody who forgets everything in between."""
    chance = random.Random(seed)
    fleet = Fleet()
    fleet.start(version="1.0.0", nodes=NODES[:3])
    fleet.finish()
    fleet.start(SECOND, batch=chance.randint(1, 4))
    while not has_ended(fleet.deployment(SECOND)):
        assert fleet.now <= fleet.deployment(SECOND).deadline
        fleet.now += timedelta(seconds=chance.choice([0, 1, 30, 90]))
        fleet.settle(TimeIsUp(SECOND), SECOND)
        node = chance.choice(NODES)
        match chance.choices(["step", "fail", "away", "cancel"], [12, 1, 2, 0.3])[0]:
            case "step":
                fleet.step(node, SECOND)
            case "fail":
                fleet.fail(node, SECOND)
            case "away":
                fleet.do(NodeAway(SECOND, node, is_away=chance.random() < 0.5), fleet.now)
            case _:
                fleet.settle(CancelDeployment(SECOND, "bob"), SECOND)
    ended = fleet.deployment(SECOND)
    assert ended.finished_at is not None
    assert fleet.is_as_the_log_tells()
    for _, late in all_next_steps(fleet):
        fleet.step(late.node, SECOND)
    states = {node.state for node in fleet.deployment(SECOND).nodes}
    if ended.state == DeploymentState.DONE:
        assert (states, fleet.versions()) == ({"done"}, everywhere("1.1.0"))
    else:
        assert states <= {"rolled_back", "uploaded"}
        assert fleet.versions() == {f"api@{node}": "1.0.0" for node in NODES[:3]}
    assert ended.is_cancelled == (ended.state == "cancelled") or ended.state == "failed"
