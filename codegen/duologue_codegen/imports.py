"""The import block of a generated module, computed from the names that its text uses."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Mapping
from typing import Final

from typing_extensions import override

_STANDARD: Final = frozenset(
    {"abc", "collections.abc", "contextlib", "datetime", "decimal", "enum", "functools", "ssl", "typing", "uuid"}
)

LIBRARY: Final[Mapping[str, str]] = {
    name: module
    for module, names in {
        "abc": "abstractmethod",
        "collections.abc": "Sequence",
        "contextlib": "AbstractContextManager",
        "datetime": "UTC date timedelta datetime timezone",
        "decimal": "Decimal",
        "enum": "IntEnum StrEnum",
        "functools": "cached_property",
        "ssl": "SSLContext",
        "typing": "Annotated ClassVar Final Literal TypeAlias Union",
        "uuid": "UUID",
        "pydantic": "AwareDatetime Field MISSING TypeAdapter",
        "typing_extensions": "TypeAliasType deprecated override",
        "duologue": """
            Base64 Int64 Json Model Params Event UnknownValue UnknownVariant UniqueItems
            Declared Cancelled Unknown InvalidArgument DeadlineExceeded NotFound AlreadyExists PermissionDenied
            ResourceExhausted FailedPrecondition Aborted OutOfRange Unimplemented Internal Unavailable DataLoss
            Unauthenticated
            Action DownloadAction StreamAction UploadAction Effect Delivery EventDescriptor Protocol Rate
            Body Bound ByteSink Call CallOptions Client Download EventStream Events Lifecycle Limits Peer Position
            Server Service Sink Stream SyncClient SyncDownload SyncEventStream SyncEvents SyncStream Token Upload
            downloading notified streaming unary uploading
        """,
    }.items()
    for name in names.split()
}
"""Where the names that generated code takes from libraries come from."""

_BUILTINS: Final = frozenset(
    "bool bytes classmethod dict float frozenset int list property str super tuple type None True False".split()
)


def alias(name: str) -> str:
    """The name under which `name` is imported where something of the protocol's is called the same."""
    return f"_{name}"


class UnresolvedName(Exception):
    """The text of a module uses a name that nothing defines: an error of the generator."""


def import_block(body: str, local: Mapping[str, str]) -> str:
    """The imports that `body` needs, sorted as isort does.

    `local` says for the names of this package which of its modules has them (`.models`; `.` for a module itself).
    """
    tree = ast.parse(body)
    wanted: dict[str, set[str]] = {}
    for name in sorted(_used(tree) - _defined(tree)):
        bare = name.removeprefix("_")
        module = local.get(bare) or LIBRARY.get(bare)
        if module is not None:
            wanted.setdefault(module, set()).add(name)
        elif name not in _BUILTINS:
            known = "a builtin that is not listed" if hasattr(builtins, name) else "unknown"
            raise UnresolvedName(f"{name} ({known})")
    return "\n\n".join(["from __future__ import annotations", *_groups(wanted)])


def _groups(wanted: Mapping[str, set[str]]) -> Iterable[str]:
    groups: tuple[list[str], list[str], list[str]] = ([], [], [])
    for module in sorted(wanted, key=lambda module: (module.startswith("."), module)):
        group = groups[2 if module.startswith(".") else 0 if module in _STANDARD else 1]
        plain = sorted((name for name in wanted[module] if not name.startswith("_")), key=import_order)
        # What is renamed has a statement of its own, in the order of the first names.
        clauses = [(name, _clause(name)) for name in wanted[module] if name.startswith("_")]
        clauses += [(plain[0], ", ".join(plain))] if plain else []
        clauses.sort(key=lambda clause: import_order(clause[0]))
        group.extend(f"from {module} import {clause}" for _, clause in clauses)
    return ["\n".join(group) for group in groups if group]


def _clause(name: str) -> str:
    return f"{name[1:]} as {name}"


def import_order(name: str) -> tuple[object, ...]:
    """isort's order of imported names: constants, classes, the rest; then the alphabet, numbers by size."""
    bare = name.removeprefix("_")
    return _kind(bare), _natural(bare.lower()), name != bare, name


def export_order(name: str) -> tuple[object, ...]:
    """The order of `__all__`: as that of imports, but capitals before small letters."""
    return _kind(name), _natural(name)


def _kind(name: str) -> int:
    return 0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2


def _natural(name: str) -> tuple[tuple[int, int | str], ...]:
    parts = re.split(r"([0-9]+)", name)
    return tuple((0, int(part)) if part.isdigit() else (1, part) for part in parts if part)


def _defined(tree: ast.Module) -> set[str]:
    """Names bound at the top of the module."""
    names: set[str] = set()
    for node in tree.body:
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                names.add(node.name)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
            case _:
                pass
    return names


def _used(tree: ast.Module) -> set[str]:
    finder = _Finder()
    finder.visit(tree)
    return finder.names


class _Finder(ast.NodeVisitor):
    """Names that are read, without the arguments of the functions around them."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self._arguments: tuple[frozenset[str], ...] = ()

    @override
    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load) and not any(node.id in scope for scope in self._arguments):
            self.names.add(node.id)

    @override
    def visit_Constant(self, node: ast.Constant) -> None:
        """Nothing: quoted annotations name definitions of the same module alone."""

    @override
    def visit_Call(self, node: ast.Call) -> None:
        """The value of an alias may be text: an annotation that pydantic reads later."""
        self.generic_visit(node)
        match node:
            case ast.Call(func=ast.Name(id="TypeAliasType"), args=[_, ast.Constant(value=str() as value)]):
                self.visit(ast.parse(value, mode="eval"))
            case _:
                pass

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        outside = [*node.decorator_list, *node.args.defaults, *node.args.kw_defaults, node.returns]
        for part in (*outside, *(argument.annotation for argument in every)):
            if part is not None:
                self.visit(part)
        self._arguments = (*self._arguments, frozenset(argument.arg for argument in every))
        for statement in node.body:
            self.visit(statement)
        self._arguments = self._arguments[:-1]

    @override
    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function(node)

    @override
    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._function(node)
