"""The files of a spec: the root, and those that it imports from inside its own folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from .load import load_text, read_bytes
from .nodes import MapNode, ScalarNode, SeqNode
from .problems import MAX_PROBLEMS, Problem, SpecErrors, quote


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One parsed file. `name` is relative to the spec's folder, with `/` between its parts."""

    name: str
    root: MapNode


def read_files(path: Path) -> tuple[list[SourceFile], list[Problem]]:
    """The root file first, then its imports in order.

    Raises SpecErrors when the root cannot be read at all; other problems are returned with what could be read.
    """
    name = path.name
    try:
        data = read_bytes(path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SpecErrors([Problem(name, 1, 1, f"cannot read the spec: {reason}")], path.parent) from None
    root, problems = load_text(data, name)
    if root is None:
        raise SpecErrors(problems, path.parent)
    files = [SourceFile(name, root)]
    imports = root.get("imports")
    # An `imports` of another shape is told with the rest of the document's shape.
    for node in imports if isinstance(imports, SeqNode) else ():
        if isinstance(node, ScalarNode) and len(problems) < MAX_PROBLEMS:
            found = _import(node, path.parent, files, problems)
            if found is not None:
                files.append(found)
    return files, problems


class _Refused(Exception):
    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def _import(node: ScalarNode, folder: Path, files: list[SourceFile], problems: list[Problem]) -> SourceFile | None:
    try:
        name, data = _open(node, folder, files)
    except _Refused as refused:
        problems.append(Problem(node.file, node.line, node.column, refused.message, refused.hint))
        return None
    root, found = load_text(data, name)
    problems.extend(found)
    return SourceFile(name, root) if root is not None else None


def _open(node: ScalarNode, folder: Path, files: list[SourceFile]) -> tuple[str, bytes]:
    """Name and contents of an imported file."""
    pure = PurePosixPath(node.text)
    shown = quote(node.text)
    if pure.is_absolute() or "\\" in node.text or ":" in node.text or "\0" in node.text or not node.text:
        raise _Refused(f"{shown} is no relative path", "write it relative to this file, with `/`")
    if ".." in pure.parts:
        raise _Refused(f"{shown} leaves the spec's folder", "move the file into the folder")
    try:
        # A link inside the folder may still lead out of it.
        real, home = (folder / pure).resolve(strict=True), folder.resolve(strict=True)
        known = {(folder / file.name).resolve(): file.name for file in files}
        # A pipe would have to be written to before it can be read, and nobody does.
        data = read_bytes(real) if real.is_relative_to(home) and (real.is_file() or real.is_dir()) else None
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it leads to itself"
        raise _Refused(f"cannot read {shown}: {reason}") from None
    if not real.is_relative_to(home):
        raise _Refused(f"{shown} leads out of the spec's folder through a link", "copy the file into the folder")
    if data is None:
        raise _Refused(f"{shown} is no file", "import a file of YAML")
    if real in known:
        which = "is the spec itself" if known[real] == files[0].name else "is imported already"
        raise _Refused(f"{shown} {which}", "remove it")
    return str(pure), data
