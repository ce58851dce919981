"""What the registry does by itself and only tells: it is in the log, and changes nothing else."""

from __future__ import annotations

from typing import Final

from duologue import Event
from service_registry_sdk import ExpiryPaused, ExpiryResumed, LogPruned

from .model import Change, Outcome, PauseExpiry, PruneLog, ResumeExpiry, View

NAME: Final = "registry"
"""What it is logged under."""


def note(view: View, command: PruneLog | PauseExpiry | ResumeExpiry) -> Outcome:
    """Tell of it."""
    revision = view.revision + 1
    reason: str | None = None
    told: Event
    match command:
        case PruneLog(first=first, entries=entries):
            reason = command.reason
            told = LogPruned(first=first, entries=entries, revision=revision)
        case PauseExpiry(overdue=overdue, leases=leases, until=until):
            told = ExpiryPaused(overdue=overdue, leases=leases, until=until, revision=revision)
        case ResumeExpiry(overdue=overdue, leases=leases):
            told = ExpiryResumed(overdue=overdue, leases=leases, revision=revision)
    return Outcome(name=NAME, change=Change.DOCUMENT, record=None, revision=revision, events=(told,), reason=reason)
