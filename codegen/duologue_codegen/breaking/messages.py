"""Findings about the contents of messages."""

from __future__ import annotations

from collections.abc import Iterator

from .. import ir
from ..problems import quote
from .findings import WIRE, Finding, Message, Version
from .gaps import Gap, Gaps
from .positions import Position, positions
from .rules import RULES


def compare_messages(old: ir.Protocol, new: ir.Protocol) -> Iterator[Finding]:
    """What one version writes and the other does not read.

    A client knows what its server offers and need not use what is new, but it cannot help what it always sends; a
    server writes whatever its version says, whoever reads it.
    """
    forth, back = Gaps(old, new), Gaps(new, old)
    back_in_terms = Gaps(new, old, in_terms=True)
    for position in positions(old, new):
        for writer in position.writers:
            yield from _findings(position, writer, Version.NEW, forth.between(position.old, position.new))
            answer = back_in_terms if writer is ir.Side.CLIENT else back
            yield from _findings(position, writer, Version.OLD, answer.between(position.new, position.old))


def _findings(position: Position, writer: ir.Side, reader: Version, gaps: tuple[Gap, ...]) -> Iterator[Finding]:
    for gap in gaps:
        rule = RULES[WIRE[gap.kind][reader is Version.OLD]]
        messages = tuple(
            Message(
                part=position.part,
                name=position.name,
                payload=value,
                sender=writer,
                reader=reader,
                differs=gap.differs,
            )
            for value in gap.values
        )
        origin = gap.read if reader is Version.NEW else gap.written
        # What has a place of its own is the same wherever it is met.
        same = () if origin is not None else (position.part, *gap.path)
        yield Finding(
            rule=rule,
            what=_what(position, gap, reader),
            origin=origin or position.origin,
            candidates=() if rule.warns else messages,
            same=" ".join((*same, *sorted(gap.detail))),
        )


def _what(position: Position, gap: Gap, reader: Version) -> str:
    where = ".".join((position.name, position.part, *gap.path)).replace(".[", "[").replace(".{", "{")
    changed = gap.detail if reader is Version.NEW else tuple(reversed(gap.detail))
    return f"{quote(where)}: {' → '.join(changed)}" if changed else quote(where)
