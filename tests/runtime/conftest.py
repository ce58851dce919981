"""Fixtures that several of the runtime's test files ask for."""

from __future__ import annotations

import pytest

import duologue.client.backoff


@pytest.fixture
def quick_back_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let clients come back at once, for tests in real time."""
    monkeypatch.setattr(duologue.client.backoff, "FIRST_DELAY", 0.005)
    monkeypatch.setattr(duologue.client.backoff, "LONGEST_DELAY", 0.02)
