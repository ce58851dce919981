"""Names of a package that are loaded when they are asked for: to whoever imports them they are like any others."""

from __future__ import annotations

import ast
import pickle
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import duologue
import service_registry_sdk
from duologue import CallError, Later, Limits, NotFound, exported_later

PACKAGES = pytest.mark.parametrize("package", [duologue, service_registry_sdk], ids=lambda package: package.__name__)
AT_ONCE = {Later, exported_later}
"""Whatever loads the others cannot itself be loaded later."""

PROGRAM = """
import sys
from service_registry_sdk import Registry{end}
print(*(name for name in sys.modules if name.startswith(("duologue.", "service_registry_sdk."))))
"""


def imports_for_types(package: ModuleType) -> dict[str, str]:
    """What type checkers are told: each name, and the module of the package that has it."""
    [block] = [
        node
        for node in ast.parse(Path(str(package.__file__)).read_text(encoding="utf-8")).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    return {
        alias.name: f"{package.__name__}.{node.module}"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


@PACKAGES
def test_every_name_is_what_type_checkers_take_it_for(package: ModuleType) -> None:
    told = imports_for_types(package)
    for name, module in told.items():
        assert getattr(package, name) is getattr(import_module(module), name), name
    rest = set(package.__all__) - told.keys()
    assert {getattr(package, name) for name in rest} <= AT_ONCE
    assert told.keys() <= set(package.__all__)


@PACKAGES
def test_all_of_them_are_listed_and_imported_with_a_star(package: ModuleType) -> None:
    assert set(package.__all__) <= set(dir(package))
    found: dict[str, object] = {}
    exec(f"from {package.__name__} import *", found)
    assert found.keys() - {"__builtins__"} == set(package.__all__)


@PACKAGES
def test_a_name_that_there_is_not_is_missed_as_in_any_module(package: ModuleType) -> None:
    with pytest.raises(AttributeError, match=f"module '{package.__name__}' has no attribute 'Nothing'"):
        _ = package.Nothing
    with pytest.raises(ImportError, match="cannot import name 'Nothing'"):
        exec(f"from {package.__name__} import Nothing")


def test_what_is_loaded_later_is_pickled_as_ever() -> None:
    assert pickle.loads(pickle.dumps([Limits(frame=5), NotFound])) == [Limits(frame=5), NotFound]
    assert issubclass(NotFound, CallError)


def loaded_by(end: str) -> set[str]:
    """The modules of ours that a program has loaded that imports one class."""
    program = [sys.executable, "-c", PROGRAM.format(end=end)]
    return set(subprocess.run(program, capture_output=True, text=True, timeout=60, check=True).stdout.split())


def test_a_client_loads_nothing_of_a_server() -> None:
    loaded = loaded_by("Client")
    assert {"duologue.client.client", "service_registry_sdk.models"} <= loaded
    servers = {
        "duologue.access.jwt_tokens",
        "duologue.handling.describing",
        "duologue.observing.metrics",
        "duologue.observing.probes",
        "duologue.server",
        "service_registry_sdk.peer",
        "service_registry_sdk.server",
    }
    assert loaded & servers == set()
