"""Generated classes may be asked for their annotations, as frameworks for dependency injection and documents do."""

from __future__ import annotations

import importlib
import pkgutil
import typing
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest
from tests.generated import generated

GOLDEN = Path(__file__).parent / "golden"


def modules(package: ModuleType) -> list[ModuleType]:
    found = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    return [package, *(importlib.import_module(one.name) for one in found)]


def annotated(package: ModuleType) -> list[Any]:
    """The classes of a package, and their methods."""
    classes = {
        value: None
        for module in modules(package)
        for value in vars(module).values()
        if isinstance(value, type) and value.__module__.startswith(package.__name__)
    }
    methods = [getattr(value, "__func__", value) for cls in classes for value in tuple(vars(cls).values())]
    return [*classes, *(method for method in methods if isinstance(method, FunctionType))]


@pytest.mark.parametrize("case", ["everything", "foreign", "one_way"])
def test_hints_can_be_read(case: str) -> None:
    package = generated(GOLDEN / case / "spec.yaml")
    every = annotated(package)
    assert any(isinstance(one, type) and one.__name__.endswith("Service") for one in every)
    for one in every:
        typing.get_type_hints(one)
