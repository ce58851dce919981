"""Bugs in what calls do, and in the sessions that they belong to."""

# A patch takes what the patched method takes and passes it on, whatever its type.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false
from __future__ import annotations

from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any, Final, NoReturn

from msgspec.structs import replace
from tests.simulation import scenarios, validators
from tests.simulation.planting import Bugs, Patch

from duologue import Answer, CallError, Client, Connection, Effect, NotSent, Peer, Ran, Server, Stream
from duologue.calling import attempts
from duologue.calling.attempts import Attempts
from duologue.errors import Status
from duologue.handling import handlers
from duologue.handling.answers import SPENT, MemoryAnswers
from duologue.handling.giving import send_item
from duologue.handling.handlers import Handlers
from duologue.handling.keyed import KeyedCalls
from duologue.net.watchdog import Watchdog
from duologue.server.clients import Clients
from duologue.session.answering import Answering
from duologue.session.decisions import OutgoingCall, Settle, Stop
from duologue.session.session import Session
from duologue.wire import NativeCodec

PLANTED: Final = Bugs()

caught_by = PLANTED.caught_by


# ----------------------------------------------------------------------------------------------------- keys and retries
@caught_by(scenarios.calls_on_a_bad_network, validators.effects_happen_once, seed=11)
def keys_are_not_looked_at(patch: Patch) -> None:
    """Each retry of a keyed call runs its handler."""
    answer = KeyedCalls.answer
    numbers = iter(range(10**9))

    async def anew(self: KeyedCalls, identity: str, key: str, *rest: Any, **more: Any) -> tuple[Answer, bool]:
        return await answer(self, identity, f"{key}-{next(numbers)}", *rest, **more)

    patch.setattr(KeyedCalls, "answer", anew)


@caught_by(scenarios.calls_through_crashes, validators.effects_happen_once)
def recorded_answers_are_forgotten(patch: Patch) -> None:
    """What was answered once runs again."""

    async def forget(self: MemoryAnswers, identity: str, key: str, answer: Answer) -> None:
        del self._answers[identity, key]

    patch.setattr(MemoryAnswers, "record", forget)


@caught_by(scenarios.calls_through_crashes, validators.effects_happen_once, seed=32)
def a_spent_key_runs_again(patch: Patch) -> None:
    """A handler that started and left no record is no reason not to start another."""
    claim = MemoryAnswers.claim

    async def claim_again(self: MemoryAnswers, identity: str, key: str, mark: str) -> Answer | None:
        found = await claim(self, identity, key, mark)
        return None if found is not None and found.error is SPENT else found

    patch.setattr(MemoryAnswers, "claim", claim_again)


@caught_by(scenarios.calls_on_a_bad_network, validators.effects_happen_once)
def unsafe_calls_are_retried(patch: Patch) -> None:
    failed = Attempts.failed

    def retry(self: Attempts, error: Any, connection: Any) -> None:
        if self._action.effect is Effect.UNSAFE:
            self._action = replace(self._action, effect=Effect.SAFE)
        failed(self, error, connection)

    patch.setattr(Attempts, "failed", retry)


@caught_by(scenarios.calls_through_losses, validators.effects_happen_once, seed=63)
def keyed_calls_are_retried_over_a_change_of_epoch(patch: Patch) -> None:
    patch.setattr(Attempts, "_check_keys", lambda self, connection: None)


@caught_by(scenarios.calls_on_a_bad_network, validators.verdicts_are_true)
def a_sent_call_is_said_not_to_be(patch: Patch) -> None:
    """A lost connection settles its calls with `NotSent`."""
    lose = Session.lose

    def lie(self: Session) -> list[Any]:
        decisions = lose(self)
        return [Settle(d.call, NotSent("gone")) if isinstance(d, Settle) else d for d in decisions]

    patch.setattr(Session, "lose", lie)


@caught_by(scenarios.calls_on_a_bad_network, validators.verdicts_are_true, seed=2)
def an_unsent_retry_hides_the_attempt_before(patch: Patch) -> None:
    """The outcome is that of the last attempt, whatever became of the first."""

    def end(_: Attempts, error: CallError) -> NoReturn:
        raise error

    patch.setattr(Attempts, "_end", end)


@caught_by(scenarios.calls_in_calm, validators.verdicts_are_true)
def what_a_handler_raises_is_said_not_to_have_run(patch: Patch) -> None:
    patch.setattr(handlers, "Ran", SimpleNamespace(YES=Ran.NO))


# ------------------------------------------------------------------------------------------- deadlines and giving up
@caught_by(scenarios.calls_in_calm, validators.giving_up_stops_the_handler)
def giving_up_is_not_told(patch: Patch) -> None:
    def abandon(self: Session, call: OutgoingCall) -> None:
        if self.outgoing.get(call.id) is call and not call.abandoned:
            call.abandoned = True
            if call.deadline is not None:
                self.deadlines.discard(call.deadline)

    patch.setattr(Session, "abandon", abandon)


@caught_by(scenarios.calls_in_calm, validators.nothing_fails_in_calm, seed=1)
def the_id_of_an_abandoned_call_is_used_again(patch: Patch) -> None:
    abandon = Session.abandon

    def reuse(self: Session, call: OutgoingCall) -> None:
        abandon(self, call)
        if self.outgoing.pop(call.id, None) is not None and call.id == str(self._requested):
            self._requested -= 1
            self._following_id = call.id

    patch.setattr(Session, "abandon", reuse)


@caught_by(scenarios.calls_in_calm, validators.handlers_end_in_time)
def deadlines_do_not_travel(patch: Patch) -> None:
    request = NativeCodec.request

    def without(self: NativeCodec, *args: Any, deadline: int | None, **rest: Any) -> bytes:
        return request(self, *args, deadline=None, **rest)

    patch.setattr(NativeCodec, "request", without)


@caught_by(scenarios.calls_in_calm, validators.deadlines_shrink_along_the_way)
def handlers_call_on_without_end(patch: Patch) -> None:
    patch.setattr(attempts, "HANDLER_DEADLINE", ContextVar("unknown", default=None))


@caught_by(scenarios.calls_in_calm, validators.a_handler_runs_while_anybody_waits, seed=3)
def whoever_gives_up_stops_the_handler_of_all(patch: Patch) -> None:
    async def wait(self: KeyedCalls, run: Any, wait: Any) -> None:
        waiting = wait.executor.future()
        run.waiters.append(waiting)
        try:
            await waiting
        except BaseException:
            run.task.cancel()
            raise

    patch.setattr(KeyedCalls, "_wait", wait)


@caught_by(scenarios.calls_on_a_bad_network, validators.handlers_end_in_time, seed=1)
def handlers_outlive_their_deadline(patch: Patch) -> None:
    stop = Handlers.stop

    def ignore(self: Handlers, decision: Stop) -> None:
        if decision.status is not Status.DEADLINE_EXCEEDED:
            stop(self, decision)

    patch.setattr(Handlers, "stop", ignore)


@caught_by(scenarios.calls_on_a_bad_network, validators.a_lost_connection_stops_handlers)
def handlers_outlive_their_connection(patch: Patch) -> None:
    """All handlers go on as the keyed ones do."""
    begin, lose = Connection.begin, Session.lose
    patch.setattr(Connection, "begin", lambda self, scope: begin(self, self._party.scope or scope))
    patch.setattr(Session, "lose", lambda self: [d for d in lose(self) if not isinstance(d, Stop)])


@caught_by(scenarios.calls_through_crashes, validators.every_call_ends_once_and_in_time)
def waiting_for_a_connection_has_no_end(patch: Patch) -> None:
    connected = Client.connected

    async def wait(self: Client, timeout: float | None = None) -> Any:
        return await connected(self, None)

    patch.setattr(Client, "connected", wait)


@caught_by(scenarios.calls_through_crashes, validators.ended_calls_are_not_sent)
def expired_calls_are_sent_after_a_reconnect(patch: Patch) -> None:
    """A call that could not be sent stays in a buffer until there is a connection."""
    call, take = Peer._call, Client._take

    async def buffered(self: Peer, action: Any, params: Any, timeout: float | None, options: Any) -> Any:
        try:
            return await call(self, action, params, timeout, options)
        except NotSent:
            self.__dict__.setdefault("buffer", []).append((action.name, params.to_wire()))
            raise

    def empty_the_buffer(self: Client, connection: Any) -> None:
        take(self, connection)
        for name, params in self.__dict__.pop("buffer", []):
            owner = connection.executor.future()
            connection.session.request(name, params, owner, now=connection.executor.now(), timeout=5.0)

    patch.setattr(Peer, "_call", buffered)
    patch.setattr(Client, "_take", empty_the_buffer)


# ------------------------------------------------------------------------------------------------ answers and sessions
@caught_by(scenarios.calls_on_a_bad_network, validators.old_connections_are_fenced, seed=18)
def old_connections_are_not_fenced(patch: Patch) -> None:
    def welcome(self: Clients, connection: Any, hello: Any) -> None:
        self._newest[connection.identity.name, hello.session] = connection

    patch.setattr(Clients, "begin", welcome)


@caught_by(scenarios.calls_in_calm, validators.late_answers_are_only_those_given_up)
def answers_are_sent_twice(patch: Patch) -> None:
    respond = Answering._respond

    def twice(self: Answering, call: Any, message: bytes, error: Any) -> None:
        known = self.calls.get(call.id) is call
        respond(self, call, message, error)
        if known:
            self._outbox.waiting.append((message, False))

    patch.setattr(Answering, "_respond", twice)


@caught_by(scenarios.calls_in_calm, validators.an_answer_belongs_to_its_call, seed=2)
def late_answers_go_to_whoever_waits(patch: Patch) -> None:
    receive = Session._receive_response

    def pass_on(self: Session, message: Any) -> None:
        late = self.outgoing.get(message.id)
        waiting = next((call for call in self.outgoing.values() if not call.abandoned), None)
        if late is not None and late.abandoned and waiting is not None:
            del self.outgoing[late.id]
            message.id = waiting.id
        receive(self, message)

    patch.setattr(Session, "_receive_response", pass_on)


@caught_by(scenarios.calls_on_a_bad_network, validators.streams_are_whole, seed=1)
def streams_are_retried_after_their_first_item(patch: Patch) -> None:
    begin = Stream._begin_anew

    def anew(self: Stream[Any, Any], connection: Any, call: OutgoingCall) -> bool:
        assert call.inflow is not None
        call.inflow.received = 0
        return begin(self, connection, call)

    patch.setattr(Stream, "_begin_anew", anew)


@caught_by(scenarios.calls_in_tight_limits, validators.nobody_breaks_the_protocol, seed=1)
def credit_is_ignored(patch: Patch) -> None:
    async def rush(connection: Any, call: Any, item: bytes) -> bool:
        call.outflow.credit = 10**6
        return await send_item(connection, call, item)

    patch.setattr(handlers, "send_item", rush)


@caught_by(scenarios.calls_through_restarts, validators.a_graceful_stop_lets_handlers_finish)
def a_stopping_server_says_no_goodbye(patch: Patch) -> None:
    """A server that stops gives running handlers no time, and tells nobody."""

    async def abrupt(self: Server[Any]) -> None:
        self._admission.is_stopping = True
        await self._listener.aclose()
        for connection in self.connections:
            connection.abort()

    patch.setattr(Server, "aclose", abrupt)


@caught_by(scenarios.calls_on_a_bad_network, validators.nothing_is_left_behind, seed=9)
def dead_peers_are_not_noticed(patch: Patch) -> None:
    patch.setattr(Watchdog, "_watch_silence", lambda self: None)
