"""What one peer has subscribed to: the built-in actions `subscribe` and `unsubscribe`, replay, delivery."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import anyio.lowlevel
import msgspec
from msgspec import Meta, Raw

from ..close_codes import CloseCode
from ..descriptors import Delivery
from ..drivers.port import Timer
from ..errors import AlreadyExists, InvalidArgument, NotFound, PermissionDenied, Ran, ResourceExhausted, Status
from ..models import Event
from ..observing.observer import Fate
from ..wire import Loss, Point, Reset, SubscriptionEnd
from .filters import Filter, value_at
from .framing import Frames
from .publisher import Position, Publisher
from .wanting import Opening, State, Subscription, Wanted

if TYPE_CHECKING:
    from ..connection.connection import Connection

FormT = TypeVar("FormT")

IMPLICIT: Final = "*"
"""The one subscription of a peer that names none; what it subscribes to adds up."""

TELL_EVERY: Final = 10.0
"""Seconds between words about how far the log has been looked through."""

REPLAY_BATCH: Final = 256
"""Log entries read at once for a subscriber that catches up."""

_NOTHING: Final[frozenset[str]] = frozenset()


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


class Subscriptions:
    """The subscriptions of one connection; a live event leaves once, whichever of them want it."""

    def __init__(self, connection: Connection, publisher: Publisher) -> None:
        self._connection = connection
        self._outbox = connection.session.outbox
        self._outlet = connection.outlet
        self._watch = connection.watch
        self._publisher = publisher
        self._known = publisher.events
        self._subscriptions: dict[str, Subscription] = {}
        self._certain = _NOTHING
        self._withheld: dict[State, Frames] = {}
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
                theirs = ", ".join(filter(self._may_have, self._known)) or "none"
                raise InvalidArgument(f"no event is called {name}; there are: {theirs}", ran=Ran.NO)
            if (refusal := self._connection.refusal(self._known[name])) is not None:
                raise PermissionDenied(refusal.message, ran=Ran.NO)
        accepted = Filter([self._known[name] for name in wanted.events], wanted.filter)
        subscription = self._open(wanted.sub)
        opened = {self._known[name].name: Wanted(accepted) for name in wanted.events}  # its text is there already
        subscription.events.update(opened)
        self._certain = _NOTHING
        for name in wanted.events:
            self._publisher.listen(name, self._deliver)
        position = self._publisher.log.position
        answer: dict[str, object] = {"sub": wanted.sub, "epoch": position.epoch, "seq": position.seq}
        after = self._resume(wanted.since, position, answer)
        states = deque(event for name in opened for event in self._publisher.states(name))
        opening = Opening(subscription, opened, position.seq if after is None else after, states)
        return msgspec.json.encode(answer), opening

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

    def follow_all(self) -> None:
        """Send every event from now on: the peer speaks a protocol in which nobody subscribes."""
        subscription = self._open(IMPLICIT)
        for name, descriptor in self._known.items():
            wanted = subscription.events[name] = Wanted(Filter([descriptor], {}))
            wanted.live = True
            self._publisher.listen(name, self._deliver)

    def tell_positions(self) -> None:
        """Say how far the log has been looked through, so that what passes no filter is not looked through again."""
        seq, epoch = self._publisher.published, self._publisher.log.position.epoch
        for subscription in self._subscriptions.values():
            if seq > subscription.told and self._follows_log(subscription):
                subscription.told = seq
                self._outlet.about(subscription.id, at=Point(epoch, seq))

    def end(self, subscription: Subscription, status: Status, reason: str) -> None:
        """End a subscription from this side, and say why."""
        if self._subscriptions.get(subscription.id) is subscription:  # else it has ended meanwhile
            del self._subscriptions[subscription.id]
            subscription.events.clear()
            self._outlet.about(subscription.id, end=SubscriptionEnd(status, reason))
            self._ignore_unwanted()

    def recheck(self) -> None:
        """The peer's rights are others than before: end the subscriptions that they do not cover."""
        for subscription in list(self._subscriptions.values()):
            lost = [name for name in subscription.events if not self._may_have(name)]
            if lost and self._connection.extensions:
                self.end(subscription, Status.PERMISSION_DENIED, f"the scope for {lost[0]} was taken away")
            for name in lost:  # a plain peer goes on with the rest of its one subscription
                subscription.events.pop(name, None)
        self._ignore_unwanted()

    def close(self) -> None:
        """The connection is gone."""
        if self._log_watch is not None:
            self._log_watch.cancel()
        for subscription in self._subscriptions.values():
            subscription.events.clear()
        self._subscriptions.clear()
        self._ignore_unwanted()

    def follow(self, opening: Opening) -> bool:
        """Let a subscription follow what happens; False where something else is to be sent first."""
        held = opening.held
        if not held:
            return True
        if self._is_behind(opening) or opening.states or any(wanted.changed for wanted in held.values()):
            return False
        for wanted in held.values():
            wanted.live = True
        position = self._publisher.log.position
        self._outlet.about(opening.subscription.id, live=Point(position.epoch, position.seq))
        self._watch_log()
        return True

    async def replay(self, opening: Opening) -> None:
        """Send the log since the starting point, the latest states, and what comes meanwhile; then let it follow."""
        while not self.follow(opening):
            going_on = await (self._send_log(opening) if self._is_behind(opening) else self._send_states(opening))
            if not going_on:
                return
            await anyio.lowlevel.checkpoint()  # there may be room all the time, and others have their turn, too

    # -------------------------------------------------------------------------------------------------------- helpers
    def _open(self, id: str) -> Subscription:
        found = self._subscriptions.get(id)
        if found is not None and id == IMPLICIT:
            return found
        if found is not None:
            raise AlreadyExists(f"a subscription is called {id} already", ran=Ran.NO)
        limit = self._connection.limits.subscriptions
        if len(self._subscriptions) >= limit:
            if self._watch is not None:
                self._watch.refused("subscriptions")
            raise ResourceExhausted(f"subscriptions: {limit} are open already", ran=Ran.NO)
        subscription = self._subscriptions[id] = Subscription(id, self._may_have)
        return subscription

    def _may_have(self, name: str) -> bool:
        return self._connection.refusal(self._known[name]) is None

    def _is_behind(self, opening: Opening) -> bool:
        return opening.after < self._publisher.log.position.seq and any(map(self._is_log, opening.held))

    def _is_log(self, name: str) -> bool:
        return self._known[name].delivery is Delivery.LOG

    def _state(self, event: Event) -> State:
        return event.event_name, *(value_at(event, path) for path in self._known[event.event_name].key)

    def _tag(self, subscription: Subscription) -> str | None:
        return subscription.id if self._connection.extensions else None

    def _resume(self, since: Point | None, position: Position, answer: dict[str, object]) -> int | None:
        answer["resumed"] = resumed = since is not None and since.epoch == position.epoch and since.seq <= position.seq
        if since is not None and not resumed:
            answer["reason"] = "epoch_changed"
        return since.seq if since is not None and resumed else None

    async def _send_log(self, opening: Opening) -> bool:
        """Send some of what the log holds; False when that is over."""
        log = self._publisher.log
        entries = await log.read(opening.after, REPLAY_BATCH)
        if entries is None:
            position = log.position
            self._outlet.about(opening.subscription.id, reset=Reset("history_cut", position.epoch, position.seq))
            opening.after = position.seq
            return True
        for entry in entries:
            if not await self._send(opening, entry.event, entry.seq):
                return False
            opening.after = entry.seq
        return True

    async def _send_states(self, opening: Opening) -> bool:
        """Send some of the states; False when that is over."""
        if not opening.states:
            for wanted in opening.held.values():
                opening.states.extend(wanted.changed.values())
                wanted.changed.clear()
        for _ in range(min(REPLAY_BATCH, len(opening.states))):
            if not await self._send(opening, opening.states.popleft(), None):
                return False
        return True

    async def _send(self, opening: Opening, event: Event, seq: int | None) -> bool:
        """Send an event to one subscription, if that wants it, when there is room; False when it is not to go on."""
        if opening.wants(event) is None:
            return True
        if not await self._outlet.room():
            return False
        wanted = opening.wants(event)  # it may be another by now
        if wanted is None or (wanted.changed and self._state(event) in wanted.changed):  # what is newer follows
            return True
        frames = Frames(event, seq, self._publisher.codec)
        message = frames.message(for_=self._tag(opening.subscription))
        if len(message) > self._outbox.capabilities.frame:
            self._refuse_as_large(frames, len(message))
            return False
        self._outlet.send_event(message)
        self._tell(event.event_name, Fate.DELIVERED)
        return True

    def _ignore_unwanted(self) -> None:
        self._certain = _NOTHING
        wanted = {name for subscription in self._subscriptions.values() for name in subscription.events}
        for name in self._known:
            if name not in wanted:
                self._publisher.ignore(name, self._deliver)

    def _deliver(self, frames: Frames, *, is_followed: bool = False) -> None:
        """Send an event, if a subscription follows it: thousands of connections are asked one after the other."""
        if not (is_followed or frames.name in self._certain or self._is_followed(frames.event)):
            return
        outlet, capabilities = self._outlet, self._outbox.capabilities
        if not outlet.link.has_room:
            self._withhold(frames)
        elif (
            frames.most > capabilities.frame
            and (size := len(frames.shared(extensions=capabilities.extensions))) > capabilities.frame
        ):
            self._refuse_as_large(frames, size)
        else:
            outlet.send_shared(frames)
            if self._watch is not None:
                self._watch.events(frames.name, Fate.DELIVERED)

    def _is_followed(self, event: Event) -> bool:
        """Whether a subscription follows this event, which is new; those not so far get the latest states later.

        Where nothing of that depends on what is in the event, `_certain` spares the next one the same questions.
        """
        name, followed = event.event_name, False
        if not self._may_have(name):
            return False
        wanting = [wanted for sub in self._subscriptions.values() if (wanted := sub.events.get(name)) is not None]
        if all(wanted.live for wanted in wanting) and any(wanted.accepts.takes_all(name) for wanted in wanting):
            self._certain |= {name}
            return True
        for wanted in wanting:
            if (wanted.live and followed) or not wanted.accepts.matches(event):
                continue
            if wanted.live:
                followed = True
            elif self._known[name].delivery is Delivery.STATE:
                wanted.changed[self._state(event)] = event
        return followed

    def _refuse_as_large(self, frames: Frames, size: int) -> None:
        """End the subscriptions to an event that the peer cannot take: leaving it out would be a silent hole."""
        most = self._outbox.capabilities.frame
        reason = f"an event of {size} bytes; the peer takes at most {most}"
        if not self._connection.extensions:
            self._connection.close(CloseCode.TOO_BIG, reason)
            return
        for subscription in [sub for sub in self._subscriptions.values() if sub.wants(frames.event)]:
            self.end(subscription, Status.RESOURCE_EXHAUSTED, reason)

    def _follows_log(self, subscription: Subscription) -> bool:
        """Whether it has caught up with the log, and follows it."""
        log = [wanted for name, wanted in subscription.events.items() if self._is_log(name)]
        return bool(log) and all(wanted.live for wanted in log)

    def _watch_log(self) -> None:
        """Tell positions now and then, as long as somebody follows the log."""
        executor = self._connection.executor
        if (
            self._log_watch is None
            and self._connection.extensions
            and any(map(self._follows_log, self._subscriptions.values()))
        ):
            self._log_watch = executor.alarm_at(executor.now() + TELL_EVERY, self._log_watched)

    def _log_watched(self) -> None:
        self._log_watch = None
        self.tell_positions()
        self._watch_log()

    def _withhold(self, frames: Frames) -> None:
        """The peer reads too slowly: keep the latest states for it, and count what it misses."""
        descriptor = self._known[frames.event.event_name]
        if descriptor.delivery is Delivery.STATE:
            state = self._state(frames.event)
            if state in self._withheld:
                self._tell(descriptor.name, Fate.COALESCED)
            self._withheld[state] = frames
        elif descriptor.delivery is Delivery.VOLATILE:
            self._tell(descriptor.name, Fate.DROPPED)
            for sub in self._subscriptions.values():
                if sub.follows(frames.event):
                    self._lost[sub.id, descriptor.name] = self._lost.get((sub.id, descriptor.name), 0) + 1
        else:
            self._connection.close(CloseCode.SLOW, "events wait faster than they are read", "outbound")

    def _tell(self, event: str, fate: Fate) -> None:
        if self._watch is not None:
            self._watch.events(event, fate)

    def on_room(self) -> None:
        """There is room again: send the states that were withheld, and tell what was lost."""
        withheld, self._withheld = self._withheld, {}
        for frames in withheld.values():  # those that are not live yet may know newer ones
            if any(subscription.follows(frames.event) for subscription in self._subscriptions.values()):
                self._deliver(frames, is_followed=True)
        lost, self._lost = self._lost, {}
        for (sub, event), count in lost.items():
            self._outlet.about(sub, lost=Loss(event, count))
