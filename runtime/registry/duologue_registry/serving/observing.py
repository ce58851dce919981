"""What a registry tells of itself while it runs: its numbers, whether it is ready, and its log."""

from __future__ import annotations

import logging
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from duologue import LogObserver, Metrics, Observer, Probes
from duologue.observing.lines import FORMATTERS

from ..storing.store import Store
from .protection import Protection
from .steady import SteadyHandler


@dataclass(frozen=True, slots=True, kw_only=True)
class Observing:
    """What `serve` was told of how it is to be observed.

    Attributes:
        log_format: `text` or `json`.
        metrics_token: What `/metrics` asks for; without one this machine alone may read it.
    """

    log_format: str = "text"
    log_level: str = "warning"
    metrics_token: str | None = field(default=None, repr=False)


def start_log(observing: Observing) -> None:
    """Write the log to standard error."""
    handler = SteadyHandler(sys.stderr)
    handler.setFormatter(FORMATTERS[observing.log_format]())
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    for ours in ("duologue", "duologue_registry"):  # others say more than an operator wants to know
        logging.getLogger(ours).setLevel(observing.log_level.upper())


def observers_of(store: Store, protection: Protection, observing: Observing) -> tuple[Sequence[Observer], Probes]:
    """Who is told what a registry on this store does, and what it answers to plain HTTP."""
    metrics = Metrics()
    metrics.gauge("registry_services", "Services by their state.", lambda: _by_state(store), labels=["state"])
    metrics.gauge("registry_revision", "Mutations so far.", lambda: {(): store.revision})
    metrics.gauge(
        "registry_read_only",
        "1 when the disk has failed and no more changes are taken.",
        lambda: {(): store.read_only is not None},
    )
    metrics.gauge(
        "registry_expiry_paused",
        "1 while the ends of leases are held back.",
        lambda: {(): protection.active},
    )
    metrics.gauge(
        "registry_leases_overdue",
        "Leases that have run out and were not ended.",
        lambda: {(): protection.told().overdue},
    )
    metrics.gauge(
        "registry_log_entries", "Entries of the log that are kept.", lambda: {(): store.position.seq - store.first + 1}
    )
    probes = Probes(
        metrics=metrics,
        metrics_token=observing.metrics_token,
        not_ready=lambda: None if store.read_only is None else "the disk has failed: no more changes are taken",
        remark=lambda: _remark(protection),
    )
    return [LogObserver(), metrics], probes


def _remark(protection: Protection) -> str | None:
    if not protection.active:
        return None
    told = protection.told()
    return f"{told.overdue} of {told.leases} leases have run out at once: none is ended until {told.until:%H:%M:%S} UTC"


def _by_state(store: Store) -> Mapping[tuple[str, ...], float]:
    return Counter((str(record.entry.state),) for record in store.snapshot())
