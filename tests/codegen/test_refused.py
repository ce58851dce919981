"""Every wrong spec is told exactly: a case is a folder with the spec and the text that it must end in."""

from pathlib import Path

import pytest

from duologue_codegen.compiler import compile_spec
from duologue_codegen.problems import SpecErrors

CASES = sorted(path.parent for path in Path(__file__).parent.glob("refused/*/spec.yaml"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_wrong_spec_is_told(case: Path) -> None:
    with pytest.raises(SpecErrors) as caught:
        compile_spec(case / "spec.yaml")
    assert caught.value.render("") + "\n" == (case / "stderr.txt").read_text(encoding="utf-8")


def test_cases_are_there() -> None:
    assert len(CASES) >= 50


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_problems_are_in_order_and_told_once(case: Path) -> None:
    with pytest.raises(SpecErrors) as caught:
        compile_spec(case / "spec.yaml")
    places = [(problem.file, problem.line, problem.column) for problem in caught.value.problems]
    assert places == sorted(places)
    assert len(set(caught.value.problems)) == len(places)
