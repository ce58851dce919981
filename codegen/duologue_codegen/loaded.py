"""Generated packages that are run without being written."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import itertools
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, Final

from typing_extensions import override

from . import ir
from .package import render_package
from .structure import check_structure

_NUMBERS: Final = itertools.count()
_INIT: Final = "__init__.py"


class Loaded:
    """The package of a protocol, imported under a name of its own. Its modules run when they are first asked for.

    `close` it in the end.
    """

    def __init__(self, protocol: ir.Protocol) -> None:
        self.protocol = protocol
        self.name = f"_duologue_loaded_{next(_NUMBERS)}"
        files = render_package(protocol)
        for path, text in files.items():
            check_structure(path, text)
        self._finder = _Finder(self.name, files)
        sys.meta_path.insert(0, self._finder)

    def close(self) -> None:
        """Forget all its modules."""
        sys.meta_path.remove(self._finder)
        for name in [name for name in sys.modules if is_in(name, self.name)]:
            del sys.modules[name]

    @property
    def modules(self) -> list[str]:
        """Names of its modules below the package, what is above before what is below."""
        return self._finder.modules

    @property
    def table(self) -> Any:
        """Its `PROTOCOL`, with what its namespaces have."""
        return importlib.import_module(f"{self.name}.protocol").PROTOCOL.whole()


def is_in(name: str, package: str) -> bool:
    """Whether a module is a package, or one of its own."""
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
