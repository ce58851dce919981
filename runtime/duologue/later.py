"""Names that are looked up when they are first needed: what lets a namespace of a protocol be loaded when it is used.

Namespaces may refer to each other in circles, so their modules cannot import each other while they are loaded. Type
checkers read an import instead; what runs is a `Later`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Union

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema
from typing_extensions import override


class Later:
    """A name of another module of the package.

    It may stand in annotations, which pydantic reads when a model is first used; its attributes and calls are those of
    what it stands for.

    Args:
        module: The module that has it, relative to the module called `near`.
    """

    __slots__ = ("_module", "_name", "_near")

    def __init__(self, module: str, name: str, near: str) -> None:
        self._module = module
        self._name = name
        self._near = near

    def resolve(self) -> Any:
        """What it stands for; loads the module where that has not been done."""
        return getattr(import_module(self._module, self._near.rpartition(".")[0]), self._name)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return handler.generate_schema(self.resolve())

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # whoever looks what kind of thing this is must not load it
            raise AttributeError(name)
        return getattr(self.resolve(), name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.resolve()(*args, **kwargs)

    def __or__(self, other: Any) -> Any:
        return Union[self, other]  # noqa: UP007 - which is what this makes `|` do

    def __ror__(self, other: Any) -> Any:
        return Union[other, self]  # noqa: UP007

    @override
    def __repr__(self) -> str:
        return self._name


def exported_later(
    package: str, modules: Mapping[str, Sequence[str]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a package whose names are loaded when they are first asked for.

    Args:
        modules: The names that each module of the package has; modules relative to `package`.
    """
    where = {name: module for module, names in modules.items() for name in names}

    def load(name: str) -> Any:
        if name not in where:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found = getattr(import_module(where[name], package), name)
        setattr(sys.modules[package], name, found)
        return found

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *where})

    return load, names
