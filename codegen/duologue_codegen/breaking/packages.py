"""The generated packages of both versions, side by side in one process."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from pydantic import TypeAdapter, ValidationError

from .. import ir
from ..loaded import Loaded, is_in


class Refused(Exception):
    """A message is not read."""


class Package(Loaded):
    """The package of one version. `close` it in the end."""

    def __init__(self, protocol: ir.Protocol) -> None:
        super().__init__(protocol)
        self._readers: dict[tuple[str, str], TypeAdapter[Any]] = {}

    def read(self, part: str, name: str, payload: str) -> Any:
        """What a message reads as, at either end. Raises `Refused`."""
        try:
            return self._reader(part, name).validate_json(payload, strict=True, by_alias=True, by_name=False)
        except ValidationError as error:
            raise Refused(str(error)) from error

    def write(self, part: str, name: str, value: Any) -> str:
        """The value as this version sends it."""
        return self._reader(part, name).dump_json(value, by_alias=True).decode()

    def _reader(self, part: str, name: str) -> TypeAdapter[Any]:
        if (part, name) not in self._readers:
            self._readers[part, name] = self._find(part, name)
        return self._readers[part, name]

    def _find(self, part: str, name: str) -> TypeAdapter[Any]:
        table = self.table
        if part == "data":
            return TypeAdapter(next(e.model for e in (*table.events, *table.notifications) if e.name == name))
        if part == "details":
            return TypeAdapter(next(error.details_type for error in table.errors if error.code == name))
        action = next(a for a in (*table.client_actions, *table.server_actions) if a.name == name)
        return TypeAdapter(action.params) if part == "params" else getattr(action, part)

    def run(self, code: str, *, hidden: str) -> None:
        """Run Python that imports the package by the name it is published under. Raises whatever it raises.

        Args:
            hidden: A package of this name, whatever is installed, is not there unless it is this one.
        """
        with self._published(hidden):
            exec(compile(code, "<witness>", "exec"), {"__name__": "witness"})  # noqa: S102 - written here, from names

    @contextmanager
    def _published(self, hidden: str) -> Generator[None]:
        package = self.protocol.python.package
        others = [name for name in sys.modules if is_in(name, package) or is_in(name, hidden)]
        kept = {name: sys.modules.pop(name) for name in others}
        modules: dict[str, Any] = sys.modules
        modules[hidden] = None  # importing it is an ImportError
        for name in ("", *(f".{name}" for name in self.modules)):
            modules[f"{package}{name}"] = importlib.import_module(f"{self.name}{name}")
        try:
            yield
        finally:
            for name in [name for name in modules if is_in(name, package) or name == hidden]:
                del modules[name]
            sys.modules.update(kept)
