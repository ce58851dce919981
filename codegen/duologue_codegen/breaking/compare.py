"""Two versions of a protocol in, findings out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from .. import ir
from ..keeping import no_collection
from .declared import compare_declared
from .exchange import MESSAGES, Exchange, Unconfirmed
from .findings import Finding, Message
from .messages import compare_messages
from .names import compare_names
from .versions import compare_versions, is_major
from .wires import compare_wires


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of it.

    Attributes:
        findings: All of them, in the order of the spec; what breaks has a witness that was run.
        announced: The new version is one that may break things.
        messages: How many were exchanged.
        dropped: Changes that were suspected, and that nothing shows to break anything.
    """

    findings: tuple[Finding, ...]
    announced: bool
    messages: int = 0
    dropped: tuple[str, ...] = ()

    @property
    def breaks(self) -> bool:
        return any(finding.breaks for finding in self.findings)


def compare(old: ir.Protocol, new: ir.Protocol, *, many: int = MESSAGES) -> Comparison:
    """As `compare_with`, with packages that are made for it and forgotten."""
    with Exchange(old, new) as exchange:
        return compare_with(exchange, old, new, many=many)


@no_collection()
def compare_with(exchange: Exchange, old: ir.Protocol, new: ir.Protocol, *, many: int = MESSAGES) -> Comparison:
    """What the new version breaks, and what it should have said of it.

    Suspicions come from the specs alone. Then both packages are generated and run: a suspicion that no message and no
    program shows is dropped, and where nothing was suspected messages of all kinds are exchanged: `many` of each side's
    and version's, for each place.
    """
    suspected = _joined(
        [
            *compare_declared(old, new),
            *compare_wires(old, new),
            *compare_messages(old, new),
            *compare_names(old, new),
        ]
    )
    findings, dropped = list[Finding](), list[str]()
    for suspicion in suspected:
        try:
            findings.append(exchange.confirm(suspicion))
        except Unconfirmed as unconfirmed:
            dropped.append(str(unconfirmed))
    known = {place for finding in findings for place in _places(finding, suspected)}
    findings += exchange.failures(frozenset(known), many=many)
    findings += compare_versions(old, new, findings)
    announced = is_major(old.version, new.version)
    return Comparison(tuple(sorted(findings, key=_order)), announced, exchange.messages, tuple(dropped))


def _joined(suspicions: Iterable[Finding]) -> list[Finding]:
    """One change that is met in many places is told once; each of them may show it."""
    found: dict[object, Finding] = {}
    for suspicion in suspicions:
        key = (suspicion.rule.id, suspicion.version, _place(suspicion), suspicion.same or suspicion.what)
        earlier = found.get(key)
        found[key] = (
            suspicion if earlier is None else replace(earlier, candidates=earlier.candidates + suspicion.candidates)
        )
    return list(found.values())


def _places(finding: Finding, suspected: Iterable[Finding]) -> set[tuple[str, str]]:
    """Part and name of all messages that a finding is about."""
    return {
        (witness.part, witness.name)
        for suspicion in suspected
        if suspicion.what == finding.what and suspicion.rule is finding.rule
        for witness in suspicion.candidates
        if isinstance(witness, Message)
    }


def _order(finding: Finding) -> tuple[object, ...]:
    return (finding.version, *_place(finding), finding.rule.warns, finding.rule.id, finding.what)


def _place(finding: Finding) -> tuple[str, int, int]:
    origin = finding.origin
    return ("", 0, 0) if origin is None else (origin.file, origin.line, origin.column)
