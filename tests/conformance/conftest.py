"""What the proofs over real sockets share."""

import pytest

import duologue.client.backoff


@pytest.fixture(autouse=True)
def quick_back_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw the pauses between attempts to connect from milliseconds: there is one at each of thousands of cuts."""
    monkeypatch.setattr(duologue.client.backoff, "FIRST_DELAY", 0.002)
    monkeypatch.setattr(duologue.client.backoff, "LONGEST_DELAY", 0.02)
