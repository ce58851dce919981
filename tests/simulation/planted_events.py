"""Bugs in events: what is told, resumed, replayed and left out."""

# A patch takes what the patched method takes and passes it on, whatever its type.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false
from __future__ import annotations

from typing import Any, Final

from tests.simulation import scenarios, validators
from tests.simulation.planting import Bugs, Patch

from duologue import Client, Event, EventStream, Position, Publisher
from duologue.events.filters import Filter
from duologue.events.subscriptions import Subscriptions
from duologue.events.wanting import Opening
from duologue.wire import Point

PLANTED: Final = Bugs()

caught_by = PLANTED.caught_by


@caught_by(scenarios.events_on_a_bad_network, validators.logs_are_gap_free)
def streams_resume_one_too_late(patch: Patch) -> None:
    resume = EventStream.resume

    async def skip(self: EventStream[Any], connection: Any, *more: Any) -> None:
        if self._received is not None and self.standing:
            self._received = Position(self._received.epoch, self._received.seq + 1)
        await resume(self, connection, *more)

    patch.setattr(EventStream, "resume", skip)


@caught_by(scenarios.events_on_a_bad_network, validators.logs_are_gap_free)
def streams_resume_where_they_once_began(patch: Patch) -> None:
    """Each reconnect asks for what came after the first position, and what was read already is read again."""
    resume = EventStream.resume
    firsts: dict[EventStream[Any], Position | None] = {}

    async def restart(self: EventStream[Any], connection: Any, *more: Any) -> None:
        if (first := firsts.get(self)) is not None:
            self._received = first
        await resume(self, connection, *more)
        firsts.setdefault(self, self._received)

    patch.setattr(EventStream, "resume", restart)


@caught_by(scenarios.events_through_losses, validators.losses_of_history_are_told, seed=3)
def the_epoch_of_the_log_is_ignored(patch: Patch) -> None:
    """Both ends take a number that the new history has as well for the old one."""

    def resume(self: Subscriptions, since: Point | None, position: Position, answer: dict[str, object]) -> int | None:
        resumed = since if since is not None and since.seq <= position.seq else None
        answer["resumed"] = resumed is not None
        return resumed.seq if resumed is not None else None

    patch.setattr(Subscriptions, "_resume", resume)
    new_history_is_read_before_the_loss_is_told(patch)


@caught_by(scenarios.events_on_a_bad_network, validators.losses_of_history_are_told)
def every_reconnect_is_said_to_lose_history(patch: Patch) -> None:
    def refuse(self: Subscriptions, since: Any, position: Position, answer: dict[str, object]) -> int | None:
        answer["resumed"] = False
        return None

    patch.setattr(Subscriptions, "_resume", refuse)


@caught_by(scenarios.events_on_a_bad_network, validators.logs_are_gap_free, seed=2)
def live_before_the_replay_is_done(patch: Patch) -> None:
    """What happens during a replay overtakes it."""
    replay = Subscriptions.replay

    async def early(self: Subscriptions, opening: Opening) -> None:
        for wanted in opening.held.values():
            wanted.live = True
        position = self._publisher.log.position
        self._connection.outlet.about(opening.subscription.id, live=Point(position.epoch, opening.after))
        await replay(self, opening)

    patch.setattr(Subscriptions, "replay", early)


@caught_by(scenarios.events_on_a_bad_network, validators.logs_are_gap_free, seed=18)
def streams_do_not_wait_for_their_own_live(patch: Patch) -> None:
    """What the connection carries for one stream is taken by the next, which has not caught up yet."""
    offer = EventStream.offer

    def at_once(self: EventStream[Any], event: Any, message: Any) -> None:
        self._live |= self.standing
        offer(self, event, message)

    patch.setattr(EventStream, "offer", at_once)


@caught_by(scenarios.events_through_losses, validators.logs_are_gap_free, seed=43)
def new_history_is_read_before_the_loss_is_told(patch: Patch) -> None:
    def begin(self: EventStream[Any], point: Point) -> None:
        self._live = True
        self._look(point)

    patch.setattr(EventStream, "_begin_live", begin)


@caught_by(scenarios.events_on_a_bad_network, validators.logs_are_gap_free)
def replays_are_left_out(patch: Patch) -> None:
    follow = Subscriptions.follow

    def leave_out(self: Subscriptions, opening: Opening) -> bool:
        opening.after = self._publisher.log.position.seq
        return follow(self, opening)

    patch.setattr(Subscriptions, "follow", leave_out)


@caught_by(scenarios.events_in_calm, validators.states_converge, seed=34)
def late_subscribers_get_no_snapshot(patch: Patch) -> None:
    patch.setattr(Publisher, "states", lambda self, name: [])


@caught_by(scenarios.late_subscribers, validators.states_converge, seed=3)
def a_state_that_changes_during_the_snapshot_is_lost(patch: Patch) -> None:
    is_followed = Subscriptions._is_followed

    def forget(self: Subscriptions, event: Event) -> bool:
        followed = is_followed(self, event)
        for subscription in self._subscriptions.values():
            for wanted in subscription.events.values():
                wanted.changed.clear()
        return followed

    patch.setattr(Subscriptions, "_is_followed", forget)


@caught_by(scenarios.late_subscribers, validators.states_converge, seed=3)
def a_snapshot_overtakes_what_changes_meanwhile(patch: Patch) -> None:
    """Who subscribes follows at once, and gets the states of that moment later."""
    subscribe = Subscriptions.subscribe

    def at_once(self: Subscriptions, params: bytes) -> tuple[bytes, Opening]:
        data, opening = subscribe(self, params)
        for wanted in opening.wanted.values():
            wanted.live = True
        position = self._publisher.log.position
        self._connection.outlet.about(opening.subscription.id, live=Point(position.epoch, opening.after))
        return data, opening

    patch.setattr(Subscriptions, "subscribe", at_once)


@caught_by(scenarios.events_on_a_bad_network, validators.filters_hold)
def filters_are_ignored(patch: Patch) -> None:
    patch.setattr(Filter, "matches", lambda self, event: True)


@caught_by(scenarios.calls_with_events, validators.events_precede_answers)
def events_take_their_time(patch: Patch) -> None:
    deliver = Subscriptions._deliver

    def late(self: Subscriptions, frames: Any) -> None:
        executor = self._connection.executor
        executor.call_at(executor.now() + 0.01, lambda: deliver(self, frames))

    patch.setattr(Subscriptions, "_deliver", late)


@caught_by(scenarios.slow_readers, validators.states_converge)
def what_finds_no_room_is_dropped(patch: Patch) -> None:
    patch.setattr(Subscriptions, "_withhold", lambda self, frames: None)


@caught_by(scenarios.slow_readers, validators.volatile_losses_are_counted, seed=22)
def lost_volatile_events_are_not_told(patch: Patch) -> None:
    on_room = Subscriptions.on_room

    def forget(self: Subscriptions) -> None:
        self._lost.clear()
        on_room(self)

    patch.setattr(Subscriptions, "on_room", forget)


@caught_by(scenarios.slow_readers, validators.logs_are_gap_free)
def a_slow_log_goes_on_from_what_came(patch: Patch) -> None:
    """A queue that was full is continued after what it had no place for."""

    def drop(self: EventStream[Any], descriptor: Any, event: Any, seq: int | None, route: Any) -> None:
        if len(self._queue) < self._client.limits.event_queue or descriptor.delivery == "state":
            put(self, descriptor, event, seq, route)

    put = EventStream._put
    patch.setattr(EventStream, "_put", drop)


@caught_by(scenarios.slow_readers, validators.states_converge, seed=4)
def the_first_of_coalesced_states_is_kept(patch: Patch) -> None:
    def keep(self: EventStream[Any], descriptor: Any, event: Any, seq: int | None, route: Any) -> None:
        state = (descriptor.name, event.account)
        if state not in self._states:
            put(self, descriptor, event, seq, route)

    put = EventStream._put
    patch.setattr(EventStream, "_put", keep)


@caught_by(scenarios.events_in_calm, validators.nothing_is_left_behind)
def subscriptions_outlive_their_streams(patch: Patch) -> None:
    def forget(self: Client, sub: str) -> Any:
        told = self.executor.future()
        told.set_result(None)
        return told

    patch.setattr(Client, "forget", forget)
