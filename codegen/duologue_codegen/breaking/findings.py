"""What was found: which rule, where, what changed, and what shows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from .. import ir
from ..problems import printable
from .rules import RULES, Rule


class Version(StrEnum):
    """Which of the two."""

    OLD = "old"
    NEW = "new"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message that one side sends and the other does not take, or takes for something else.

    Attributes:
        part: Which model reads it: `params`, `result`, `item`, `data` or `details` of `name`.
        sender: Who sends it: `client` or `server`; the other one reads it.
        reader: Of which version the reader is; the sender is of the other one.
        differs: It is read, but means something else.
    """

    part: str
    name: str
    payload: ir.JsonValue
    sender: ir.Side
    reader: Version
    differs: bool = False

    @property
    def between(self) -> str:
        """Who sends it to whom."""
        return _between(self.sender, self.reader)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a client of the old version sends to start something, and a server of the new one refuses: its envelope."""

    envelope: dict[str, ir.JsonValue]
    scopes: tuple[str, ...] = ()
    called: ir.Side = ir.Side.SERVER
    """Who is called."""

    @property
    def between(self) -> str:
        """Who sends it to whom."""
        return "old client → new server" if self.called is ir.Side.SERVER else "new server → old client"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """Python that runs with the package of the old version, and fails with that of the new one."""

    code: str

    @property
    def between(self) -> str:
        """What it is run with."""
        return "a program of the old version"


@dataclass(frozen=True, slots=True, kw_only=True)
class Framed:
    """A message of one declared wire format, which the other does not read, or reads as something else.

    Attributes:
        part: What it is: `request`, `result`, `error`, `event` or `cancel`.
        text: How it looks, once it was tried.
    """

    part: str
    name: str
    payload: ir.JsonValue
    sender: ir.Side
    reader: Version
    text: str = ""

    @property
    def between(self) -> str:
        """Who sends it to whom."""
        return _between(self.sender, self.reader)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """A client of one version that comes to a server of the other, and no further.

    Attributes:
        stage: How far it comes: `connect` or `handshake`.
        reason: Why, once it was tried.
    """

    stage: str
    client: Version
    reason: str = ""

    @property
    def between(self) -> str:
        """Who comes to whom."""
        return _between(ir.Side.CLIENT, Version.NEW if self.client is Version.OLD else Version.OLD)


def _between(sender: ir.Side, reader: Version) -> str:
    version = Version.NEW if reader is Version.OLD else Version.OLD
    receiver = ir.Side.SERVER if sender is ir.Side.CLIENT else ir.Side.CLIENT
    return f"{version} {sender} → {reader} {receiver}"


Witness = Message | Request | Snippet | Framed | Meeting


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One change that breaks something, or is worth a warning.

    Attributes:
        what: What changed, with the names of it.
        origin: Where; `version` says in which of the two specs.
        candidates: What may show it; of a finding that was confirmed the one that does.
        same: What it has in common with others that are the same change, met in another place.
    """

    rule: Rule
    what: str
    origin: ir.Origin | None
    version: Version = Version.NEW
    candidates: tuple[Witness, ...] = ()
    same: str = ""

    @property
    def witness(self) -> Witness | None:
        return self.candidates[0] if self.candidates else None

    @property
    def breaks(self) -> bool:
        return not self.rule.warns


def found(
    rule: str, what: str, origin: ir.Origin | None, *candidates: Witness, version: Version = Version.NEW
) -> Finding:
    """A finding of the rule of that id."""
    return Finding(rule=RULES[rule], what=what, origin=origin, version=version, candidates=candidates)


WIRE: Final[dict[str, tuple[str, str]]] = {
    "type": ("type-changed", "type-changed"),
    "null": ("nullable-removed", "nullable-added"),
    "value": ("enum-value-removed", "enum-value-added"),
    "unknown-value": ("enum-closed", "enum-opened"),
    "member": ("union-member-removed", "union-member-added"),
    "unknown-member": ("union-closed", "union-opened"),
    "discriminator": ("discriminator-changed", "discriminator-changed"),
    "const": ("const-changed", "const-changed"),
    "length": ("length-tightened", "length-loosened"),
    "range": ("range-tightened", "range-loosened"),
    "multiple": ("multiple-changed", "multiple-changed"),
    "pattern": ("pattern-changed", "pattern-changed"),
    "unproven": ("pattern-unproven", "pattern-unproven"),
    "items": ("items-tightened", "items-loosened"),
    "unique": ("unique-items-added", "unique-items-removed"),
    "tuple": ("tuple-changed", "tuple-changed"),
    "unknown": ("param-removed", "param-added"),
    "const-unknown": ("param-removed", "const-added"),
    "lacking": ("field-added-required", "field-removed"),
    "omitted": ("field-made-required", "field-made-optional"),
    "default-lacking": ("field-made-required", "default-added"),
    "default": ("default-changed", "default-changed"),
    "default-new": ("default-added", "default-removed"),
    "default-gone": ("default-removed", "default-added"),
}
"""For each kind of gap the rule when it is the new version that reads, and when it is the old one."""


def render_text(findings: Iterable[Finding], files: dict[Version, Labels]) -> str:
    """`file:line: level rule: what`, then what to do instead, and the witness."""
    return "\n".join(line for finding in findings for line in _lines(finding, files))


@dataclass(frozen=True, slots=True)
class Labels:
    """How the files of one version are called in findings.

    Attributes:
        folder: Stands before each file.
        suffix: Follows it: the revision, say.
        root: The file that is named where nothing else is known.
    """

    folder: str
    suffix: str
    root: str

    def place(self, origin: ir.Origin | None) -> str:
        """`file:line` of an origin."""
        file = origin.file if origin is not None else self.root
        return f"{self.folder}{file}{self.suffix}:{origin.line if origin is not None else 1}"


def _lines(finding: Finding, files: dict[Version, Labels]) -> list[str]:
    rule = finding.rule
    label = f"warning {rule.id}" if rule.warns else f"{rule.level} {rule.id}"
    lines = [f"{files[finding.version].place(finding.origin)}: {label}: {printable(finding.what)}"]
    lines.append(f"  instead: {rule.instead}")
    if finding.witness is not None:
        lines.append(f"  witness: {shown(finding.witness)}")
    return lines


def shown(witness: Witness) -> str:
    """A witness on one line."""
    import json

    match witness:
        case Snippet(code=code):
            return "; ".join(code.strip().splitlines())
        case Request(envelope=envelope):
            return f"{witness.between}: {_cut(json.dumps(envelope, ensure_ascii=True))}"
        case Message(part=part, name=name, payload=payload):
            how = "read as something else" if witness.differs else "refused"
            text = _cut(json.dumps(payload, ensure_ascii=True))
            return f"{witness.between}: {part} of {printable(name)}, {how}: {text}"
        case Framed(part=part, name=name, text=text):
            what = f"{part} of {printable(name)}" if name else part
            return f"{witness.between}: {what}, not understood: {_cut(printable(text))}"
        case Meeting(stage=stage, reason=reason):
            return f"{witness.between}: {stage}, refused: {_cut(printable(reason))}"


def _cut(text: str) -> str:
    return text if len(text) <= 300 else f"{text[:200]}… ({len(text)} characters)"


def as_json(finding: Finding, files: dict[Version, Labels]) -> dict[str, Any]:
    """A finding for programs."""
    rule, place = finding.rule, files[finding.version].place(finding.origin)
    file, _, line = place.rpartition(":")
    return {
        "file": file,
        "line": int(line),
        "rule": rule.id,
        "level": rule.level,
        "breaks": finding.breaks,
        "what": finding.what,
        "instead": rule.instead,
        "witness": _witness_json(finding.witness),
    }


def _witness_json(witness: Witness | None) -> dict[str, Any] | None:
    match witness:
        case None:
            return None
        case Snippet(code=code):
            return {"between": witness.between, "python": code}
        case Request(envelope=envelope):
            return {"between": witness.between, "scopes": list(witness.scopes), "message": envelope}
        case Framed(part=part, name=name, text=text):
            return {"between": witness.between, "part": part, "of": name, "text": text}
        case Meeting(stage=stage, reason=reason):
            return {"between": witness.between, "stage": stage, "reason": reason}
        case Message():
            return {
                "between": witness.between,
                "part": witness.part,
                "of": witness.name,
                "payload": witness.payload,
                "differs": witness.differs,
            }
