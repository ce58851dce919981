"""The spec as it was: another file, or the same one in another revision of its git repository."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from .. import ir
from ..compiler import compile_spec
from ..load import load_text
from ..nodes import ScalarNode, SeqNode
from ..scratch import scratch


class NotFound(Exception):
    """There is no such file, and no such revision that has the spec."""


def compile_against(spec: Path, against: str) -> tuple[ir.Protocol, bool]:
    """The protocol to compare with, and whether it is from git. Raises `NotFound`, and `SpecErrors` for a bad spec."""
    if Path(against).is_file():
        return compile_spec(Path(against)), False
    commit = _commit(spec, against)
    with scratch() as folder:
        root = _show(spec, commit, spec.name, against)
        target = folder / spec.name
        target.write_bytes(root)
        for name in _imports(root, spec.name):
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(_show(spec, commit, name, against))
        return compile_spec(target), True


def _commit(spec: Path, revision: str) -> str:
    asked = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"]
    run = _git(spec, *asked)
    if run.returncode == 0:
        return run.stdout.decode().strip()
    if _git(spec, "rev-parse", "--git-dir").returncode != 0:
        raise NotFound(f"{revision}: no such file, and {spec} is in no git repository")
    raise NotFound(f"{revision}: neither a file nor a revision of the repository of {spec}")


def _show(spec: Path, commit: str, name: str, revision: str) -> bytes:
    run = _git(spec, "show", f"{commit}:./{name}")
    if run.returncode != 0:
        raise NotFound(f"{revision}: has no {name} beside where {spec} is now; name the file that was its predecessor")
    return run.stdout


def _git(spec: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(  # noqa: S603 - options come from here alone, revisions follow the end of options
            ["git", *arguments],  # noqa: S607 - whichever git the user has
            cwd=spec.parent,
            capture_output=True,
            check=False,
            timeout=60,
        )
    except FileNotFoundError:
        raise NotFound("git is not installed: name a file to compare with") from None
    except subprocess.TimeoutExpired:
        raise NotFound("git gave no answer within a minute") from None


def _imports(data: bytes, name: str) -> Iterator[str]:
    """Files that a spec imports, as far as they lie beside it: what else it names, the compiler refuses."""
    root, _ = load_text(data, name)
    imports = root.get("imports") if root is not None else None
    for node in imports if isinstance(imports, SeqNode) else ():
        path = PurePosixPath(node.text) if isinstance(node, ScalarNode) else PurePosixPath("/")
        if not path.is_absolute() and ".." not in path.parts and "\0" not in str(path) and path.parts:
            yield str(path)
