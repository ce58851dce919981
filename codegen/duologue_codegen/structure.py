"""A last look at generated Python before it is written: it parses, and holds declarations alone.

Whatever a spec's words may have done to the text, a file that does more than declare is never written.
"""

from __future__ import annotations

import ast
from typing import Final

_CALLS: Final = frozenset(
    "Action DownloadAction EventDescriptor NamespaceTable Protocol StreamAction TypeAliasType UploadAction".split()
)
"""What a module may call at its top."""


class UnexpectedStructure(Exception):
    """Generated text is not what templates are meant to make: an error of the generator. Nothing was written."""


def check_structure(path: str, text: str) -> None:
    """Raise where a Python file does not parse, or has a statement that no template of ours makes."""
    if not path.endswith(".py"):
        return
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        raise UnexpectedStructure(f"{path}: {error}") from error
    for statement in tree.body:
        if not _expected(statement):
            raise UnexpectedStructure(f"{path}:{statement.lineno}: {ast.unparse(statement)[:100]}")


def _expected(statement: ast.stmt) -> bool:
    match statement:
        case ast.ImportFrom(module="__future__", level=0):
            return True
        case ast.ImportFrom(module=module, level=level):
            return level > 0 or (module is not None and module.split(".")[0] in _LIBRARIES)
        case ast.If(test=ast.Name(id="TYPE_CHECKING"), body=body, orelse=orelse):
            return all(isinstance(line, ast.ImportFrom) and line.level > 0 for line in body) and all(
                map(_expected_later, orelse)
            )
        case ast.Expr(value=ast.Constant(value=str())):
            return True
        case ast.Assign(targets=[ast.Name(id="__all__")], value=ast.List(elts=names)):
            return all(isinstance(name, ast.Constant) for name in names)
        case ast.Assign(targets=[ast.Name()], value=ast.Call(func=ast.Name(id=called))):
            return called in _CALLS
        case ast.AnnAssign(target=ast.Name(), value=ast.Call(func=ast.Name(id=called))):
            return called in _CALLS
        case ast.AnnAssign(target=ast.Name(), annotation=ast.Name(id="TypeAlias")):
            return True
        case ast.ClassDef(decorator_list=[], keywords=[], body=body):
            return all(_expected_member(member) for member in body)
        case _:
            return False


def _expected_later(statement: ast.stmt) -> bool:
    """What stands in place of an import while the module runs."""
    match statement:
        case ast.Assign(targets=[ast.Name() | ast.Tuple()], value=ast.Call(func=ast.Name(id=called))):
            return called in ("Later", "exported_later")
        case _:
            return False


_LIBRARIES: Final = frozenset(
    """
    abc collections contextlib datetime decimal duologue enum functools pydantic ssl typing typing_extensions uuid
    """.split()
)


def _expected_member(member: ast.stmt) -> bool:
    match member:
        case ast.Pass() | ast.AnnAssign(target=ast.Name()) | ast.Expr(value=ast.Constant(value=str())):
            return True
        case ast.Assign(targets=[ast.Name()], value=ast.Constant() | ast.UnaryOp(operand=ast.Constant())):
            return True
        case ast.FunctionDef(body=body) | ast.AsyncFunctionDef(body=body):
            return all(_expected_in_body(line) for line in body)
        case _:
            return False


def _expected_in_body(line: ast.stmt) -> bool:
    """A docstring, a return, a call, an import from the package, or `self._x = x`."""
    match line:
        case ast.ImportFrom(level=level):
            return level > 0
        case ast.Return() | ast.Expr(value=ast.Constant(value=str())):
            return True
        case ast.Expr(value=ast.Await(value=ast.Call())) | ast.Expr(value=ast.Call()):
            return True
        case ast.Assign(targets=[ast.Attribute(value=ast.Name(id="self"))], value=ast.Name()):
            return True
        case _:
            return False
