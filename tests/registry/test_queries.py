"""Filters, pages and resolution."""

from __future__ import annotations

import base64
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from duologue import InvalidArgument, UnknownValue
from duologue_registry.rules.model import Record
from duologue_registry.serving.queries import (
    PAGE_BYTES,
    audit_page,
    decode_cursor,
    encode_cursor,
    health_of,
    list_services,
    resolve,
)
from service_registry_sdk import (
    AuditRecord,
    Endpoint,
    EndpointProtocol,
    HealthReport,
    HealthStatus,
    ListEndpointsParams,
    ListEventsParams,
    ListServicesParams,
    Local,
    ManagedProcess,
    Remote,
    ServiceEntry,
    ServiceState,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PUBLIC = Endpoint(name="public", address="10.0.0.7:8080", protocol=EndpointProtocol.HTTP)
ADMIN = Endpoint(name="admin", address="10.0.0.7:9090", protocol=EndpointProtocol.GRPC)


def record(name: str, born: int = 1, *, health: Sequence[HealthStatus | UnknownValue] = (), **changes: Any) -> Record:
    fields: dict[str, Any] = {
        "name": name,
        "version": "1.0.0",
        "execution": ManagedProcess(command=["bin/api"]),
        "location": Local(),
        "endpoints": [PUBLIC, ADMIN],
        "state": ServiceState.RUNNING,
        "registered_at": NOW,
        "last_state_change": NOW,
        "revision": born,
    }
    reports = {
        f"c{number}": HealthReport(check=f"c{number}", status=status, checked_at=NOW)
        for number, status in enumerate(health)
    }
    return Record(entry=ServiceEntry(**{**fields, **changes}), born=born, health=reports)


def names(records: Sequence[Record], **params: Any) -> list[str]:
    return [entry.name for entry in list_services(records, ListServicesParams(**params), 9).services]


def test_filters() -> None:
    records = [
        record("a", 1, tags=["blue"]),
        record("b", 2, state=ServiceState.FAILED, tags=["blue", "green"]),
        record("c", 3, location=Remote(host="h", node="web-1")),
        record("d", 4, location=Remote(host="web-1")),
    ]
    assert names(records) == ["a", "b", "c", "d"]
    assert names(records, tag="blue") == ["a", "b"]
    assert names(records, state=[ServiceState.FAILED]) == ["b"]
    assert names(records, state=[ServiceState.FAILED, ServiceState.RUNNING], tag="blue") == ["a", "b"]
    assert names(records, state=[]) == []
    assert names(records, state=[UnknownValue("hibernating")]) == []
    assert names(records, node="web-1") == ["c"]


def test_the_last_page_says_so() -> None:
    records = [record(f"s{born}", born) for born in (1, 2, 3, 4)]
    first = list_services(records, ListServicesParams(limit=2), 9)
    assert first.revision == 9
    assert first.next_cursor is not None
    second = list_services(records, ListServicesParams(limit=2, cursor=first.next_cursor), 9)
    assert [entry.name for entry in second.services] == ["s3", "s4"]
    assert second.next_cursor is None


@pytest.mark.parametrize("limit", range(1, 7))
def test_pages_of_every_size_hold_everything_once(limit: int) -> None:
    records = [record(f"s{born}", born) for born in (2, 3, 5, 8, 13)]
    page = list_services(records, ListServicesParams(limit=limit), 9)
    seen = [entry.name for entry in page.services]
    while page.next_cursor is not None:
        page = list_services(records, ListServicesParams(limit=limit, cursor=page.next_cursor), 9)
        assert page.services, "a page that is announced is not empty"
        seen += [entry.name for entry in page.services]
    assert seen == ["s2", "s3", "s5", "s8", "s13"]


def test_a_page_fits_into_a_message() -> None:
    long = {"notes": "x" * 60_000}
    records = [record(f"s{born}", born, metadata=long) for born in range(1, 41)]
    page = list_services(records, ListServicesParams(limit=500), 9)
    assert len(page.to_wire()) <= PAGE_BYTES + 1000
    seen = [entry.name for entry in page.services]
    while page.next_cursor is not None:
        page = list_services(records, ListServicesParams(limit=500, cursor=page.next_cursor), 9)
        seen += [entry.name for entry in page.services]
    assert seen == [f"s{born}" for born in range(1, 41)]
    huge = [record("a", 1, metadata={"notes": "x" * (PAGE_BYTES + 1)}), record("b", 2)]
    page = list_services(huge, ListServicesParams(), 9)
    assert [entry.name for entry in page.services] == ["a"]
    assert page.next_cursor is not None


def test_a_page_of_the_log_fits_into_a_message() -> None:
    found = [
        AuditRecord(seq=seq, at=NOW, actor="ann", revision=seq, event="service_registered", data={"x": "x" * 60_000})
        for seq in range(40, 0, -1)
    ]
    page = audit_page(found, ListEventsParams(limit=500))
    assert 0 < len(page.records) < 40
    assert page.next_cursor == encode_cursor("events", page.records[-1].seq)


def test_pages_are_stable_under_change() -> None:
    """Whatever comes and goes: what was there throughout is seen once."""
    chance = random.Random(7)
    for _ in range(200):
        records = [record(f"s{born}", born) for born in range(1, 30)]
        born, cursor, seen, throughout = 30, None, list[str](), {r.entry.name for r in records}
        while True:
            page = list_services(records, ListServicesParams(limit=chance.randint(1, 7), cursor=cursor), 9)
            seen += [entry.name for entry in page.services]
            cursor = page.next_cursor
            if cursor is None:
                break
            gone = records.pop(chance.randrange(len(records)))
            throughout.discard(gone.entry.name)
            records.append(record(f"s{born}", born))
            born += 1
            if born > 60:
                break
        assert len(seen) == len(set(seen))
        if cursor is None:
            assert throughout <= set(seen)


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "äöü",
        "services:3",
        encode_cursor("events", 3),
        encode_cursor("services", 3) + "=",
        encode_cursor("services", 3) + "AA",
        encode_cursor("services", 0),
        encode_cursor("services", -3),
        base64.urlsafe_b64encode("services:٣".encode()).decode().rstrip("="),
        base64.urlsafe_b64encode(b"services:" + b"9" * 100).decode().rstrip("="),
        base64.urlsafe_b64encode(b"services:\xff").decode().rstrip("="),
    ],
)
def test_a_cursor_of_somebody_elses(cursor: str) -> None:
    with pytest.raises(InvalidArgument, match="next_cursor"):
        decode_cursor("services", cursor)


def test_cursors_are_read_as_written() -> None:
    for number in (1, 2, 63, 10**9, 2**53):
        assert decode_cursor("services", encode_cursor("services", number)) == number


PASSING, WARNING, CRITICAL = HealthStatus.PASSING, HealthStatus.WARNING, HealthStatus.CRITICAL
MAINTENANCE, UNKNOWN, NEWER = HealthStatus.MAINTENANCE, HealthStatus.UNKNOWN, UnknownValue("on-fire")


@pytest.mark.parametrize(
    ("reports", "health", "usable"),
    [
        ([], UNKNOWN, True),
        ([PASSING], PASSING, True),
        ([PASSING, UNKNOWN], UNKNOWN, True),
        ([PASSING, UNKNOWN, WARNING], WARNING, True),
        ([WARNING, NEWER], NEWER, False),
        ([NEWER, MAINTENANCE], MAINTENANCE, False),
        ([MAINTENANCE, CRITICAL, PASSING], CRITICAL, False),
    ],
)
def test_health_is_the_worst(
    reports: list[HealthStatus | UnknownValue], health: HealthStatus | UnknownValue, usable: bool
) -> None:
    api = record("api", health=reports)
    assert health_of(api) == health
    found = resolve(api, ListEndpointsParams(name="api"), 9)
    assert [resolved.endpoint for resolved in found.endpoints] == ([PUBLIC, ADMIN] if usable else [])
    everything = resolve(api, ListEndpointsParams(name="api", include_unhealthy=True), 9)
    assert [resolved.health for resolved in everything.endpoints] == [health, health]


@pytest.mark.parametrize("state", list(ServiceState))
def test_only_running_services_resolve(state: ServiceState) -> None:
    api = record("api", state=state, health=[PASSING])
    found = resolve(api, ListEndpointsParams(name="api"), 9)
    assert bool(found.endpoints) == (state is ServiceState.RUNNING)
    everything = resolve(api, ListEndpointsParams(name="api", include_unhealthy=True), 9)
    assert [resolved.state for resolved in everything.endpoints] == [state, state]


def test_resolving_for_a_protocol() -> None:
    found = resolve(record("api"), ListEndpointsParams(name="api", protocol=EndpointProtocol.GRPC), 9)
    assert [resolved.endpoint for resolved in found.endpoints] == [ADMIN]
    assert found.revision == 9
