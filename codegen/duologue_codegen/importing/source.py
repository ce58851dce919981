"""Documents of other formats: read as JSON or YAML, within bounds; and what their references lead to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final, NoReturn
from urllib.parse import quote as percent
from urllib.parse import unquote

from typing_extensions import TypeIs, override

from ..load import load_text
from ..nodes import to_json
from ..problems import printable, quote

MAX_BYTES: Final = 20_000_000
MAX_DEPTH: Final = 128
MAX_CHAIN: Final = 64
"""How many references may lead from one to the next."""
_REMOTE: Final = ("://", "urn:", "data:", "file:")


class ImportRefused(Exception):
    """A document cannot be imported; `str()` is one line that says where and why."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: a file and the way to it, as in `chat.json#/$defs/Room`."""

    file: str
    path: tuple[str | int, ...] = ()

    def __truediv__(self, key: str | int) -> Place:
        return Place(self.file, (*self.path, key))

    @property
    def last(self) -> str:
        """The last name on the way; that of the file at its root."""
        named = [step for step in self.path if isinstance(step, str)]
        return named[-1] if named else PurePosixPath(self.file).name.partition(".")[0]

    @property
    def pointer(self) -> str:
        """The way as a reference within its file writes it."""
        return "#" + "".join(
            f"/{percent(str(step), safe='~/').replace('~', '~0').replace('/', '~1')}" for step in self.path
        )

    @override
    def __str__(self) -> str:
        steps = "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in self.path)
        shown = f"{self.file}#{steps}"
        return shown if len(shown) <= 300 else f"{shown[:297]}..."

    def refusal(self, message: str) -> ImportRefused:
        """What is raised where this place is wrong."""
        return ImportRefused(f"{self}: {message}")


# ---------------------------------------------------------------------------------------------- values of a known shape
def is_map(value: Any) -> TypeIs[dict[str, Any]]:
    return isinstance(value, dict)


def is_list(value: Any) -> TypeIs[list[Any]]:
    return isinstance(value, list)


def mapping(value: Any, place: Place, what: str = "a mapping") -> dict[str, Any]:
    if not is_map(value):
        raise place.refusal(f"{what} expected, not {_kind(value)}")
    return value


def listed(value: Any, place: Place) -> list[Any]:
    if not is_list(value):
        raise place.refusal(f"a list expected, not {_kind(value)}")
    return value


def text(value: Any, place: Place) -> str:
    if not isinstance(value, str):
        raise place.refusal(f"text expected, not {_kind(value)}")
    return value


def member(owner: Mapping[str, Any], key: str, place: Place) -> str:
    """Text under a key that has to be there."""
    if key not in owner:
        raise place.refusal(f"{quote(key)} is missing")
    return text(owner[key], place / key)


def items(owner: Mapping[str, Any], key: str, place: Place) -> Iterator[tuple[dict[str, Any], Place]]:
    """The mappings of a list that may be left out, each with its place."""
    at = place / key
    for number, item in enumerate(listed(owner.get(key, []), at)):
        yield mapping(item, at / number), at / number


def entries(owner: Mapping[str, Any], key: str, place: Place) -> Iterator[tuple[str, Any, Place]]:
    """The entries of a mapping that may be left out, each with its place."""
    at = place / key
    for name, value in mapping(owner.get(key, {}), at).items():
        yield name, value, at / name


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool() | int() | float():
            return quote(json.dumps(value))
        case str():
            return f"the text {quote(value)}"
        case list():
            return "a list"
        case _:
            return "a mapping"


# ------------------------------------------------------------------------------------------------------------- reading
class _Repeated(dict[str, Any]):
    """A mapping whose document has a key twice."""

    key: str


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    seen: set[str] = set()
    repeated = _Repeated(made)
    for key, _ in pairs:
        if key in seen:
            repeated.key = key
        seen.add(key)
    return repeated


def _not_json(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON number")


def read(path: Path, name: str) -> Any:
    """The document in a file; `name` is how messages call it. YAML where it is called so, JSON otherwise."""
    place = Place(name)
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ImportRefused(f"{place.file}: cannot read it: {error.strerror or type(error).__name__}") from None
    if len(data) > MAX_BYTES:
        raise place.refusal(f"the file has more than {MAX_BYTES:,} bytes: split it, or import the parts that you need")
    document = _yaml(data, place) if path.suffix.lower() in (".yaml", ".yml") else _json(data, place)
    check(document, place)
    return document


def _json(data: bytes, place: Place) -> Any:
    try:
        return json.loads(data.decode("utf-8-sig"), object_pairs_hook=_pairs, parse_constant=_not_json)
    except json.JSONDecodeError as error:
        raise ImportRefused(f"{place.file}:{error.lineno}:{error.colno}: not JSON: {error.msg}") from None
    except UnicodeDecodeError:
        raise place.refusal("the file is not UTF-8: save it as UTF-8") from None
    except RecursionError:
        raise place.refusal(f"nested more than {MAX_DEPTH} deep") from None
    except ValueError as error:  # a number of thousands of digits, NaN
        raise place.refusal(f"not JSON: {error}") from None


def _yaml(data: bytes, place: Place) -> Any:
    root, problems = load_text(data, place.file)
    for problem in problems:
        raise ImportRefused(problem.text().partition("\n")[0])
    try:
        return to_json(root) if root is not None else None
    except ValueError as error:
        raise place.refusal(str(error)) from None


def check(document: Any, place: Place) -> None:
    """Refuse what JSON allows and no spec could hold. Without recursion: the depth is hostile until it is known."""
    waiting: list[tuple[Any, Place]] = [(document, place)]
    while waiting:
        value, at = waiting.pop()
        if len(at.path) > MAX_DEPTH:
            raise Place(at.file, at.path[:4]).refusal(f"nested more than {MAX_DEPTH} deep below this place")
        if isinstance(value, _Repeated):
            raise at.refusal(f"the key {quote(value.key)} stands here twice")
        if is_map(value):
            waiting.extend((item, at / key) for key, item in value.items())
            _check_text("".join(value), at)
        elif is_list(value):
            waiting.extend((item, at / number) for number, item in enumerate(value))
        elif isinstance(value, str):
            _check_text(value, at)


def _check_text(value: str, place: Place) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise place.refusal("half of a pair of surrogates, which is no text") from None


# ---------------------------------------------------------------------------------------------------------- references
@dataclass(slots=True)
class Sources:
    """The documents of one import: those that were named, and those in the same folder that they refer to."""

    folder: Path
    documents: dict[str, Any] = field(default_factory=dict[str, Any])

    @classmethod
    def of(cls, paths: Sequence[Path]) -> Sources:
        """Documents in files; references reach no further than the folder that holds them all."""
        parents = [path.absolute().parent for path in paths]
        folder = next(
            parent for parent in (parents[0], *parents[0].parents) if all(p.is_relative_to(parent) for p in parents)
        )
        sources = cls(folder)
        for path in paths:
            name = path.absolute().relative_to(folder).as_posix()
            sources.documents[name] = read(path, name)
        return sources

    def roots(self) -> list[tuple[Any, Place]]:
        return [(document, Place(name)) for name, document in self.documents.items()]

    def follow(self, reference: str, place: Place) -> tuple[Any, Place]:
        """What a reference leads to, and where that stands; through references that lead to others."""
        for _ in range(MAX_CHAIN):
            value, at = self.target(reference, place)
            if not (is_map(value) and isinstance(value.get("$ref"), str) and len(value) == 1):
                return value, at
            reference, place = value["$ref"], at
        raise place.refusal(f"{quote(reference)} is one of references that lead to each other for ever")

    def target(self, reference: str, place: Place) -> tuple[Any, Place]:
        """What stands where a reference points."""
        location, _, fragment = text(reference, place).partition("#")
        name = self._file(location, place, reference) if location else place.file
        at, value = Place(name), self.documents[name]
        if fragment and not fragment.startswith("/"):
            return self._anchor(fragment, at, place)
        for step in fragment.split("/")[1:]:
            value, at = self._step(unquote(step).replace("~1", "/").replace("~0", "~"), value, at, place, reference)
        return value, at

    @staticmethod
    def _step(step: str, value: Any, at: Place, place: Place, reference: str) -> tuple[Any, Place]:
        if is_map(value) and step in value:
            return value[step], at / step
        if is_list(value) and step.isascii() and step.isdigit() and len(step) < 9 and int(step) < len(value):
            return value[int(step)], at / int(step)
        raise place.refusal(f"{quote(reference)} leads nowhere: there is no {quote(step)} at {at}")

    def _anchor(self, name: str, root: Place, place: Place) -> tuple[Any, Place]:
        waiting: list[tuple[Any, Place]] = [(self.documents[root.file], root)]
        while waiting:
            value, at = waiting.pop()
            if is_map(value):
                if name in (value.get("$anchor"), value.get("$dynamicAnchor")):
                    return value, at
                waiting.extend((item, at / key) for key, item in value.items())
            elif is_list(value):
                waiting.extend((item, at / number) for number, item in enumerate(value))
        raise place.refusal(f"{quote('#' + name)} leads nowhere: {root.file} has no such anchor")

    def _file(self, location: str, place: Place, reference: str) -> str:
        """The name of a document, which is read if it was not yet."""
        for name, document in self.documents.items():
            if is_map(document) and document.get("$id") == location:
                return name
        pure = PurePosixPath(unquote(location))
        if any(word in location for word in _REMOTE) or location.startswith("//"):
            raise place.refusal(f"{quote(reference)} is remote: save it beside this file, and refer to it there")
        if pure.is_absolute() or "\\" in str(pure) or ":" in str(pure) or "\0" in str(pure):
            raise place.refusal(f"{quote(reference)} is no relative path")
        try:
            home = self.folder.resolve(strict=True)
            real = (self.folder / PurePosixPath(place.file).parent / pure).resolve(strict=True)
        except (OSError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or "it leads to itself"
            raise place.refusal(f"cannot read {quote(reference)}: {reason}") from None
        if not real.is_relative_to(home):
            raise place.refusal(f"{quote(reference)} leads out of the folder {self.folder.name}: copy the file into it")
        name = real.relative_to(home).as_posix()
        if name not in self.documents:
            self.documents[name] = read(real, name)
        return name
