"""A program: imports generated packages, and tells whatever else happens while it does.

    python audited.py FOLDER PACKAGE [FOLDER PACKAGE ...]

The first package is imported before anybody looks: it brings in what all of them need. What follows may read its own
files, run its own code, and evaluate annotations. It prints a JSON list of all other events of Python's audit.
"""

import ast
import importlib
import json
import sys
from typing import Any

ALLOWED = {"object.__getattr__", "object.__setattr__", "sys._getframe", "code.__new__", "marshal.loads", "builtins.id"}
ANNOTATION = (
    *(ast.Expression, ast.Name, ast.Load, ast.Constant, ast.Attribute, ast.Subscript, ast.Tuple, ast.BinOp, ast.BitOr),
    *(ast.Call, ast.keyword, ast.List, ast.UnaryOp, ast.USub),
)
CALLED = {"Field"}


def is_annotation(source: object) -> bool:
    """Whether a piece of text that is compiled is a type, and calls nothing but `Field`."""
    if not isinstance(source, str | bytes):
        return False
    try:
        tree = ast.parse(source, mode="eval")
    except SyntaxError:
        return False
    nodes = list(ast.walk(tree))
    calls = [node.func for node in nodes if isinstance(node, ast.Call)]
    return all(isinstance(node, ANNOTATION) for node in nodes) and all(
        isinstance(function, ast.Name) and function.id in CALLED for function in calls
    )


class Watch:
    """Notes every event that importing a package in a folder does not explain."""

    def __init__(self) -> None:
        self.folder = ""
        self.package = ""
        self.seen: list[str] = []
        self._evaluating = False
        self._busy = False

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.folder or self._busy:
            return
        self._busy = True  # what follows may cause events itself
        if not self._is_expected(event, arguments):
            self.seen.append(f"{self.folder}: {event} {str(arguments)[:200]}")
        self._busy = False

    def _is_expected(self, event: str, arguments: tuple[Any, ...]) -> bool:
        match event:
            case "open":
                return str(arguments[0]).startswith(self.folder) and arguments[1] in ("r", "rb", None)
            case "os.listdir" | "os.scandir":
                return str(arguments[0]).startswith(self.folder)
            case "import":
                return str(arguments[0]).partition(".")[0] == self.package
            case "compile":
                return str(arguments[1]).startswith(self.folder) or self._is_type(arguments[0])
            case "exec":
                place = str(arguments[0].co_filename)
                return place.startswith(self.folder) or (place in ("<string>", "<unknown>") and self._evaluating)
            case _:
                return event in ALLOWED

    def _is_type(self, source: object) -> bool:
        self._evaluating = is_annotation(source)
        return self._evaluating


def bring_in(folder: str, package: str) -> None:
    """Import a package, and everything that it puts off."""
    sys.path.insert(0, folder)
    module = importlib.import_module(package)
    for value in vars(module).values():
        if hasattr(value, "__pydantic_complete__"):
            value.model_rebuild()
    for action in module.PROTOCOL.client_actions + module.PROTOCOL.server_actions:
        action.result.rebuild()
    sys.path.remove(folder)
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]


def main(pairs: list[str]) -> None:
    sys.dont_write_bytecode = True
    watch = Watch()
    bring_in(*pairs[:2])
    sys.addaudithook(watch)
    for folder, package in zip(pairs[2::2], pairs[3::2], strict=True):
        importlib.invalidate_caches()
        watch.package, watch.folder = package, folder
        bring_in(folder, package)
        watch.folder = ""
    print(json.dumps(watch.seen))


if __name__ == "__main__":
    main(sys.argv[1:])
