"""A new protocol project that runs at once: `duologue init hello && cd hello && make demo`."""

from __future__ import annotations

import json
import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

from . import ir
from .compiler import compile_spec
from .imports import import_order
from .problems import SpecErrors
from .render import environment
from .scratch import scratch
from .text import Code
from .text import name as word
from .tree import write

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST: Final = 60

# Template → file; `{name}` is the protocol's.
_FILES: Final = {
    "Makefile": "Makefile",
    "README.md": "README.md",
    "demo.py": "demo.py",
    "gitignore": ".gitignore",
    "pyproject.toml": "pyproject.toml",
    "server.py": "server.py",
    "spec.yaml": "spec/{name}.yaml",
    "test_project.py": "test_{module}.py",
}


class InitRefused(Exception):
    """The project cannot be made there or under that name; nothing was written."""


def create(folder: Path) -> list[str]:
    """Write the project into `folder`, whose last part is the protocol's name, and return the files' paths in it.

    Raises:
        InitRefused: It cannot be made there, or so called.
        Busy: Another command is writing there.
        OSError: The folder cannot be written. It is as it was.
    """
    name = folder.absolute().name
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise InitRefused(
            f"{name!r} is no name for a protocol: write small letters, digits and single hyphens, as in `chat-room`"
        )
    if folder.is_dir() and any(folder.iterdir()):
        raise InitRefused(f"{folder} is not empty: choose another name, or empty it first")
    if folder.exists() and not folder.is_dir():
        raise InitRefused(f"{folder} is a file: choose another name")
    files = project_files(name) | local_settings()
    write(folder, files, None)
    return list(files)


def local_settings() -> dict[str, str]:
    """Where the generator was installed from, if that was a folder or a file and not an index."""
    try:
        record = distribution("duologue").read_text("direct_url.json")
    except PackageNotFoundError:
        return {}
    source = urlsplit(str(json.loads(record or "{}").get("url", "")))
    if source.scheme != "file":
        return {}
    place = url2pathname(source.path).replace("$", "$$").replace("#", "\\#")
    return {
        "local.mk": "# Where duologue was installed from when this project was made: it holds on this machine alone.\n"
        f"DUOLOGUE ?= $(or $(DUOLOGUE_REQUIREMENT),{place}[codegen])\n"
    }


def project_files(name: str) -> dict[str, str]:
    """The project's files by path."""
    templates = environment()
    spec = templates.get_template("init/spec.yaml.jinja").render(protocol_name=name)
    with scratch() as folder:
        place = folder / f"{name}.yaml"
        place.write_bytes(spec.encode())
        try:
            names = compile_spec(place).python  # so that the rest says what the generator will say
        except SpecErrors as errors:
            told = errors.problems[0].message
            raise InitRefused(f"{name!r} is no name for a protocol: {told}; choose another name") from None
    files = {
        path.format(name=name, module=name.replace("-", "_")): templates.get_template(f"init/{template}.jinja").render(
            protocol_name=name, names=names, sdk_names=_imported(names)
        )
        for template, path in _FILES.items()
    }
    return dict(sorted(files.items()))


def _imported(names: ir.PythonNames) -> dict[str, Code]:
    """What each file imports from the generated package, sorted as its formatter would."""
    wanted = {
        "server.py": ("Greeted", "GreetParams", "GreetResult", "UnknownLanguage", names.peer, names.service),
        "demo.py": ("UnknownLanguage", names.client),
        "test_project.py": ("UnknownLanguage", names.client),
    }
    return {file: Code(", ".join(map(word, sorted(found, key=import_order)))) for file, found in wanted.items()}
