"""Findings are shown to be true, and what is not found is tried: messages of each version are read by the other."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from random import Random
from typing import Any, Final, Self

from .. import ir
from ..problems import quote
from .findings import Finding, Framed, Meeting, Message, Request, Snippet, Version, Witness, found
from .meaning import agree, meaning
from .packages import Package, Refused
from .positions import Position, positions
from .samples import NoSample, Sampler
from .spoken import UNHEARD, heard, refusal, said

MESSAGES: Final = 24
"""Messages made for each place, sender and version."""


class Unconfirmed(Exception):
    """A finding that nothing shows: an error of the rules, or no change at all."""


class Exchange:
    """Both versions, generated and imported: a context."""

    def __init__(self, old: ir.Protocol, new: ir.Protocol) -> None:
        self.messages = 0
        """How many were read by the other version."""
        self._protocols = {Version.OLD: old, Version.NEW: new}
        self._stack = ExitStack()
        self._packages = {
            version: self._stack.enter_context(closing(Package(protocol)))
            for version, protocol in self._protocols.items()
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    # ---------------------------------------------------------------------------------------------------- of findings
    def confirm(self, finding: Finding) -> Finding:
        """The finding with the first of its candidates that does show it. Raises `Unconfirmed`."""
        if finding.rule.warns:
            return finding
        for candidate in finding.candidates:
            witness = self._tried(candidate)
            if witness is not None and self._shows(witness):
                return replace(finding, candidates=(witness,))
        raise Unconfirmed(f"{finding.rule.id}: {finding.what}")

    def _tried(self, witness: Witness) -> Witness | None:
        """The same with what only the packages can tell; None where it cannot be tried."""
        match witness:
            case Framed():
                text = said(self._packages[_other(witness.reader)], witness)
                return None if text is None else replace(witness, text=text.decode())
            case Meeting(client=client, stage=stage):
                ends = self._packages[client], self._packages[_other(client)]
                reason = None if refusal(ends[0], ends[0], stage) else refusal(*ends, stage)
                return None if reason is None else replace(witness, reason=reason)
            case _:
                return witness

    def _shows(self, witness: Witness) -> bool:
        try:
            return self.fails(witness)
        except Refused:  # by its own sender: no value of that type was found after all
            return False

    def fails(self, witness: Witness) -> bool:
        """Whether what one version says is refused, or misread, by the other, or a program fails."""
        match witness:
            case Message():
                return self._is_misread(witness) if witness.differs else self._is_refused(witness)
            case Request():
                return self._takes(witness, Version.OLD) and not self._takes(witness, Version.NEW)
            case Snippet(code=code):
                hidden = self._protocols[Version.OLD].python.package
                return self._runs(Version.OLD, code, hidden) and not self._runs(Version.NEW, code, hidden)
            case Framed(text=text, reader=reader):
                meant, understood = (
                    heard(self._packages[one], witness, text.encode()) for one in (_other(reader), reader)
                )
                return UNHEARD != meant != understood
            case Meeting(reason=reason):
                return bool(reason)

    def _runs(self, version: Version, code: str, hidden: str) -> bool:
        try:
            self._packages[version].run(code, hidden=hidden)
        except Exception:  # noqa: BLE001 - whatever a program dies of
            return False
        return True

    def _is_refused(self, message: Message) -> bool:
        """The sender reads its own message, and the reader does not."""
        payload = json.dumps(message.payload)
        self._packages[_other(message.reader)].read(message.part, message.name, payload)
        try:
            self._packages[message.reader].read(message.part, message.name, payload)
        except Refused:
            return True
        return False

    def _is_misread(self, message: Message) -> bool:
        payload = json.dumps(message.payload)
        values = [self._plain(version, message.part, message.name, payload) for version in Version]
        return not agree(*values)

    def _plain(self, version: Version, part: str, name: str, payload: str) -> Any:
        """What a message means to a version: all members by their names on the wire, those left out as well."""
        value = self._packages[version].read(part, name, payload)
        return meaning(value)

    def _takes(self, request: Request, version: Version) -> bool:
        """Whether the called side of a version lets a request through to its handler."""
        table, envelope = self._packages[version].table, request.envelope
        if "event" in envelope:
            return _allowed(table.notifications, envelope["event"], request)
        if envelope["action"] != "subscribe":
            called = table.client_actions if request.called is ir.Side.SERVER else table.server_actions
            return _allowed(called, envelope["action"], request)
        params: Any = envelope["params"]
        asked = set(params.get("filter", {}))
        events = [event for event in table.events if event.name in params["events"]]
        return bool(events) and all(_allowed(events, e.name, request) and asked <= set(e.filters) for e in events)

    # ------------------------------------------------------------------------------------------------------ of messages
    def failures(
        self, known: frozenset[tuple[str, str]] = frozenset(), *, seed: int = 0, many: int = MESSAGES
    ) -> Iterator[Finding]:
        """Messages made from the specs that do not get through: what each side writes, read by the other version.

        Args:
            known: Part and name of the places that are known to be broken, and left out.
        """
        random = Random(seed)
        samplers = {version: Sampler(protocol, random) for version, protocol in self._protocols.items()}
        for position in positions(self._protocols[Version.OLD], self._protocols[Version.NEW]):
            for writer in position.writers if (position.part, position.name) not in known else ():
                for message in self._traffic(position, writer, samplers, many):
                    if (failure := self._failure(position, message)) is not None:
                        yield failure
                        break

    def _traffic(
        self, position: Position, writer: ir.Side, samplers: dict[Version, Sampler], many: int
    ) -> Iterator[Message]:
        """What both versions of a side may write; a newer client writes what an older one has asked for."""
        for version in Version:
            in_terms = version is Version.NEW and writer is ir.Side.CLIENT
            is_old = version is Version.OLD or in_terms
            sampler = samplers[Version.OLD if is_old else Version.NEW]
            for _ in range(many):
                try:
                    payload = sampler.value(position.old if is_old else position.new)
                except NoSample:
                    break
                if in_terms and (payload := self._rewritten(position, payload)) is _LOST:
                    continue
                yield Message(
                    part=position.part, name=position.name, payload=payload, sender=writer, reader=_other(version)
                )

    def _rewritten(self, position: Position, payload: ir.JsonValue) -> Any:
        """The same, as a client of the new version sends it; lost where that cannot even read it: told before."""
        new = self._packages[Version.NEW]
        try:
            value = new.read(position.part, position.name, json.dumps(payload))
        except Refused:
            return _LOST
        return json.loads(new.write(position.part, position.name, value))

    def _failure(self, position: Position, message: Message) -> Finding | None:
        self.messages += 1
        try:
            refused = self._is_refused(message)
        except Refused:  # by its own version: made wrong, and shows nothing
            raise Unconfirmed(f"{message.part} of {message.name}: {message.payload}") from None
        what = f"{quote(f'{position.name}.{position.part}')}"
        if refused:
            return found("exchange-failed", what, position.origin, message)
        misread = replace(message, differs=True)
        return found("exchange-failed", what, position.origin, misread) if self._is_misread(misread) else None


_LOST: Final = object()


def _allowed(declared: Iterable[Any], name: object, request: Request) -> bool:
    return any(it.name == name and set(it.scope) <= set(request.scopes) for it in declared)


def _other(version: Version) -> Version:
    return Version.OLD if version is Version.NEW else Version.NEW
