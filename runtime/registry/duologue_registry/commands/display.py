"""Tables for people: aligned, coloured on a terminal, plain everywhere else."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import click

from duologue import Model
from service_registry_sdk import (
    AuditRecord,
    DeploymentState,
    DockerContainer,
    Endpoint,
    HealthStatus,
    ListEndpointsResult,
    Local,
    ManagedProcess,
    Remote,
    ServiceEntry,
    ServiceState,
    SystemdService,
)

from ..rules.model import Health

_COLOURS: Final[dict[str, str]] = {
    ServiceState.RUNNING: "green",
    ServiceState.STARTING: "cyan",
    ServiceState.STOPPING: "cyan",
    ServiceState.FAILED: "red",
    HealthStatus.PASSING: "green",
    HealthStatus.WARNING: "yellow",
    HealthStatus.MAINTENANCE: "yellow",
    HealthStatus.CRITICAL: "red",
    DeploymentState.DONE: "green",
    DeploymentState.VERIFYING: "cyan",
    DeploymentState.ROLLING_BACK: "yellow",
    DeploymentState.ROLLED_BACK: "yellow",
    DeploymentState.CANCELLED: "yellow",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """Text, and how it looks on a terminal."""

    text: str
    colour: str | None = None
    dim: bool = False


def coloured(value: str) -> Cell:
    """A state or health in its colour."""
    return Cell(value, _COLOURS.get(value))


def table(headers: Sequence[str], rows: Iterable[Sequence[Cell | str]]) -> list[str]:
    """Lines with aligned columns; the last column is as wide as it needs."""
    cells = [[cell if isinstance(cell, Cell) else Cell(cell) for cell in row] for row in rows]
    widths = [max(len(header), *(len(row[i].text) for row in cells), 0) for i, header in enumerate(headers)]
    lines = [_line([Cell(header, dim=True) for header in headers], widths)]
    return lines + [_line(row, widths) for row in cells]


def _line(row: Sequence[Cell], widths: Sequence[int]) -> str:
    last = len(row) - 1
    return "  ".join(
        click.style(cell.text, fg=cell.colour, dim=cell.dim or None)
        + " " * (0 if i == last else width - len(cell.text))
        for i, (cell, width) in enumerate(zip(row, widths, strict=True))
    ).rstrip()


def printable(text: str) -> str:
    """Text of others for a terminal: nothing in it moves the cursor or starts a line."""
    return "".join(char if char.isprintable() else "�" for char in text)


def age(moment: datetime, now: datetime | None = None) -> str:
    """How long ago, in one unit."""
    seconds = int(((now or datetime.now(UTC)) - moment).total_seconds())
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{max(seconds, 0)} s"


def size_text(size: int) -> str:
    """Bytes, in the unit that suits them."""
    if size < 1024:
        return f"{size} B"
    value, units = size / 1024, ["KiB", "MiB", "GiB"]
    while value >= 1024 and len(units) > 1:
        value, units = value / 1024, units[1:]
    return f"{value:.1f} {units[0]}"


# ------------------------------------------------------------------------------------------------------------- services
SERVICE_HEADERS: Final = ("NAME", "VERSION", "STATE", "SINCE", "HEALTH", "ENDPOINTS")


def service_row(entry: ServiceEntry, now: datetime | None = None) -> list[Cell | str]:
    """One line of the list of services."""
    return [
        entry.name,
        entry.version,
        coloured(entry.state),
        Cell(age(entry.last_state_change, now), dim=True),
        coloured(entry.last_health_check.status) if entry.last_health_check else Cell("-", dim=True),
        printable(" ".join(map(_endpoint, entry.endpoints))) or Cell("-", dim=True),
    ]


def _endpoint(endpoint: Endpoint) -> str:
    return endpoint.address if "://" in endpoint.address else f"{endpoint.protocol}://{endpoint.address}"


def service_details(entry: ServiceEntry) -> list[str]:
    """Everything about one service."""
    lines = [
        ("name", entry.name),
        ("version", entry.version),
        ("state", click.style(entry.state, fg=_COLOURS.get(entry.state)) + _because(entry.state_reason)),
        ("since", f"{entry.last_state_change:%Y-%m-%d %H:%M:%S %Z} ({age(entry.last_state_change)} ago)"),
        ("registered", f"{entry.registered_at:%Y-%m-%d %H:%M:%S %Z}"),
        ("execution", printable(_execution(entry))),
        ("location", printable(_location(entry))),
        *(("endpoint", printable(f"{endpoint.name}: {_endpoint(endpoint)}")) for endpoint in entry.endpoints),
        ("depends on", ", ".join(entry.depends_on)),
        ("tags", printable(", ".join(entry.tags))),
        *(("metadata", printable(f"{key}={value}")) for key, value in sorted(entry.metadata.items())),
        ("lease", f"{entry.lease.total_seconds():g} s" if entry.lease else ""),
        *(_health_line(report.check, report.status, report.output) for report in entry.health or ()),
        ("revision", str(entry.revision)),
    ]
    return [f"{click.style(f'{name:<10}', dim=True)}  {text}" for name, text in lines if text]


def _because(reason: str | None) -> str:
    return f" ({printable(reason)})" if reason else ""


def _health_line(check: str, status: Health, output: str | None) -> tuple[str, str]:
    return "health", printable(check) + ": " + click.style(status, fg=_COLOURS.get(status)) + _because(output)


def _execution(entry: ServiceEntry) -> str:
    match entry.execution:
        case ManagedProcess(command=command, pid=pid):
            return f"process: {' '.join(command)}" + (f" (pid {pid})" if pid else "")
        case DockerContainer(container_id=container, image=image):
            return f"container: {container} from {image}"
        case SystemdService(unit_name=unit):
            return f"systemd: {unit}"
        case newer:
            return f"{newer.kind}, which this version does not know"


def _location(entry: ServiceEntry) -> str:
    match entry.location:
        case Local():
            return "local"
        case Remote(host=host, node=node):
            return host + (f" ({node})" if node else "")
        case newer:
            return f"{newer.kind}, which this version does not know"


def endpoint_lines(result: ListEndpointsResult) -> list[str]:
    """The endpoints that a name resolves to."""
    rows: list[list[Cell | str]] = [
        [
            printable(one.endpoint.name),
            printable(_endpoint(one.endpoint)),
            one.version,
            coloured(one.state),
            coloured(one.health),
        ]
        for one in result.endpoints
    ]
    return table(("NAME", "ADDRESS", "VERSION", "STATE", "HEALTH"), rows)


# ---------------------------------------------------------------------------------------------------------------- audit
def audit_lines(records: Sequence[AuditRecord]) -> list[str]:
    """The log, oldest of them first."""
    rows: list[list[Cell | str]] = [
        [
            str(record.seq),
            Cell(f"{record.at:%Y-%m-%d %H:%M:%S}", dim=True),
            printable(record.actor),
            record.event,
            printable(_what(record.data)),
            Cell(printable(_shortened(record.request_key or "-")), dim=True),
            printable(record.reason or ""),
        ]
        for record in reversed(records)
    ]
    return table(("SEQ", "TIME (UTC)", "ACTOR", "EVENT", "WHAT", "REQUEST", "REASON"), rows)


def _shortened(key: str) -> str:
    """Enough of an idempotency key to tell the requests of a page apart; `--json` has all of it."""
    return key if len(key) <= 9 else f"{key[:8]}…"


def _what(data: Any) -> str:
    if "first" in data:
        return f"{data['entries']} entries before {data['first']}"
    if "overdue" in data:
        return f"{data['overdue']} of {data['leases']} leases are overdue"
    package = data.get("package")
    if package:
        return f"{package['manifest']['name']} {package['manifest']['version']}"
    if "step" in data:
        step = data["step"]
        where = f"{step['node']['node']} {step['node']['state']}" if "node" in step else step["state"]
        return f"{step['name']} {step['version']} {where}"
    if "command" in data:
        return f"{data['name']} {data['command']}"
    if "lease_epoch" in data:
        return f"{data['node']} epoch {data['lease_epoch']}"
    if "version" in data:
        return f"{data['name']} {data['version']}"
    entry = data.get("entry")
    if entry:
        return f"{entry['name']} {entry['version']}"
    name = data.get("name") or data.get("service") or ""
    if "old" in data:
        return f"{name} {data['old']} → {data['new']}"
    if "endpoints" in data:
        return f"{name} {' '.join(one['address'] for one in data['endpoints']) or 'none'}"
    return str(name)


# ----------------------------------------------------------------------------------------------------------------- JSON
def echo_json(value: Model | dict[str, Any], **more: Any) -> None:
    """One JSON document on one line."""
    data = json.loads(value.to_wire()) if isinstance(value, Model) else value
    click.echo(json.dumps({**data, **more}, ensure_ascii=False))
    sys.stdout.flush()
