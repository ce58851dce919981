"""Reading: filters, pages, and which endpoints are fit to be used."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from duologue import InvalidArgument, Model
from service_registry_sdk import (
    AuditRecord,
    Deployment,
    HealthStatus,
    ListDeploymentsParams,
    ListDeploymentsResult,
    ListEndpointsParams,
    ListEndpointsResult,
    ListEventsParams,
    ListEventsResult,
    ListPackagesParams,
    ListPackagesResult,
    ListServicesParams,
    ListServicesResult,
    PackageInfo,
    Remote,
    ResolvedEndpoint,
    ServiceState,
)

from ..rules.model import Health, Record
from ..storing.store import AuditQuery

PAGE_BYTES: Final = 512 * 1024
"""Of one page: half of the frame that every peer takes."""

_WORST_FIRST: Final[Sequence[Health]] = (
    HealthStatus.CRITICAL,
    HealthStatus.MAINTENANCE,
    HealthStatus.WARNING,
    HealthStatus.UNKNOWN,
    HealthStatus.PASSING,
)
_USABLE: Final = frozenset({HealthStatus.WARNING, HealthStatus.UNKNOWN, HealthStatus.PASSING})


# ---------------------------------------------------------------------------------------------------------------- pages
# A cursor names the last element of its page by a number that never changes and is never used again. So no page
# repeats or leaves out what was there throughout, whatever comes and goes in between.
_CURSOR: Final = re.compile(r"\w+:([1-9][0-9]{0,17})")


def encode_cursor(kind: str, number: int) -> str:
    """An opaque cursor; `kind` keeps one list's from being taken for another's."""
    return base64.urlsafe_b64encode(f"{kind}:{number}".encode()).decode().rstrip("=")


def decode_cursor(kind: str, cursor: str) -> int:
    """The number in a cursor; raises `InvalidArgument` for anything that `encode_cursor` does not make."""
    try:
        text = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, UnicodeError):
        text = ""
    match = _CURSOR.fullmatch(text)
    if match is None or encode_cursor(kind, int(match[1])) != cursor:
        raise InvalidArgument("cursor: not one of this list; give the `next_cursor` of the page before, as it is")
    return int(match[1])


def _fitting(page: Sequence[Model]) -> int:
    """How many of them go into one answer: at least one, and no more than `PAGE_BYTES` hold."""
    size = 0
    for count, model in enumerate(page):
        size += len(model.to_wire())
        if size > PAGE_BYTES:
            return max(count, 1)
    return len(page)


# ------------------------------------------------------------------------------------------------------------- services
def list_services(records: Iterable[Record], params: ListServicesParams, revision: int) -> ListServicesResult:
    """One page of the services that fit; `records` are in order of birth."""
    after = decode_cursor("services", params.cursor) if params.cursor is not None else 0
    wanted = _wanted(records, params, after)
    page = list(islice(wanted, params.limit))
    entries = [record.present() for record in page]
    count = _fitting(entries)
    more = count < len(page) or next(wanted, None) is not None
    return ListServicesResult(
        services=entries[:count],
        next_cursor=encode_cursor("services", page[count - 1].born) if more else None,
        revision=revision,
    )


def _wanted(records: Iterable[Record], params: ListServicesParams, after: int) -> Iterator[Record]:
    for record in records:
        entry = record.entry
        if (
            record.born > after
            and (params.state is None or entry.state in params.state)
            and (params.tag is None or params.tag in entry.tags)
            and (params.node is None or (isinstance(entry.location, Remote) and entry.location.node == params.node))
        ):
            yield record


# ------------------------------------------------------------------------------------------------------------ endpoints
def health_of(record: Record) -> Health:
    """The worst of the latest reports; a status that this version does not know comes right after the unusable ones."""
    statuses = {report.status for report in record.health.values()}
    newer = sorted(status for status in statuses if status not in _WORST_FIRST)
    for status in (*_WORST_FIRST[:2], *newer, *_WORST_FIRST[2:]):
        if status in statuses:
            return status
    return HealthStatus.UNKNOWN


def resolve(record: Record, params: ListEndpointsParams, revision: int) -> ListEndpointsResult:
    """The endpoints of a running service none of whose checks speaks against it."""
    entry, health = record.entry, health_of(record)
    usable = entry.state is ServiceState.RUNNING and health in _USABLE
    wanted = entry.endpoints if usable or params.include_unhealthy else []
    return ListEndpointsResult(
        endpoints=[
            ResolvedEndpoint(
                service=entry.name, version=entry.version, endpoint=endpoint, state=entry.state, health=health
            )
            for endpoint in wanted
            if params.protocol is None or endpoint.protocol == params.protocol
        ],
        revision=revision,
    )


# ------------------------------------------------------------------------------------------------------------- packages
def list_packages(packages: Iterable[PackageInfo], params: ListPackagesParams, revision: int) -> ListPackagesResult:
    """One page of the packages, oldest first."""
    after = decode_cursor("packages", params.cursor) if params.cursor is not None else 0
    found = [info for info in packages if info.revision > after and params.name in (None, info.manifest.name)]
    page = found[: params.limit]
    page = page[: _fitting(page)]
    more = len(found) > len(page)
    return ListPackagesResult(
        packages=page,
        next_cursor=encode_cursor("packages", page[-1].revision) if more else None,
        revision=revision,
    )


# ---------------------------------------------------------------------------------------------------------- deployments
def list_deployments(deployments: Sequence[Deployment], params: ListDeploymentsParams) -> ListDeploymentsResult:
    """The newest, as many as were asked for and fit into one answer."""
    found = [each for each in reversed(deployments) if params.name in (None, each.name)][: params.limit]
    return ListDeploymentsResult(deployments=found[: _fitting(found)])


# ---------------------------------------------------------------------------------------------------------------- audit
def audit_query(params: ListEventsParams) -> AuditQuery:
    """The query for one page and one record more, which tells whether there is another page."""
    return AuditQuery(
        limit=params.limit + 1,
        before=decode_cursor("events", params.cursor) if params.cursor is not None else None,
        service=params.service,
        actor=params.actor,
        since=params.since,
        until=params.until,
    )


def audit_page(found: Sequence[AuditRecord], params: ListEventsParams) -> ListEventsResult:
    """The page out of what `audit_query` found."""
    page = list(found[: params.limit])
    page = page[: _fitting(page)]
    more = len(found) > len(page)
    return ListEventsResult(records=page, next_cursor=encode_cursor("events", page[-1].seq) if more else None)
