"""pytest plugin: a test marked `duologue_seeds` runs in a simulation, once for each seed.

Whoever has installed `duologue` has it; a failure says with which seed to repeat it.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:  # every run of pytest imports this module
    from .simulation import Simulation

MARK: Final = "duologue_seeds"
FIXTURE: Final = "simulation"
COUNT: Final = 100


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("duologue")
    group.addoption("--duologue-seed", type=int, metavar="N", help="run simulated tests with this seed alone")
    group.addoption("--duologue-seeds", type=int, metavar="COUNT", help="run simulated tests with so many seeds each")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        f"{MARK}(count={COUNT}, first=0, **options): run the test in a simulation, once for each seed;"
        " the options are those of duologue.testing.simulate",
    )


@pytest.fixture
def simulation(request: pytest.FixtureRequest) -> Simulation:
    """The simulation that the test runs in: another one for each seed."""
    if request.node.get_closest_marker(MARK) is None:
        pytest.fail(f"the fixture `{FIXTURE}` needs the mark: @pytest.mark.{MARK}(100)", pytrace=False)
    placeholder: Any = None
    return placeholder  # type: ignore[no-any-return]


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a marked test; all of its other fixtures are shared by its seeds."""
    mark = pyfuncitem.get_closest_marker(MARK)
    if mark is None:
        return None
    arguments: Sequence[str] = inspect.getfullargspec(pyfuncitem.obj).args
    if FIXTURE not in arguments or not inspect.iscoroutinefunction(pyfuncitem.obj):
        pytest.fail(f"a test marked {MARK} is an `async def` that asks for `{FIXTURE}`", pytrace=False)
    _run(pyfuncitem, {name: pyfuncitem.funcargs[name] for name in arguments if name in pyfuncitem.funcargs}, mark)
    return True


def _run(item: pytest.Function, arguments: dict[str, Any], mark: pytest.Mark) -> None:
    from .simulation import SimulationFailed, simulate

    for seed, options in _runs(item.config, *mark.args, **mark.kwargs):
        try:
            simulate(lambda simulation: item.obj(**{**arguments, FIXTURE: simulation}), seed, **options)
        except SimulationFailed as failure:
            error = failure.__cause__ or failure
            error.add_note(f'seed {seed}; to repeat it: pytest "{item.nodeid}" --duologue-seed={seed}')
            raise error from None


def _runs(
    config: pytest.Config, count: int = COUNT, first: int = 0, **options: Any
) -> Sequence[tuple[int, dict[str, Any]]]:
    one: int | None = config.getoption("--duologue-seed")
    many: int | None = config.getoption("--duologue-seeds")
    if one is not None:
        return [(one, options)]
    return [(seed, options) for seed in range(first, first + (count if many is None else many))]
