"""From the table of a protocol to the codecs that speak it: native, or as its package declares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Final

from ..descriptors import Protocol
from ..wire import Codec, End, NativeCodec
from . import skew

NATIVE: Final = NativeCodec()


class Speech:
    """How one end speaks a protocol, on all of its connections.

    Attributes:
        first_difference: Finds the first item of ours that the other end, by its `hello`, lacks or has otherwise.
    """

    def __init__(self, protocol: Protocol, end: End) -> None:
        self._protocol = protocol
        self.envelope = protocol.wire
        self.first_difference = partial(skew.first_difference, protocol)
        self._declared: Callable[[Mapping[str, bytes]], Codec] | None = None
        if protocol.wire is not None:
            from .tables import codecs_of

            self._declared = codecs_of(protocol, protocol.wire, end)

    def codec(self, variables: Mapping[str, bytes] | None = None) -> Codec:
        """A codec for one connection; `variables` are what its handshake has settled."""
        if self._declared is None:
            return NATIVE
        return self._declared({} if variables is None else variables)

    @cached_property
    def items(self) -> str:
        """What `hello` tells of the items of the protocol."""
        return skew.told(self._protocol)

    def is_notification(self, name: str) -> bool:
        """Whether clients send an event of that name."""
        return any(event.name == name for event in self._protocol.part_of(name).notifications)
