"""Random changes: what is called compatible is, and what is called breaking breaks."""

from pathlib import Path

import pytest
from tests.codegen.mutations import mutated

from duologue_codegen.breaking.compare import compare_with
from duologue_codegen.breaking.exchange import Exchange
from duologue_codegen.breaking.rules import Level


def check(seed: int, folder: Path) -> bool:
    """Whether the change of that seed breaks something; either way it has to be true."""
    old, new = mutated(seed, folder)
    with Exchange(old, new) as exchange:
        comparison = compare_with(exchange, old, new, many=8)
        breaking = [
            finding for finding in comparison.findings if finding.breaks and finding.rule.level is not Level.VERSION
        ]
        # What is refused for another reason cannot show that it would be misread as well.
        assert breaking or not comparison.dropped, "a suspicion that nothing shows"
        for finding in breaking:
            assert finding.rule.id != "exchange-failed", finding
            assert finding.witness is not None
            assert exchange.fails(finding.witness), finding
        if not any(finding.rule.level is Level.WIRE for finding in breaking):
            assert not list(exchange.failures(seed=seed + 1, many=12))
    return bool(breaking)


@pytest.mark.parametrize("start", [0, 12])
def test_random_changes(tmp_path: Path, start: int) -> None:
    outcomes = [check(seed, tmp_path) for seed in range(start, start + 12)]
    assert 0 < sum(outcomes) < len(outcomes), "changes of both kinds"


@pytest.mark.long
@pytest.mark.parametrize("start", range(1000, 3000, 200))
def test_many_random_changes(tmp_path: Path, start: int) -> None:
    outcomes = [check(seed, tmp_path) for seed in range(start, start + 200)]
    assert 20 < sum(outcomes) < 190
