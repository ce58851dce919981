"""Whether a service that was deployed is what it should be: its health, asked again and again, and its package."""

from __future__ import annotations

from typing import Final

import anyio

from service_registry_sdk import BadPackage, HealthCheck, Verification, VerifyServiceParams

from ..packages.manifest import FILE_NAME, parse_manifest
from ..packages.unpacking import unpacked_digest
from .executor import Unit
from .health import ask
from .supervisor import Supervisor

LOOK_EVERY: Final = 1.0
"""Seconds between two looks at a service that has no check of its health."""


def checks_of(unit: Unit) -> list[HealthCheck]:
    """What a service is asked: as it is registered, else as its package says."""
    if unit.entry.checks:
        return unit.entry.checks
    try:
        health = parse_manifest((unit.folder / FILE_NAME).read_bytes()).health
    except (OSError, BadPackage):
        return []
    return [] if health is None else [health]


async def verify(supervisor: Supervisor, params: VerifyServiceParams) -> Verification:
    """Look at a service until it was right often enough in a row; one that was started anew meanwhile begins anew."""
    in_a_row, starts, wrong = 0, supervisor.starts, "there was no time to look at it"
    with anyio.move_on_after(params.within.total_seconds()):
        while True:
            found = await _what_is_wrong(supervisor, params)
            if found is not None:
                wrong = found
            in_a_row = in_a_row + 1 if found is None and supervisor.starts == starts else 0
            starts = supervisor.starts
            if in_a_row == params.healthy:
                return Verification(is_healthy=True)
            if supervisor.is_given_up:
                break
            checks = checks_of(supervisor.unit)
            await anyio.sleep(min((check.interval.total_seconds() for check in checks), default=LOOK_EVERY))
    return Verification(is_healthy=False, message=wrong)


async def _what_is_wrong(supervisor: Supervisor, params: VerifyServiceParams) -> str | None:
    unit, seen = supervisor.unit, supervisor.seen
    if not seen.is_running:
        return f"it is {seen.state}" + (f": {seen.reason}" if seen.reason else "")
    if unit.entry.version != params.entry.version:
        return f"it runs as {unit.entry.version}, not {params.entry.version}"
    if unpacked_digest(unit.folder) != params.sha256:
        return f"what runs is not the package of {params.entry.version}"
    for check in checks_of(unit):
        answer = await ask(check, unit)
        if not answer.passed:
            return f"{check.name}: {answer.output or answer.status}"
    return None
