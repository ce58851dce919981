"""When a call may be sent again after its connection was lost."""

from __future__ import annotations

import math
import secrets
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ..descriptors import Action, Effect
from ..errors import CallError, NotSent, OutcomeUnknown, Ran
from ..wire import Keys
from .calls import DEFAULTS, CallOptions

if TYPE_CHECKING:
    from ..connection.connection import Connection
    from .peer import Peer

HANDLER_DEADLINE: Final[ContextVar[float | None]] = ContextVar("duologue_handler_deadline", default=None)
"""When the caller of the running handler stops waiting: calls that the handler makes end then, too."""


class Attempts:
    """The attempts at one call.

    What was never sent may be sent, whatever the action's effect. After an attempt whose outcome is unknown, a `safe`
    call may run again; a `keyed` one goes out again under its key, as long as the other end remembers keys since the
    first attempt; an `unsafe` one never does.

    Args:
        timeout: Seconds for all attempts together; None for the action's own, infinity for no end.

    Attributes:
        shares_key: Whether the key was given, so that another call may come under it.
    """

    __slots__ = ("_action", "_keys", "_now", "_peer", "_sent", "_started", "_until", "options", "shares_key")

    def __init__(
        self, peer: Peer, action: Action[Any, Any], timeout: float | None, options: CallOptions | None
    ) -> None:
        if options is None:
            options = DEFAULTS
        elif not isinstance(options, CallOptions):  # pyright: ignore[reportUnnecessaryIsInstance] - generated code passes on what it was given
            raise _no_options(options)
        self.shares_key = options.key is not None
        if action.effect is Effect.KEYED and options.key is None:
            options = replace(options, key=secrets.token_urlsafe(16))
        self.options = options
        self._peer = peer
        self._action = action
        self._now = peer.executor.now
        self._started = self._now()
        if timeout is None:
            timeout = math.inf if action.timeout is None else action.timeout
        self._until = self._started + timeout
        until = HANDLER_DEADLINE.get()
        if until is not None and until < self._until:
            self._until = until
        self._keys: Keys | None = None
        self._sent = False

    def time_left(self) -> float | None:
        """Seconds until the call's timeout, None when it has none."""
        return None if self._until == math.inf else self._until - self._now()

    async def connect(self) -> Connection:
        """The connection for the next attempt.

        Raises:
            NotSent: There is none, and nothing was sent so far.
            OutcomeUnknown: There is none, or another attempt could have an effect for a second time.
        """
        try:
            connection = await self._peer.connected(self.time_left())
        except NotSent as error:
            raise self._outcome(error) from error
        if self._action.effect is Effect.KEYED:
            self._check_keys(connection)
        return connection

    def failed(self, error: CallError, connection: Connection) -> None:
        """An attempt ended in an error; returns when there may be another.

        Raises:
            CallError: It is the call's outcome.
        """
        if isinstance(error, OutcomeUnknown) and connection.closed is not None:
            self._sent = True
            if self._action.effect is not Effect.UNSAFE:
                return
        elif error.ran is Ran.NO and not connection.takes_calls:  # else the next attempt would meet the same again
            return
        raise self._outcome(error)

    def _check_keys(self, connection: Connection) -> None:
        hello = connection.session.peer
        keys = hello.keys if hello is not None and isinstance(hello.keys, Keys) else None
        if not self._sent:
            self._keys = keys
            return
        age = self._now() - self._started
        if keys is None or self._keys is None or keys.epoch != self._keys.epoch or age > keys.ttl / 1000:
            raise OutcomeUnknown(
                f"{self._action.name}: the connection was lost before the answer came,"
                " and the server no longer knows which keys it has seen"
            )

    def _outcome(self, error: CallError) -> CallError:
        """That an attempt was not sent, or refused, says nothing of the one before."""
        if not self._sent or error.ran is not Ran.NO:
            return error
        return OutcomeUnknown(f"{self._action.name}: the connection was lost before the answer came, and then: {error}")


def _no_options(options: object) -> TypeError:
    return TypeError(
        f"options= takes CallOptions, not {type(options).__name__}: params of that name are given as options_="
    )
