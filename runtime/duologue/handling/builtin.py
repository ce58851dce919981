"""The actions that every server answers by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ..errors import CallError, Status
from ..events.subscriptions import Subscriptions
from ..events.wanting import Opening
from ..session.decisions import IncomingCall
from ..session.outcomes import body_of, incident

if TYPE_CHECKING:
    from ..connection.connection import Connection


BUILT_IN: Final = frozenset({"authenticate", "subscribe", "unsubscribe"})


class BuiltIns:
    """`subscribe`, `unsubscribe` and `authenticate` on one connection.

    Args:
        subscriptions: Those of the peer; None where no events are published.
        done: Is called when a call was answered later.
    """

    __slots__ = ("_connection", "_done", "_subscriptions")

    def __init__(self, connection: Connection, subscriptions: Subscriptions | None, done: Callable[[], None]) -> None:
        self._connection = connection
        self._subscriptions = subscriptions
        self._done = done

    def answer(self, call: IncomingCall) -> bool:
        """Answer a call, now or later; False when it is none of these."""
        if call.action == "authenticate" and self._connection.standing.is_refreshable:
            self._connection.spawn(self._authenticate, call)
        elif call.action == "subscribe" and self._subscriptions is not None:
            self._subscribe(self._subscriptions, call)
        elif call.action == "unsubscribe" and self._subscriptions is not None:
            self._unsubscribe(self._subscriptions, call)
        else:
            return False
        return True

    async def _authenticate(self, call: IncomingCall) -> None:
        session = self._connection.session
        try:
            session.answering.succeed(call, await self._connection.standing.refresh(call.params))
        except CallError as error:
            session.answering.refuse(call, body_of(error))
        except Exception:  # noqa: BLE001 - whatever went wrong, the call has its one answer
            session.answering.refuse(call, incident(call.action, connection=self._connection.id, call=call.id))
        finally:
            self._done()

    def _subscribe(self, subscriptions: Subscriptions, call: IncomingCall) -> None:
        session = self._connection.session
        try:
            data, opening = subscriptions.subscribe(call.params)
        except CallError as error:
            session.answering.refuse(call, body_of(error))
            return
        session.answering.succeed(call, data)
        if not subscriptions.follow(opening):
            self._connection.spawn(self._replay, subscriptions, opening)

    def _unsubscribe(self, subscriptions: Subscriptions, call: IncomingCall) -> None:
        session = self._connection.session
        try:
            session.answering.succeed(call, subscriptions.unsubscribe(call.params))
        except CallError as error:
            session.answering.refuse(call, body_of(error))

    async def _replay(self, subscriptions: Subscriptions, opening: Opening) -> None:
        try:
            await subscriptions.replay(opening)
        except Exception:  # noqa: BLE001 - a log that cannot be read ends this subscription, and nothing else
            said = incident("subscribe", connection=self._connection.id)
            subscriptions.end(opening.subscription, Status.INTERNAL, said.message)
