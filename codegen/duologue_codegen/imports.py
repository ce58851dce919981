"""The import block of a generated module, computed from the names that its text uses."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

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
        "typing": "TYPE_CHECKING Annotated ClassVar Final Literal TypeAlias Union",
        "uuid": "UUID",
        "pydantic": "AwareDatetime Field MISSING TypeAdapter",
        "typing_extensions": "TypeAliasType deprecated override",
        "duologue": """
            Base64 Int64 Json Later Model Params Event UnknownValue UnknownVariant UniqueItems deferred exported_later
            Declared Cancelled Unknown InvalidArgument DeadlineExceeded NotFound AlreadyExists PermissionDenied
            ResourceExhausted FailedPrecondition Aborted OutOfRange Unimplemented Internal Unavailable DataLoss
            Unauthenticated
            Action DownloadAction StreamAction UploadAction Effect Delivery EventDescriptor NamespaceTable Protocol Rate
            Body Bound ByteSink Call CallOptions Client Deflate Download Envelope EventStream Events Hooks Lifecycle
            Limits Observer Peer Position Server Service Sink Stream SyncClient SyncDownload SyncEventStream SyncEvents
            SyncStream Token Upload Validation downloading notified streaming unary uploading
        """,
    }.items()
    for name in names.split()
}
"""Where the names that generated code takes from libraries come from."""

_BUILTINS: Final = frozenset(
    "bool bytes classmethod dict float frozenset int list property str super tuple type None True False".split()
) | {"__name__"}


def alias(name: str) -> str:
    """The name under which `name` is imported where something of the protocol's is called the same."""
    return f"_{name}"


class UnresolvedName(Exception):
    """The text of a module uses a name that nothing defines: an error of the generator."""


@dataclass(frozen=True, slots=True)
class Found:
    """Where a name of the package is.

    Attributes:
        module: `.models`; `.` for a module itself, `.a:b` for what is called `b` there.
        late: It is imported for type checkers alone; what runs looks it up when it needs it.
    """

    module: str
    late: bool = False


Find: TypeAlias = Callable[[str], Found | None]


def import_block(body: str, find: Find, *, eager: bool = False) -> str:
    """The imports that `body` needs, sorted as isort does.

    `find` says where the names of this package are. `eager` is for modules of models: were their annotations text,
    pydantic would compile each when it makes the class, which took more than half of the time that importing takes.
    """
    tree = ast.parse(body)
    wanted: dict[str, set[str]] = {}
    later: dict[str, set[str]] = {}
    for name in sorted(_used(tree) - _defined(tree)):
        bare = name.removeprefix("_")
        library = Found(LIBRARY[bare]) if bare in LIBRARY else None
        # With an underscore it is the library's, whatever the package calls by that name.
        found = (library if name != bare else None) or find(bare) or library
        if found is not None:
            (later if found.late else wanted).setdefault(found.module, set()).add(name)
        elif name not in _BUILTINS:
            known = "a builtin that is not listed" if hasattr(builtins, name) else "unknown"
            raise UnresolvedName(f"{name} ({known})")
    if later:
        wanted.setdefault("typing", set()).add("TYPE_CHECKING")
        wanted.setdefault("duologue", set()).add("Later")
    future = [] if eager else ["from __future__ import annotations"]
    return "\n\n".join([*future, *_groups(wanted), *_checked(later)])


def _rows(wanted: Mapping[str, set[str]]) -> Iterable[tuple[str, str]]:
    modules = sorted(wanted, key=_module_order)
    return [(module, name) for module in modules for name in sorted(wanted[module], key=import_order)]


def _checked(later: Mapping[str, set[str]]) -> Iterable[str]:
    """Imports for type checkers, and what stands for the names when the module runs, or its annotations are read."""
    if not later:
        return []
    lines = ["if TYPE_CHECKING:", *(f"    {line}" for group in _groups(later) for line in group.splitlines())]
    promised = [f"    {name} = Later({module!r}, {name!r}, __name__)" for module, name in _rows(later)]
    return ["\n".join([*lines, "else:", *promised])]


def _groups(wanted: Mapping[str, set[str]]) -> Iterable[str]:
    groups: tuple[list[str], list[str], list[str]] = ([], [], [])
    modules: dict[str, list[tuple[str, str]]] = {}
    for place, names in wanted.items():
        module, _, original = place.partition(":")
        plain = sorted((name for name in names if not original and not name.startswith("_")), key=import_order)
        # What is renamed has a statement of its own, in the order of the first names.
        clauses = [(original or name, _clause(name, original)) for name in names if original or name.startswith("_")]
        clauses += [(plain[0], ", ".join(plain))] if plain else []
        modules.setdefault(module, []).extend(clauses)
    for module in sorted(modules, key=_module_order):
        group = groups[2 if module.startswith(".") else 0 if module in _STANDARD else 1]
        clauses = sorted(modules[module], key=lambda clause: import_order(clause[0]))
        group.extend(f"from {module} import {clause}" for _, clause in clauses)
    return ["\n".join(group) for group in groups if group]


def _clause(name: str, original: str) -> str:
    return f"{original or name[1:]} as {name}"


def _module_order(module: str) -> tuple[bool, int, str]:
    """isort's: what is furthest away comes first."""
    name = module.lstrip(".")
    return name != module, len(name) - len(module), name


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
    """Names that are read, in annotations as well."""
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
        """There is no name in it; that of the base class looks for visitors of Python 3.7."""

    @override
    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        """The annotation of a field is text where it names what stands below."""
        self.generic_visit(node)
        if isinstance(node.annotation, ast.Constant):
            self.visit(ast.parse(str(node.annotation.value), mode="eval"))

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
        annotations = [node.returns, *(argument.annotation for argument in every)]
        for part in (*node.decorator_list, *node.args.defaults, *node.args.kw_defaults, *annotations):
            if part is not None:
                self.visit(part)
        imported = [alias.name for line in node.body if isinstance(line, ast.ImportFrom) for alias in line.names]
        self._arguments = (*self._arguments, frozenset([*imported, *(argument.arg for argument in every)]))
        for statement in node.body:
            self.visit(statement)
        self._arguments = self._arguments[:-1]

    @override
    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function(node)

    @override
    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._function(node)
