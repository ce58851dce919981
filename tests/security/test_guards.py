"""Each guard is needed: with it gone, what it keeps out comes in; and with all of them in place, nothing does."""

# A patch takes what the patched function takes, whatever its type.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false
from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest
from tests.security import probes
from tests.security.vaults import token_of

from duologue import Anonymous, Claim, Connection, EventDescriptor, auth
from duologue.access.admission import Admission, Crowd, Unfinished
from duologue.access.gate import Gate, Rights
from duologue.access.proxies import Proxies
from duologue.access.standing import Standing
from duologue.calling.calls import Calls
from duologue.events.subscriptions import Subscriptions
from duologue.handling import lingering
from duologue.handling.handlers import Handlers
from duologue.handling.notifications import Notifications
from duologue.net import handshake
from duologue.server import clients, reception, server
from duologue.server.reception import Reception

pytestmark = pytest.mark.anyio

Patch = pytest.MonkeyPatch
Probe = Callable[[], Awaitable[bool]]


@dataclass(frozen=True)
class Guard:
    """How a guard is taken away, and what then comes in."""

    remove: Callable[[Patch], None]
    probe: Probe


GUARDS: Final[dict[str, Guard]] = {}


def keeps_out(probe: Probe) -> Callable[[Callable[[Patch], None]], None]:
    """Enter a guard into the table."""

    def enter(remove: Callable[[Patch], None]) -> None:
        GUARDS[remove.__name__] = Guard(remove, probe)

    return enter


def nothing(*args: Any, **kwargs: Any) -> None: ...


# ------------------------------------------------------------------------------------------------------- who is let in
@keeps_out(probes.a_bad_token)
def tokens_are_compared(patch: Patch) -> None:
    async def everybody(self: Any, credentials: Any) -> Any:
        return auth.Identity(name="owner", roles={"owner"})

    patch.setattr(auth.StaticTokens, "authenticate", everybody)


@keeps_out(probes.two_tokens)
def one_header_is_taken(patch: Patch) -> None:
    credentials_of = handshake.credentials_of

    def first(request: Any, *rest: Any) -> Any:
        headers = request.headers
        value = headers.get_all("Authorization")[0]
        del headers["Authorization"]
        headers["Authorization"] = value
        return credentials_of(request, *rest)

    patch.setattr(reception, "credentials_of", first)


@keeps_out(probes.an_origin_that_is_not_listed)
def origins_are_listed(patch: Patch) -> None:
    patch.setattr(
        reception, "server_protocol", lambda limits, _, *more: handshake.server_protocol(limits, ["*"], *more)
    )


@keeps_out(probes.an_expired_token)
def expired_credentials_are_refused(patch: Patch) -> None:
    async def identify(self: Admission, credentials: Any) -> Any:
        return await self._authenticator.authenticate(credentials)

    patch.setattr(Admission, "identify", identify)


@keeps_out(probes.a_token_revoked_while_it_is_asked_about)
def those_being_asked_about_are_revoked_too(patch: Patch) -> None:
    patch.setattr(Admission, "revoke", nothing)


@keeps_out(probes.too_many_connections_of_an_identity)
def connections_of_an_identity_are_counted(patch: Patch) -> None:
    patch.setattr(Admission, "has_room", lambda *_: True)
    patch.setattr(Admission, "leave", nothing)


@keeps_out(probes.too_many_connections_of_an_address)
def connections_of_an_address_are_counted(patch: Patch) -> None:
    patch.setattr(Crowd, "enter", lambda *_: 1)
    patch.setattr(Crowd, "leave", nothing)


@keeps_out(probes.an_address_that_anybody_may_write)
def proxies_are_only_trusted_if_they_are_named(patch: Patch) -> None:
    patch.setattr(Proxies, "__contains__", lambda *_: True)
    patch.setattr(Proxies, "_trusts", lambda self, address: address is not None and address.is_loopback)


@keeps_out(probes.a_handshake_that_stays_though_others_come)
def unfinished_handshakes_are_counted(patch: Patch) -> None:
    patch.setattr(Unfinished, "enter", nothing)


@keeps_out(probes.a_server_open_to_others_without_an_authenticator)
def an_authenticator_is_asked_for(patch: Patch) -> None:
    patch.setattr(server, "authenticator_for", lambda given, *_: given or Anonymous.all())


# --------------------------------------------------------------------------------------------------- the first message
@keeps_out(probes.a_call_before_the_login)
def the_first_message_has_to_be_a_login(patch: Patch) -> None:
    def on_message(self: Reception, data: bytes) -> None:
        self._scope.spawn(self._log_in, "1", token_of("owner"))

    patch.setattr(Reception, "on_message", on_message)


@keeps_out(probes.a_second_message_before_the_login_is_over)
def one_message_is_all(patch: Patch) -> None:
    patch.setattr(Reception, "_asked", property(lambda self: False, nothing), raising=False)


@keeps_out(probes.a_large_first_message)
def a_first_message_is_small(patch: Patch) -> None:
    patch.setattr(reception, "FIRST_MESSAGE", 1 << 20)


@keeps_out(probes.a_login_that_never_comes)
def a_login_has_to_come_in_time(patch: Patch) -> None:
    patch.setattr(Reception, "on_open", nothing)


# ------------------------------------------------------------------------------------------------------------ the gate
@keeps_out(probes.a_call_without_its_scope)
def calls_need_their_scope(patch: Patch) -> None:
    patch.setattr(Gate, "admit", nothing)


@keeps_out(probes.a_call_with_one_scope_of_two)
def all_scopes_are_needed(patch: Patch) -> None:
    cover = Rights.cover
    patch.setattr(Rights, "cover", lambda self, it: cover(self, it) or any(scope in self.scopes for scope in it.scope))


@keeps_out(probes.a_stream_without_its_scope)
def streams_need_their_scope(patch: Patch) -> None:
    patch.setattr(Handlers, "_refusal", nothing)


@keeps_out(probes.a_subscription_without_its_scope)
def subscriptions_need_their_scope(patch: Patch) -> None:
    let_events_through(patch)


@keeps_out(probes.a_notification_without_its_scope)
def notifications_need_their_scope(patch: Patch) -> None:
    let_events_through(patch)


def let_events_through(patch: Patch) -> None:
    let_through(patch, lambda it: isinstance(it, EventDescriptor))


def let_through(patch: Patch, which: Callable[[Any], bool]) -> None:
    refusal = Connection.refusal
    patch.setattr(Connection, "refusal", lambda self, it: None if which(it) else refusal(self, it))


@keeps_out(probes.asking_a_peer_without_the_scope)
def peers_are_only_asked_what_they_may(patch: Patch) -> None:
    let_through(patch, lambda it: it.name == "assist")


@keeps_out(probes.asking_a_peer_whose_scope_goes_while_the_call_waits)
def rights_are_looked_at_when_a_call_leaves(patch: Patch) -> None:
    turn = Calls.turn
    patch.setattr(Calls, "turn", lambda self, timeout, _: turn(self, timeout))


@keeps_out(probes.an_event_for_one_peer_without_its_scope)
def events_for_one_peer_need_their_scope(patch: Patch) -> None:
    let_events_through(patch)


@keeps_out(probes.an_event_after_the_rights_went)
def each_event_is_looked_at(patch: Patch) -> None:
    patch.setattr(Subscriptions, "_may_have", lambda *_: True)


@keeps_out(probes.a_replay_while_the_rights_went)
def each_event_of_the_past_is_looked_at(patch: Patch) -> None:
    patch.setattr(Subscriptions, "_may_have", lambda *_: True)


@keeps_out(probes.a_subscription_after_a_refresh_with_less)
def subscriptions_are_rechecked(patch: Patch) -> None:
    patch.setattr(Subscriptions, "recheck", nothing)


@keeps_out(probes.a_stream_after_a_refresh_with_less)
def running_calls_are_rechecked(patch: Patch) -> None:
    patch.setattr(Handlers, "recheck", nothing)


@keeps_out(probes.a_notification_s_handler_after_a_refresh_with_less)
def handlers_of_notifications_are_rechecked(patch: Patch) -> None:
    patch.setattr(Notifications, "recheck", nothing)


@keeps_out(probes.a_refresh_with_somebody_else_s_token)
def a_refresh_is_one_s_own(patch: Patch) -> None:
    identify = Admission.identify

    async def whoever(self: Admission, credentials: Any) -> Any:
        return replace(await identify(self, credentials), name="viewer")

    patch.setattr(Admission, "identify", whoever)


# ------------------------------------------------------------------------------------------------------------- the end
@keeps_out(probes.a_connection_after_its_credentials_expired)
def expiry_is_watched(patch: Patch) -> None:
    patch.setattr(Standing, "_watch", nothing)


@keeps_out(probes.a_connection_after_a_revocation)
def the_revoked_are_expelled(patch: Patch) -> None:
    patch.setattr(Connection, "expel", nothing)


@keeps_out(probes.a_keyed_handler_after_a_revocation)
def handlers_of_the_revoked_are_stopped(patch: Patch) -> None:
    patch.setattr(Handlers, "stop_all", nothing)


@keeps_out(probes.a_keyed_handler_after_its_credentials_expired)
def nothing_lingers_without_credentials(patch: Patch) -> None:
    patch.setattr(lingering._Wait, "lingers", lambda self: self.executor.now() + lingering.LINGER)


@keeps_out(probes.a_notification_s_handler_after_a_revocation)
def handlers_of_notifications_are_stopped(patch: Patch) -> None:
    patch.setattr(Notifications, "stop_all", nothing)


# ---------------------------------------------------------------------------------------------------- whose things are
@keeps_out(probes.somebody_else_s_key)
def keys_belong_to_identities(patch: Patch) -> None:
    patch.setattr(lingering, "Claim", lambda _, *rest: Claim("everybody", *rest))


@keeps_out(probes.somebody_else_s_session)
def sessions_belong_to_identities(patch: Patch) -> None:
    def by_name_alone(connection: Connection) -> tuple[str, str] | None:
        hello = connection.session.peer
        return None if hello is None else ("", hello.session)

    patch.setattr(clients, "_session_of", by_name_alone)


# --------------------------------------------------------------------------------------------------------------- rates
@keeps_out(probes.more_calls_than_the_rate)
def rates_are_kept(patch: Patch) -> None:
    patch.setattr(Gate, "_draw", lambda *_: 0.0)


@keeps_out(probes.more_calls_at_once_than_there_are_places)
def places_are_counted(patch: Patch) -> None:
    patch.setattr(Gate, "enter", nothing)
    patch.setattr(Gate, "leave", nothing)


@keeps_out(probes.a_place_that_is_free_again)
def places_are_given_back(patch: Patch) -> None:
    patch.setattr(Gate, "leave", nothing)


# --------------------------------------------------------------------------------------------------------------- tests
@pytest.mark.parametrize("name", GUARDS)
async def test_a_guard_is_needed(name: str) -> None:
    guard = GUARDS[name]
    assert await guard.probe(), "with it, nothing comes in"
    with pytest.MonkeyPatch.context() as patch:
        guard.remove(patch)
        patch.setattr(probes, "PATIENCE", 0.3)  # what does not come need not be waited for
        assert not await guard.probe(), "without it, something does"


def test_each_probe_has_its_guard() -> None:
    tried = {guard.probe.__name__ for guard in GUARDS.values()}
    there = {name for name, it in vars(probes).items() if inspect.iscoroutinefunction(it)}
    here = {name for name in there if getattr(probes, name).__module__ == probes.__name__}
    assert here - {"is_refused"} == tried
