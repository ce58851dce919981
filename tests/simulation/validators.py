"""The promises, one function each: what it says in its docstring holds in every run, or it yields what broke it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from tests.simulation import transfer_promises
from tests.simulation.sdk import bank
from tests.simulation.service import BACK
from tests.simulation.world import DELAY, UNKNOWN, Downloaded, Placed, Reading, Uploaded, World

from duologue import DataLoss, Effect, NotSent, OutcomeUnknown, Position, Ran, Unavailable
from duologue.close_codes import FINAL, CloseCode
from duologue.handling.answers import SPENT

Validator = Callable[[World], Iterable[str]]

SLACK: Final = 0.01
"""Seconds that anything may come too late."""


# --------------------------------------------------------------------------------------------------------------- calls
def every_call_ends_once_and_in_time(world: World) -> Iterator[str]:
    """A call ends, once, in a result, an error or the caller's giving up, and within its timeout, whatever happens."""
    for call in world.placed:
        ends = (call.answer is not None) + (call.error is not None) + (call.cancelled_at is not None)
        if call.endings != 1 or ends != 1:
            yield f"{call.mark} ended {call.endings} times, in {ends} outcomes"
        took = call.ended - call.at - call.busy
        if took > call.timeout + SLACK:
            yield f"{call.mark} took {took:.3f} s of {call.timeout:.3f}"


def an_answer_belongs_to_its_call(world: World) -> Iterator[str]:
    """No call ever gets the answer of another, least of all one whose caller gave up."""
    for call in world.placed:
        if call.answer not in (None, call.mark):
            yield f"{call.mark} was answered {call.answer}"
        if isinstance(call.error, bank.Refused) and _refused_mark(call) != call.mark:
            yield f"{call.mark} was refused as {_refused_mark(call)}"


def _refused_mark(call: Placed) -> str:
    refusal: Any = call.error
    return str(refusal.details.mark)


def effects_happen_once(world: World) -> Iterator[str]:
    """`keyed` and `unsafe` actions have at most one effect, however often the connection is lost, whoever calls whom.

    Where the server has lost its recorded answers a `keyed` call ends unknown, and is not repeated either.
    """
    for call in world.placed:
        effects = world.ledger.effects[call.mark]
        if effects > 1 and call.effect is not Effect.SAFE:
            yield f"{call.mark} had {effects} effects"


def verdicts_are_true(world: World) -> Iterator[str]:
    """A result means the effect, a declared error what it declares, and `ran` tells whether the handler started."""
    for call in world.placed:
        runs, effects = len(world.ledger.runs_of(call.mark)), world.ledger.effects[call.mark]
        if call.answer is not None and (effects == 0 or call.refuse != "no"):
            yield f"{call.mark} has a result, and {effects} effects (refuse: {call.refuse})"
        if call.error is None:
            continue
        as_told = {"no": False, "before": not effects, "after": bool(effects)}[call.refuse]
        if isinstance(call.error, bank.Refused) and not as_told:
            yield f"{call.mark} was refused, and had {effects} effects (refuse: {call.refuse})"
        if call.error.ran is Ran.NO and runs and not call.shared:
            yield f"{call.mark} ran {runs} times; the caller was told that it did not: {call.error!r}"
        if call.error.ran is Ran.YES and not runs:
            yield f"{call.mark} did not run; the caller was told that it did: {call.error!r}"
        if isinstance(call.error, (NotSent, OutcomeUnknown)) and call.error.ran is Ran.YES:
            yield f"{call.mark}: {call.error!r} says that it ran"


def nothing_fails_in_calm(world: World) -> Iterator[str]:
    """Without faults a call ends as its handler decides, or in the timeout or the giving up that the caller chose."""
    for call in world.placed:
        if not world.calm or call.shared or call.error is None or isinstance(call.error, bank.Refused):
            continue
        took = call.ended - call.at
        if call.rots and isinstance(call.error, DataLoss):
            continue
        if call.error.status != "deadline_exceeded" or took < call.timeout - SLACK:
            yield f"{call.mark}: {call.error!r} after {took:.3f} s of {call.timeout:.3f}"


def a_graceful_stop_lets_handlers_finish(world: World) -> Iterator[str]:
    """A server that stops waits for running handlers as long as `Limits.drain` says: their calls end as they would."""
    for call in world.placed:
        quick = call.effect is Effect.UNSAFE and not call.back and call.work < world.limits.drain - 2 * DELAY
        if world.graceful and quick and isinstance(call.error, OutcomeUnknown) and world.ledger.runs_of(call.mark):
            yield f"{call.mark} needed {call.work:.3f} s, and was stopped: {call.error!r}"


def streams_are_whole(world: World) -> Iterator[str]:
    """Items come in order, none twice; a result comes after all of them."""
    for call in world.placed:
        if call.items != list(range(len(call.items))):
            yield f"{call.mark} gave the items {call.items}"
        if call.answer is not None and call.wanted and len(call.items) not in (call.wanted, *_without_items(call)):
            yield f"{call.mark} ended in a result after {len(call.items)} of {call.wanted} items"


def _without_items(call: Placed) -> Iterable[int]:
    """What a recorded or joined answer to a keyed stream comes with: the items that the first caller had are gone."""
    return range(call.wanted) if call.effect is Effect.KEYED else ()


def handlers_end_in_time(world: World) -> Iterator[str]:
    """Deadlines travel and shrink: the handler is told no later one than its caller's, and stopped when it passes."""
    timeouts: dict[str, float] = {}
    for call in world.placed:
        timeouts[call.mark] = max(call.timeout, timeouts.get(call.mark, 0.0))
    for run in world.ledger.runs:
        if run.deadline is None or run.deadline > run.at + timeouts.get(run.mark, math.inf) + SLACK:
            yield f"{run.mark}, begun at {run.at:.3f}, was told the deadline {run.deadline}"
        elif run.ended is not None and run.ended > run.deadline + SLACK:
            yield f"{run.mark} ran until {run.ended:.3f}, past its deadline {run.deadline:.3f}"


def deadlines_shrink_along_the_way(world: World) -> Iterator[str]:
    """A call that a handler makes ends with the handler's own deadline, whatever timeout it was given."""
    for run in world.ledger.runs if world.calm else ():  # durations count from receipt: a stall would prolong them
        if run.mark.endswith(BACK) and run.deadline is not None:
            outer = [each.deadline or 0.0 for each in world.ledger.runs_of(run.mark.removesuffix(BACK))]
            if run.deadline > max(outer) + DELAY + SLACK:
                yield f"{run.mark} had until {run.deadline:.3f}, and was called with a deadline of {max(outer):.3f}"


def giving_up_stops_the_handler(world: World) -> Iterator[str]:
    """Cancelling the last caller cancels the handler at the other end, as soon as the word is there."""
    last: dict[str, float] = {}
    for call in world.placed:
        until = math.inf if call.cancelled_at is None else call.cancelled_at
        last[call.mark] = max(until, last.get(call.mark, 0.0))
    for run in world.ledger.runs if world.calm else ():
        if run.ended is not None and run.ended > last.get(run.mark, math.inf) + DELAY + SLACK:
            yield f"{run.mark} was given up at {last[run.mark]:.3f}, and ran until {run.ended:.3f}"


def a_handler_runs_while_anybody_waits(world: World) -> Iterator[str]:
    """The handler of a keyed call is not stopped before its deadline as long as one of its callers waits."""
    for call in world.placed if world.calm else ():
        told = call.error is not None and call.error.code == SPENT.code
        for run in world.ledger.runs_of(call.mark) if told else ():
            ended = run.ended or 0.0
            if run.stopped and ended < (run.deadline or 0.0) - SLACK and call.at + 2 * DELAY < ended:
                yield f"{call.mark} was stopped at {ended:.3f}, while a caller waited"


def a_lost_connection_stops_handlers(world: World) -> Iterator[str]:
    """`safe` and `unsafe` handlers end with their connection; `keyed` ones go on, for the retry."""
    for run in world.ledger.runs:
        if run.after_loss:
            yield f"{run.mark} went on after its connection was lost"


def calls_go_on_with_the_next_connection(world: World) -> Iterator[str]:
    """A lost connection ends `unsafe` calls that were sent, and streams that had begun; the rest is done with the next.

    For a server's calls that is so as long as the client comes back within `Limits.reconnect`.
    """
    for call in world.placed if world.lasting else ():
        if not isinstance(call.error, (NotSent, OutcomeUnknown, Unavailable)) or _had_no_time(call):
            continue
        # Another caller may have taken an upload over; that rotten bytes are refused says nothing of attempts before.
        if isinstance(call, Uploaded) and (call.shared or call.rots):
            continue
        begun = call.items or (isinstance(call, Downloaded) and call.came)
        may_be_unknown = call.effect is Effect.UNSAFE or begun
        if not (may_be_unknown and isinstance(call.error, OutcomeUnknown)) and not _was_left(world, call):
            yield f"{call.mark} took {call.ended - call.at:.3f} s of {call.timeout:.3f}: {call.error!r}"


def _was_left(world: World, call: Placed) -> bool:
    """Whether its client may not have come back for so long that the server gave it up, or never told who it was."""
    since = [at for (session, _), at in world.made.items() if session == call.back and at <= call.ended]
    told = "did not come back" in str(call.error)
    return call.back == UNKNOWN or (
        bool(call.back) and told and call.ended - max(since, default=0.0) > world.limits.reconnect - SLACK
    )


def _had_no_time(call: Placed) -> bool:
    return call.ended - call.at > call.timeout - SLACK


def ended_calls_are_not_sent(world: World) -> Iterator[str]:
    """A call that has ended is never sent on a later connection."""
    for call in world.placed:
        since = world.begun if call.back else world.made  # a server has a connection before its client has it
        for run in world.ledger.runs_of(call.mark):
            made = since.get((run.session, run.generation))
            if made is not None and made > max(o.ended for o in world.placed if o.mark == call.mark):
                yield f"{call.mark} ended at {call.ended:.3f}, and ran on a connection made at {made:.3f}"


def old_connections_are_fenced(world: World) -> Iterator[str]:
    """Once a newer connection of a session has spoken, no handler starts on an older one."""
    newest: dict[str, int] = {}
    for run in world.ledger.runs:
        if run.generation < newest.get(run.session, 0):
            yield f"{run.mark} ran on connection {run.generation} after {newest[run.session]} had spoken"
        newest[run.session] = max(newest.get(run.session, 0), run.generation)


def late_answers_are_only_those_given_up(world: World) -> Iterator[str]:
    """Each request has one response: what is dropped is no more than what callers gave up or waited too long for."""
    given_up = sum(map(_was_abandoned, world.placed)) + sum(run.asks for run in world.ledger.runs)
    if world.dropped > given_up and not world.subscribed:  # an `unsubscribe` may be given up, too
        yield f"{world.dropped} answers came that nobody waited for, {given_up} calls were given up"


def _was_abandoned(call: Placed) -> bool:
    """Whether its caller gave up, or its timeout passed, which after an earlier attempt is told as unknown."""
    return call.cancelled_at is not None or (call.error is not None and _had_no_time(call))


def nobody_breaks_the_protocol(world: World) -> Iterator[str]:
    """Neither end ever closes a connection because of what the other says."""
    broken = FINAL | {CloseCode.PROTOCOL_ERROR, CloseCode.UNSUPPORTED, CloseCode.INVALID_DATA, CloseCode.INTERNAL_ERROR}
    for client in world.all_clients:
        for closed in client.losses:
            if closed.close_code in broken:
                yield f"a client's connection ended: {closed}"


# -------------------------------------------------------------------------------------------------------------- events
def logs_are_gap_free(world: World) -> Iterator[str]:
    """A `log` subscriber sees the log from its position on: in order, nothing twice, nothing missing.

    Its position is always that of the event that it has read last.
    """
    for reading in world.log_readings:
        if reading.failure is not None:
            yield f"a log reader failed: {reading.failure!r}"
        if reading.start is None:
            continue
        expected = _expected(world, reading)
        if reading.numbers != expected[: len(reading.numbers)]:
            yield f"from {reading.start.seq} of account {reading.account}: {reading.numbers} instead of {expected}"
        elif reading.lost is None and reading.numbers != expected:
            yield f"from {reading.start.seq}: still missing {expected[len(reading.numbers) :]}"
        for position, event in reading.seen:
            if position is None or event.number != _number_at(world, position):
                yield f"after event {event.number} the position is {position}"
                break


def losses_of_history_are_told(world: World) -> Iterator[str]:
    """`HistoryLost` comes where history was lost, and only there."""
    for reading in world.log_readings:
        if reading.start is None:
            continue
        kept = reading.start.epoch == world.logs[-1].position.epoch
        if kept and reading.lost is not None:
            yield f"history was said to be lost ({reading.lost}), and is not"
        if not kept and reading.lost is None:
            yield "history was lost, and the reader not told"


def states_converge(world: World) -> Iterator[str]:
    """After quiet a `state` subscriber knows the last value of each key; at no time does an older value follow."""
    for reading in world.state_readings:
        latest: dict[str, int] = {}
        for _, event in reading.seen:
            if event.number < latest.get(event.account, 0):
                yield f"{event.account}: {event.number} after {latest[event.account]}"
            latest[event.account] = event.number
        wanted = {account: n for account, n in world.levels.items() if reading.account in (None, account)}
        if latest != wanted:
            yield f"a state reader ends with {latest} instead of {wanted}"
        if reading.failure is not None or reading.lost is not None:
            yield f"a state reader failed: {reading.failure!r} {reading.lost}"


def volatile_losses_are_counted(world: World) -> Iterator[str]:
    """A `volatile` subscriber gets each event once, in order; on one connection it knows how many it did not get."""
    for reading in world.tick_readings:
        if reading.numbers != sorted(set(reading.numbers)):
            yield f"volatile events came as {reading.numbers}"
        counted = len(reading.seen) + reading.missed
        surely, perhaps = (_emitted(world, reading, since) for since in (reading.opened, reading.asked))
        if not reading.disturbed and not surely <= counted <= perhaps:
            yield f"{len(reading.seen)} volatile events came, {reading.missed} were missed, of {surely}"
        if reading.failure is not None or reading.lost is not None:
            yield f"a reader of volatile events failed: {reading.failure!r} {reading.lost}"


def events_precede_answers(world: World) -> Iterator[str]:
    """What a handler emits before it returns is with the subscriber before the answer is."""
    for mark in world.overtaken:
        yield f"{mark} was answered before its event came"


def filters_hold(world: World) -> Iterator[str]:
    """A subscriber gets nothing that it filtered out."""
    for reading in (*world.log_readings, *world.state_readings, *world.tick_readings):
        if reading.account is not None and any(event.account != reading.account for _, event in reading.seen):
            yield f"a reader of account {reading.account} got another's events"


def _held(world: World, epoch: str) -> list[Any]:
    (log,) = (log for log in world.logs if log.position.epoch == epoch)
    return log.held


def _number_at(world: World, position: Position) -> int:
    held = _held(world, position.epoch)
    return held[position.seq - 1].number if 0 < position.seq <= len(held) else 0


def _expected(world: World, reading: Reading) -> list[int]:
    assert reading.start is not None
    following = _held(world, reading.start.epoch)[reading.start.seq :]
    return [event.number for event in following if reading.account in (None, event.account)]


def _emitted(world: World, reading: Reading, since: float) -> int:
    return sum(at >= since and reading.account in (None, tick.account) for at, tick in world.ticks)


# ----------------------------------------------------------------------------------------------------------- resources
def nothing_is_left_behind(world: World) -> Iterator[str]:
    """No task, pending call, deadline, subscription, connection or session is left over."""
    yield from world.leaks


VALIDATORS: Final[tuple[Validator, ...]] = (
    every_call_ends_once_and_in_time,
    an_answer_belongs_to_its_call,
    effects_happen_once,
    verdicts_are_true,
    nothing_fails_in_calm,
    a_graceful_stop_lets_handlers_finish,
    streams_are_whole,
    handlers_end_in_time,
    deadlines_shrink_along_the_way,
    giving_up_stops_the_handler,
    a_handler_runs_while_anybody_waits,
    a_lost_connection_stops_handlers,
    calls_go_on_with_the_next_connection,
    ended_calls_are_not_sent,
    old_connections_are_fenced,
    late_answers_are_only_those_given_up,
    nobody_breaks_the_protocol,
    *transfer_promises.PROMISES,
    logs_are_gap_free,
    losses_of_history_are_told,
    states_converge,
    volatile_losses_are_counted,
    events_precede_answers,
    filters_hold,
    nothing_is_left_behind,
)


def broken(world: World) -> list[str]:
    """What does not hold, each with the promise that it breaks."""
    return [f"{validator.__name__}: {problem}" for validator in VALIDATORS for problem in validator(world)]
