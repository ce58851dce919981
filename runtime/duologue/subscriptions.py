"""What one peer has subscribed to: the built-in actions `subscribe` and `unsubscribe`, replay, delivery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta, Raw

from .close_codes import CloseCode
from .descriptors import Delivery
from .drivers.port import Timer
from .errors import AlreadyExists, InvalidArgument, NotFound, Ran, ResourceExhausted, Status
from .filters import Filter, value_at
from .publisher import Frames, Position, Publisher
from .wire import Loss, Point, Reset, SubscriptionEnd

if TYPE_CHECKING:
    from .connection import Connection

FormT = TypeVar("FormT")

IMPLICIT: Final = "*"
"""The one subscription of a peer that names none; what it subscribes to adds up."""

TELL_EVERY: Final = 10.0
"""Seconds between words about how far the log has been looked through."""

REPLAY_BATCH: Final = 256
"""Log entries read at once for a subscriber that catches up."""


class _Subscribe(msgspec.Struct, forbid_unknown_fields=True):
    events: list[str]
    filter: dict[str, Raw] = {}
    since: Point | None = None
    sub: Annotated[str, Meta(min_length=1, max_length=64)] = IMPLICIT


class _Unsubscribe(msgspec.Struct, forbid_unknown_fields=True):
    events: list[str] | None = None
    sub: Annotated[str, Meta(min_length=1, max_length=64)] | None = None


def _parse(params: bytes, form: type[FormT]) -> FormT:
    try:
        return msgspec.json.decode(params, type=form)
    except msgspec.DecodeError as error:
        raise InvalidArgument(str(error), ran=Ran.NO) from None


class _Subscription:
    """Events and their filters; `live` once the replay is done, `told` how far the log was looked through."""

    __slots__ = ("events", "id", "live", "told")

    def __init__(self, id: str) -> None:
        self.id = id
        self.events: dict[str, Filter] = {}
        self.live = False
        self.told = 0

    def wants(self, frames: Frames) -> bool:
        accepted = self.events.get(frames.event.event_name)
        return accepted is not None and accepted.matches(frames.event)


@dataclass(frozen=True, slots=True)
class Opening:
    """What follows the answer to `subscribe`: a replay if there is a number to start from, then the present."""

    subscription: _Subscription
    events: list[str]
    replay_from: int | None


class Subscriptions:
    """The subscriptions of one connection; a live event leaves once, whichever of them want it."""

    def __init__(self, connection: Connection, publisher: Publisher) -> None:
        self._connection = connection
        self._publisher = publisher
        self._known = {event.name: event for event in publisher.protocol.events}
        self._subscriptions: dict[str, _Subscription] = {}
        self._withheld: dict[tuple[Any, ...], Frames] = {}
        self._lost: dict[tuple[str, str], int] = {}
        self._log_watch: Timer | None = None

    # ----------------------------------------------------------------------------------------------- built-in actions
    def subscribe(self, params: bytes) -> tuple[bytes, Opening]:
        """Take a subscription; returns the answer's data, and what is to follow the answer.

        Raises:
            CallError: The params are wrong, or there are too many subscriptions.
        """
        wanted = _parse(params, _Subscribe)
        for name in wanted.events:
            if name not in self._known:
                known = ", ".join(self._known) or "none"
                raise InvalidArgument(f"no event is called {name}; there are: {known}", ran=Ran.NO)
        accepted = Filter([self._known[name] for name in wanted.events], wanted.filter)
        subscription = self._open(wanted.sub)
        subscription.events.update(dict.fromkeys(wanted.events, accepted))
        for name in wanted.events:
            self._publisher.listen(name, self._deliver)
        position = self._publisher.log.position
        answer: dict[str, object] = {"sub": wanted.sub, "epoch": position.epoch, "seq": position.seq}
        replay_from = self._resume(wanted.since, position, answer)
        return msgspec.json.encode(answer), Opening(subscription, wanted.events, replay_from)

    def unsubscribe(self, params: bytes) -> bytes:
        """End a subscription, or take events out of the implicit one.

        Raises:
            CallError: The params are wrong, or there is no such subscription.
        """
        wanted = _parse(params, _Unsubscribe)
        id = wanted.sub or IMPLICIT
        subscription = self._subscriptions.get(id)
        if subscription is None:
            raise NotFound(f"no subscription is called {id}", ran=Ran.NO)
        for name in wanted.events if wanted.events is not None else list(subscription.events):
            subscription.events.pop(name, None)
        if not subscription.events:
            del self._subscriptions[id]
        self._ignore_unwanted()
        return b"null"

    def tell_positions(self) -> None:
        """Say how far the log has been looked through, so that what passes no filter is not looked through again."""
        seq, epoch = self._publisher.published, self._publisher.log.position.epoch
        for subscription in self._subscriptions.values():
            if subscription.live and seq > subscription.told and self._has_log(subscription):
                subscription.told = seq
                self._connection.about(subscription.id, at=Point(epoch, seq))

    def end(self, id: str, status: Status, reason: str) -> None:
        """End a subscription from this side, and say why."""
        if self._subscriptions.pop(id, None) is not None:
            self._connection.about(id, end=SubscriptionEnd(status, reason))
            self._ignore_unwanted()

    def close(self) -> None:
        """The connection is gone."""
        if self._log_watch is not None:
            self._log_watch.cancel()
        self._subscriptions.clear()
        self._ignore_unwanted()

    def follow(self, opening: Opening) -> None:
        """Send the latest states, then let the subscription follow."""
        subscription = opening.subscription
        if not self._holds(subscription):
            return
        for name in opening.events:
            if self._known[name].delivery is Delivery.STATE:
                self._send_states(subscription, name)
        subscription.live = True
        position = self._publisher.log.position
        self._connection.about(subscription.id, live=Point(position.epoch, position.seq))
        self._watch_log()

    async def replay(self, opening: Opening) -> None:
        """Send what the log holds since the subscription's starting point, then let it follow."""
        subscription, log, after = opening.subscription, self._publisher.log, opening.replay_from or 0
        while self._holds(subscription) and after < log.position.seq:
            entries = await log.read(after, REPLAY_BATCH)
            if entries is None:
                position = log.position
                self._connection.about(subscription.id, reset=Reset("history_cut", position.epoch, position.seq))
                break
            for entry in entries:
                frames = Frames(entry.event, entry.seq)
                if subscription.wants(frames):
                    if not await self._connection.room():
                        return
                    message = frames.message(for_=self._tag(subscription))
                    if self._refused_as_large(frames, len(message)):
                        return
                    self._connection.send_event(message)
                after = entry.seq
        self.follow(opening)

    # -------------------------------------------------------------------------------------------------------- helpers
    def _open(self, id: str) -> _Subscription:
        found = self._subscriptions.get(id)
        if found is not None and id == IMPLICIT:
            return found
        if found is not None:
            raise AlreadyExists(f"a subscription is called {id} already", ran=Ran.NO)
        limit = self._connection.limits.subscriptions
        if len(self._subscriptions) >= limit:
            raise ResourceExhausted(f"{limit} subscriptions are open already", ran=Ran.NO)
        subscription = self._subscriptions[id] = _Subscription(id)
        return subscription

    def _holds(self, subscription: _Subscription) -> bool:
        """Whether it was not ended meanwhile; another may have its name by now."""
        return self._subscriptions.get(subscription.id) is subscription

    def _tag(self, subscription: _Subscription) -> str | None:
        return subscription.id if self._connection.extensions else None

    def _resume(self, since: Point | None, position: Position, answer: dict[str, object]) -> int | None:
        answer["resumed"] = resumed = since is not None and since.epoch == position.epoch and since.seq <= position.seq
        if since is not None and not resumed:
            answer["reason"] = "epoch_changed"
        return since.seq if since is not None and resumed else None

    def _send_states(self, subscription: _Subscription, name: str) -> None:
        for event in self._publisher.states(name):
            frames = Frames(event, None)
            if subscription.wants(frames):
                self._connection.send_event(frames.message(for_=self._tag(subscription)))

    def _ignore_unwanted(self) -> None:
        wanted = {name for subscription in self._subscriptions.values() for name in subscription.events}
        for name in self._known:
            if name not in wanted:
                self._publisher.ignore(name, self._deliver)

    def _deliver(self, frames: Frames) -> None:
        connection = self._connection
        if not any(sub.live and sub.wants(frames) for sub in self._subscriptions.values()):
            return
        if connection.has_room:
            frame = frames.shared(extensions=connection.extensions)
            if not self._refused_as_large(frames, len(frame)):
                connection.send_framed(frame)
        else:
            self._withhold(frames)

    def _refused_as_large(self, frames: Frames, size: int) -> bool:
        """End the subscriptions to an event that the peer cannot take: leaving it out would be a silent hole."""
        limit = self._connection.session.capabilities.frame
        if size <= limit:
            return False
        reason = f"an event of {size} bytes; the peer takes at most {limit}"
        if not self._connection.extensions:
            self._connection.close(CloseCode.TOO_BIG, reason)
            return True
        for id in [sub.id for sub in self._subscriptions.values() if sub.wants(frames)]:
            self.end(id, Status.RESOURCE_EXHAUSTED, reason)
        return True

    def _has_log(self, subscription: _Subscription) -> bool:
        return any(self._known[name].delivery is Delivery.LOG for name in subscription.events)

    def _watch_log(self) -> None:
        """Tell positions now and then, as long as somebody follows the log."""
        executor = self._connection.executor
        if (
            self._log_watch is None
            and self._connection.extensions
            and any(map(self._has_log, self._subscriptions.values()))
        ):
            self._log_watch = executor.call_at(executor.now() + TELL_EVERY, self._log_watched)

    def _log_watched(self) -> None:
        self._log_watch = None
        self.tell_positions()
        self._watch_log()

    def _withhold(self, frames: Frames) -> None:
        """The peer reads too slowly: keep the latest states for it, and count what it misses."""
        descriptor = self._known[frames.event.event_name]
        if descriptor.delivery is Delivery.STATE:
            self._withheld[descriptor.name, *(value_at(frames.event, path) for path in descriptor.key)] = frames
        elif descriptor.delivery is Delivery.VOLATILE:
            for sub in self._subscriptions.values():
                if sub.live and sub.wants(frames):
                    self._lost[sub.id, descriptor.name] = self._lost.get((sub.id, descriptor.name), 0) + 1
        else:
            self._connection.close(CloseCode.SLOW, "events wait faster than they are read")

    def on_room(self) -> None:
        """There is room again: send the states that were withheld, and tell what was lost."""
        withheld, self._withheld = self._withheld, {}
        for frames in withheld.values():
            self._deliver(frames)
        lost, self._lost = self._lost, {}
        for (sub, event), count in lost.items():
            self._connection.about(sub, lost=Loss(event, count))
