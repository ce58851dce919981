"""Generated packages that are run without being written: those of both versions, side by side in one process."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import itertools
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from typing_extensions import override

from .. import ir
from ..package import render_package
from ..structure import check_structure

_NUMBERS: Final = itertools.count()
_INIT: Final = "__init__.py"


class Refused(Exception):
    """A message is not read."""


class Package:
    """The package of one version, imported under a name of its own. Its modules run when they are first asked for.

    `close` it in the end.
    """

    def __init__(self, protocol: ir.Protocol) -> None:
        self.protocol = protocol
        self.name = f"_duologue_compared_{next(_NUMBERS)}"
        files = render_package(protocol)
        for path, text in files.items():
            check_structure(path, text)
        self._finder = _Finder(self.name, files)
        self._table: Any = None
        self._readers: dict[tuple[str, str], TypeAdapter[Any]] = {}
        sys.meta_path.insert(0, self._finder)

    def close(self) -> None:
        """Forget all its modules."""
        sys.meta_path.remove(self._finder)
        for name in [name for name in sys.modules if name == self.name or name.startswith(f"{self.name}.")]:
            del sys.modules[name]

    @property
    def table(self) -> Any:
        """Its `PROTOCOL`, with what its namespaces have."""
        return importlib.import_module(f"{self.name}.protocol").PROTOCOL.whole()

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
        others = [name for name in sys.modules if _is_in(name, package) or _is_in(name, hidden)]
        kept = {name: sys.modules.pop(name) for name in others}
        modules: dict[str, Any] = sys.modules
        modules[hidden] = None  # importing it is an ImportError
        for name in ("", *(f".{name}" for name in self._finder.modules)):
            modules[f"{package}{name}"] = importlib.import_module(f"{self.name}{name}")
        try:
            yield
        finally:
            for name in [name for name in modules if _is_in(name, package) or name == hidden]:
                del modules[name]
            sys.modules.update(kept)


def _is_in(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the modules of one package in a mapping from path to text."""

    def __init__(self, package: str, files: dict[str, str]) -> None:
        self._package = package
        self._files = files

    @property
    def modules(self) -> list[str]:
        """Names of its modules below the package, what is above before what is below."""
        files = sorted(file.removesuffix(".py") for file in self._files if file.endswith(".py") and file != _INIT)
        return [file.removesuffix("/__init__").replace("/", ".") for file in files]

    @override
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None, /
    ) -> importlib.machinery.ModuleSpec | None:
        file = self._file(fullname)
        if file is None:
            return None
        return importlib.util.spec_from_loader(fullname, self, is_package=file.endswith("__init__.py"))

    @override
    def exec_module(self, module: ModuleType) -> None:
        file = self._file(module.__name__)
        assert file is not None

        def run() -> None:
            exec(compile(self._files[file], f"<{file}>", "exec"), module.__dict__)  # noqa: S102 - was checked

        if module.__name__ == self._package:
            self._put_off(module, run)
        else:
            run()

    def _put_off(self, module: ModuleType, run: Callable[[], None]) -> None:
        """Run `__init__`, which imports all the others, when the first of its names is asked for."""

        def find(name: str) -> Any:
            if self._file(f"{self._package}.{name}") is None and not name.startswith("__"):
                module.__dict__.pop("__getattr__", None)
                run()
                if name in module.__dict__:
                    return module.__dict__[name]
            raise AttributeError(name)

        module.__dict__["__getattr__"] = find

    def _file(self, name: str) -> str | None:
        if name == self._package:
            return _INIT
        if not name.startswith(f"{self._package}."):
            return None
        path = name.removeprefix(f"{self._package}.").replace(".", "/")
        return next((file for file in (f"{path}.py", f"{path}/{_INIT}") if file in self._files), None)
