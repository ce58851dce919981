"""`manifest.yaml`: what a package says of itself, and every mistake in it at once."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from typing import Any, Final, cast

import yaml
from pydantic import ValidationError
from typing_extensions import override

from duologue import Model
from service_registry_sdk import BadPackage, HealthCheck, HttpProbe, PackageManifest, ScriptProbe, TcpProbe

FILE_NAME: Final = "manifest.yaml"
MOST_BYTES: Final = 64 * 1024
MOST_PORTS: Final = 64
"""Each becomes an endpoint when the package is deployed, and a service is registered with no more."""

_DEEPEST: Final = 16

_PROBES: Final[dict[str, type[Model]]] = {"script": ScriptProbe, "http": HttpProbe, "tcp": TcpProbe}
_DURATION: Final = re.compile(r"(\d{1,9})(ms|s|min|h)")
_SECONDS: Final = {"ms": 0.001, "s": 1, "min": 60, "h": 3600}


def parse_manifest(text: bytes) -> PackageManifest:
    """The manifest in a file.

    Raises:
        BadPackage: It is none; the reason tells everything that is wrong with it.
    """
    data = _load(text)
    problems = _unknown(data)
    try:
        manifest = PackageManifest.from_wire(json.dumps(data))
    except ValidationError as error:
        problems += [_told(problem) for problem in error.errors(include_url=False, include_context=False)]
    else:
        if manifest.health is not None and manifest.health.passes > manifest.health.window:
            problems.append(f"health.passes: {manifest.health.passes} of {manifest.health.window} can never pass")
        if len(manifest.ports) > MOST_PORTS:
            problems.append(f"ports: there are {len(manifest.ports)}, and a service has at most {MOST_PORTS}")
        if not problems:
            return manifest
    raise BadPackage(member=FILE_NAME, reason="; ".join(problems[:10]))


class _Loader(yaml.SafeLoader):
    """No aliases, which can make much of little; no key twice, of which one would win unseen."""

    _depth = 0

    @override
    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not taken: write it out")
        self._depth += 1
        if self._depth > _DEEPEST:
            raise yaml.YAMLError(f"it is deeper than {_DEEPEST} levels")
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    @override
    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"{key.value!r} stands there twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _load(text: bytes) -> dict[str, Any]:
    if len(text) > MOST_BYTES:
        raise BadPackage(member=FILE_NAME, reason=f"it is larger than {MOST_BYTES} bytes")
    try:
        data: Any = yaml.load(text, _Loader)  # noqa: S506 - a safe loader, with less in it
        json.dumps(data)  # dates, sets and bytes are no JSON, and no part of a manifest
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = "" if mark is None else f"line {mark.line + 1}, column {mark.column + 1}: "
        raise BadPackage(member=FILE_NAME, reason=f"{where}{error.problem}") from None
    except (yaml.YAMLError, RecursionError, ValueError, TypeError, OverflowError) as error:
        raise BadPackage(member=FILE_NAME, reason=f"it is no YAML of a manifest: {str(error)[:200]}") from None
    if not isinstance(data, dict):
        raise BadPackage(member=FILE_NAME, reason="it has to be a mapping, with `name`, `version` and `type`")
    manifest = cast("dict[str, Any]", data)
    _spell_out(_inner(manifest, "health"))
    return manifest


def _inner(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The mapping in a member; an empty one where there is none."""
    found = data.get(name)
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _spell_out(health: dict[str, Any]) -> None:
    """Durations as people write them become those of the protocol."""
    for name in ("interval", "timeout"):
        found = _DURATION.fullmatch(str(health.get(name, "")))
        if found is not None:
            health[name] = f"PT{int(found[1]) * _SECONDS[found[2]]:.3f}S"


def _unknown(data: Mapping[str, Any]) -> list[str]:
    health = _inner(data, "health")
    probe = _inner(health, "probe")
    problems = _strange(data, PackageManifest, "") + _strange(health, HealthCheck, "health.")
    kind = _PROBES.get(str(probe.get("kind")))
    return problems if kind is None else problems + _strange(probe, kind, "health.probe.")


def _strange(data: Mapping[str, Any], model: type[Model], where: str) -> list[str]:
    known = [field.alias or name for name, field in model.model_fields.items()]
    problems: list[str] = []
    for key in data:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, 1)
            hint = f"did you mean `{near[0]}`?" if near else f"known are {', '.join(known)}"
            # Escaped: half a surrogate pair cannot be told to anybody.
            problems.append(f"{where}{ascii(str(key))[1:-1]}: nobody reads this; {hint}")
    return problems


def _told(problem: Any) -> str:
    where = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "missing":
        return f"{where}: it is missing"
    given = problem["input"]
    quotes = " (put it in quotes)" if problem["type"] == "string_type" and isinstance(given, int | float) else ""
    return f"{where}: {problem['msg']}, not {str(given)[:60]!r}{quotes}"
