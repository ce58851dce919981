"""Bugs in what a server's calls to its clients do, while the calls of the clients are as they should be."""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace
from tests.simulation import scenarios, validators
from tests.simulation.planting import Bugs, Patch

from duologue import Client, Connection, Effect
from duologue.calling.attempts import Attempts
from duologue.errors import NotSent
from duologue.handling.answers import MemoryAnswers
from duologue.handling.keyed import KeyedCalls
from duologue.server.clients import Clients
from duologue.session.decisions import OutgoingCall
from duologue.session.session import Session
from duologue.session.states import Role

PLANTED: Final = Bugs()

caught_by = PLANTED.caught_by


@caught_by(scenarios.calls_to_clients, validators.calls_go_on_with_the_next_connection)
def a_lost_client_is_not_waited_for(patch: Patch) -> None:
    def forget(self: Clients, session: Any) -> None:
        self._forget(session, NotSent("the client is gone, and did not come back"))

    patch.setattr(Clients, "_wait_for", forget)


@caught_by(scenarios.calls_to_clients, validators.calls_go_on_with_the_next_connection)
def calls_to_a_client_do_not_follow_it(patch: Patch) -> None:
    """A client that comes back is another one to those who call it."""

    def begin_anew(self: Connection, earlier: Connection) -> None:
        earlier.channel.end(NotSent("another connection took over"))

    patch.setattr(Connection, "follow", begin_anew)


@caught_by(scenarios.calls_to_clients, validators.effects_happen_once)
def a_client_forgets_its_keys_with_each_connection(patch: Patch) -> None:
    """And does not say so: its epoch stays."""
    dial = Client._dial

    async def forget(self: Client) -> Any:
        told = self._keyed.told
        self._keyed = KeyedCalls(MemoryAnswers())
        self._keyed.told = told
        return await dial(self)

    patch.setattr(Client, "_dial", forget)


@caught_by(scenarios.calls_to_clients, validators.effects_happen_once, seed=30)
def unsafe_calls_to_clients_are_retried(patch: Patch) -> None:
    failed = Attempts.failed

    def retry(self: Attempts, error: Any, connection: Any) -> None:
        if self._action.effect is Effect.UNSAFE and not isinstance(self._peer, Client):
            self._action = replace(self._action, effect=Effect.SAFE)
        failed(self, error, connection)

    patch.setattr(Attempts, "failed", retry)


@caught_by(scenarios.calls_in_calm, validators.giving_up_stops_the_handler, seed=1)
def a_client_is_not_told_that_its_caller_gave_up(patch: Patch) -> None:
    abandon = Session.abandon

    def keep_quiet(self: Session, call: OutgoingCall) -> None:
        waiting = len(self.outbox.waiting)
        abandon(self, call)
        if self.role is Role.SERVER:
            del self.outbox.waiting[waiting:]

    patch.setattr(Session, "abandon", keep_quiet)
