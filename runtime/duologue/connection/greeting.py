"""The handshake of a declared protocol: what both ends say before anything else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from ..errors import CallError, Unauthenticated
from ..wire import End, Envelope, Frame, Step, Template, plain
from ..wire.templates import OWN, compiled, constants, places
from .ear import NO_REFUSAL, GreetingFailed
from .hooks import Hooks, value_of

TOKEN: Final = "token"  # noqa: S105 - the name of a variable
"""The variable that holds what a client was opened with, and what a server's authenticator is asked about."""

_SHOWN: Final = 200
"""Characters of a message that an error quotes."""


def asks_for_token(envelope: Envelope) -> bool:
    """Whether clients show their token in the handshake, and so after that of WebSocket."""
    return any("client" in step and TOKEN in places(compiled(step["client"])) for step in envelope.handshake)


class Greeting:
    """One handshake, at one end.

    Args:
        authenticate: Asks a server's authenticator about a token; raises a `CallError` where it is not good.

    Attributes:
        envelope: The protocol's.
        variables: JSON by name: what was said and heard so far.
    """

    def __init__(
        self,
        envelope: Envelope,
        end: End,
        hooks: Hooks,
        token: str | None = None,
        authenticate: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        self.variables: dict[str, bytes] = {} if token is None else {TOKEN: msgspec.json.encode(token)}
        self._ours = set(self.variables)
        self.envelope = envelope
        self._steps = envelope.handshake
        self._end: End = end
        self._hooks = hooks
        self._authenticate = authenticate

    async def run(self, say: Callable[[bytes], None], hear: Callable[[], Awaitable[bytes]]) -> None:
        """Say and hear what the protocol asks for.

        Raises:
            GreetingFailed: The other end says something else, or one of the two refuses.
            CallError: Nobody can say now whether what was shown is good.
        """
        for step in self._steps:
            ours, theirs = (step.get(end) for end in (self._end, "server" if self._end == "client" else "client"))
            if ours is not None:
                say(await self.filled(ours))
            else:
                self._take(step, theirs, await hear())
                await self._check(step, say)
        await self._settle_messages()

    async def _settle_messages(self) -> None:
        """Values that messages hold after the handshake."""
        later = {name for call in self.envelope.after for name in call.get("save", {})}
        later |= self.envelope.route.get("keep", {}).keys()
        for template in self._said():
            for name in places(compiled(template)):
                if name.partition(".")[0] not in OWN and name not in later:
                    await self.settle(name)

    def _said(self) -> Sequence[Template]:
        """The templates that this end fills after the handshake, and that hold variables."""
        envelope = self.envelope
        ack: Mapping[str, Any] = envelope.ack or {}
        if self._end == "server":
            return [envelope.reply, envelope.reply_error, ack.get("send"), ack.get("reply")]
        keepalive: Mapping[str, Any] = envelope.keepalive or {}
        return [
            envelope.request,
            envelope.cancel,
            envelope.route.get("default"),
            keepalive.get("params"),
            keepalive.get("route"),
        ]

    async def filled(self, template: Template) -> bytes:
        """A template with the values of hooks and of what was heard.

        Raises:
            GreetingFailed: Nobody gives one of them.
        """
        node = compiled(template)
        for name in places(node):
            await self.settle(name)
            self._ours.add(name)
        return node.fill(self.variables) or b"null"

    async def settle(self, name: str) -> None:
        """Give a variable its value.

        Raises:
            GreetingFailed: Nobody gives one.
        """
        if name in self._hooks:
            value = await value_of(self._hooks[name], self._known)
            if value is not None:
                self.variables[name] = msgspec.json.encode(value)
        elif name == TOKEN and name not in self.variables:
            raise GreetingFailed("the protocol asks for a token: give it as `token=`")
        elif name not in self.variables:
            raise GreetingFailed(f"the protocol asks for a value of `{name}`: give it as `hooks={{{name!r}: …}}`")

    @property
    def _known(self) -> Mapping[str, Any]:
        return {name: plain(value) for name, value in self.variables.items()}

    def _take(self, step: Step, expected: Template, said: bytes) -> None:
        try:
            said.decode()  # what nobody looks into is not decoded yet
            frame = Frame(said)
        except (UnicodeDecodeError, msgspec.DecodeError, RecursionError) as error:
            raise GreetingFailed(f"what was said is not JSON: {error}") from None
        if not _fits(expected, frame):
            self._hear_refusal(frame)
            raise GreetingFailed(self._unexpected(expected, said))
        for name, place in places(compiled(expected)).items():
            if (value := place.read(frame)) is not None:
                self._keep(name, value)

    def _keep(self, name: str, value: bytes) -> None:
        """Take what the other end tells; what this one has told it may only repeat."""
        if name in self._ours and name in self.variables and plain(value) != plain(self.variables[name]):
            raise GreetingFailed(f"what was said has another `{name}` than this end has told")
        self.variables[name] = value

    def _unexpected(self, expected: Template, said: bytes) -> str:
        wanted = {".".join(path): value for path, value in constants(expected).items()}
        told = f"expected a message with {msgspec.json.encode(wanted).decode()}"
        if self._end == "server":  # what clients show is secret, and they log why they were refused
            return told
        return f"{told}, and not {said[:_SHOWN].decode(errors='replace')}"

    def _hear_refusal(self, frame: Frame) -> None:
        """Raise where the other end refuses what this one said."""
        for step in self._steps:
            if self._end in step and "refuse" in step and _fits(step["refuse"], frame):
                told = [place.read(frame) for place in places(compiled(step["refuse"])).values()]
                reasons = [str(plain(one)) for one in told if one is not None]
                why = ", ".join(reasons) or frame.text.decode()[:_SHOWN]
                raise GreetingFailed(f"the other end refuses: {why}", refused=True, close=step.get("close"))

    async def _check(self, step: Step, say: Callable[[bytes], None]) -> None:
        check = step.get("check")
        if check is None:
            return
        try:
            await self._judge(check)
        except CallError as error:
            if error.status in NO_REFUSAL:
                raise
            self.variables.setdefault("reason", msgspec.json.encode(error.message))
            if "refuse" in step:
                say(await self.filled(step["refuse"]))
            raise GreetingFailed(error.message, close=step.get("close")) from None

    async def _judge(self, check: str) -> None:
        if check in self._hooks:
            said = await value_of(self._hooks[check], self._known)
            if not isinstance(said, bool):  # a value in place of a function would let anybody in
                raise GreetingFailed(f"the hook `{check}` has to say True or False, and gave a {type(said).__name__}")
            if not said:
                raise Unauthenticated(f"`{check}` is not right")
        elif check == TOKEN and self._authenticate is not None:
            await self._authenticate(str(self._known.get(TOKEN, "")))
        else:
            raise GreetingFailed(f"nobody checks `{check}`: give it as `hooks={{{check!r}: …}}`")


def _fits(template: Template, frame: Frame) -> bool:
    """Whether a message is one of a template, as far as that is the same in all of them."""
    return all(frame.holds(path, msgspec.json.encode(value)) for path, value in constants(template).items())
