"""How events look: the shapes that a profile has for them, and the names and data in each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import msgspec

from .envelope import End, Envelope, EventForm, Shape, Template
from .positions import Order, to_array, to_object
from .templates import Place, compiled, constants, places
from .trees import Frame, path_of


class EventShape:
    """One shape of events.

    Args:
        form: Where things stand, if not where the template has them.
        events: Those that look like this; None for all.
        is_one_of_many: What is the same in all such events tells them from those of other shapes.

    Attributes:
        route: Where the route stands; None where these events have none.
    """

    def __init__(
        self,
        template: Template,
        form: EventForm,
        data: Order,
        *,
        events: Sequence[str] | None = None,
        is_one_of_many: bool = False,
    ) -> None:
        self.node = compiled(template)
        self.events = None if events is None else frozenset(events)
        self._order = data
        found = places(self.node)
        self.route = found.get("route")
        same = constants(template) if is_one_of_many else {}
        self._constants = [(path, msgspec.json.encode(value)) for path, value in same.items()]
        self._join = form.get("join", ".")
        self._parts = [found[name] for name in sorted(found) if name == "event" or name.startswith("event.")]
        self._is_whole = "event" in found
        self._names = [Place(path_of(path)) for path in form.get("name", ())] or self._parts
        place = found.get("data")
        self._only = events[0] if events is not None and len(events) == 1 and not self._names else None
        self._telling = place if self._only is not None else None
        self._is_positional = form.get("style") == "positional" or (place is not None and place.items is not None)
        if "data" in form:
            place = Place(path_of(form["data"]))
        if place is not None and (strip := form.get("strip", ())):
            place = place.without(frozenset(strip))
        self._data = place

    def name(self, frame: Frame) -> str | None:
        """The name of an event; None for what is none of this shape."""
        if self._only is not None:
            return self._only
        parts = [text_of(place.read(frame)) for place in self._names]
        if None in parts or not parts:
            return None
        name = self._join.join(map(str, parts))
        return name if self.events is None or name in self.events else None

    def fits(self, frame: Frame) -> bool:
        """Whether all that is the same in such events is there; and data, of an event that does not say its name."""
        told = self._telling is None or self._telling.read(frame) not in (None, b"null")
        return told and all(frame.holds(path, value) for path, value in self._constants)

    def data(self, name: str, frame: Frame) -> bytes:
        """The data of an event, as an object."""
        data = None if self._data is None else self._data.read(frame)
        return b"{}" if data is None or data == b"null" else to_object(self._order(name), data)

    def values(self, name: str, data: bytes, *, sends_empty: bool) -> dict[str, bytes]:
        """What the template is filled with for an event."""
        values: dict[str, bytes] = {}
        if self._is_whole:
            values["event"] = msgspec.json.encode(name)
        elif self._parts:
            parts = name.split(self._join, len(self._parts) - 1)
            values = {f"event.{index}": msgspec.json.encode(part) for index, part in enumerate(parts)}
        if data != b"{}" or sends_empty or self._telling is not None:
            values["data"] = to_array(self._order(name), data) if self._is_positional else data
        return values


def text_of(value: bytes | None) -> str | None:
    """A value that has to be text; None for anything else."""
    text = None if value is None else msgspec.json.decode(value)
    return text if isinstance(text, str) else None


def shapes_from(envelope: Envelope, sender: End, data: Order) -> list[EventShape]:
    """The shapes in which one end sends events, in the order in which they are tried."""
    said: list[Shape] = [shape for shape in envelope.shapes if shape.get("from", sender) == sender]
    made = [
        EventShape(shape["notify"], cast("EventForm", shape), data, events=shape.get("events"), is_one_of_many=True)
        for shape in said
    ]
    return made if envelope.notify is None else [*made, EventShape(envelope.notify, envelope.event, data)]
