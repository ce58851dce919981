"""A small protocol, written by hand in the form of generated code: what the runtime's tests speak."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from functools import cached_property
from typing import Annotated, ClassVar, Final

from pydantic import Field, TypeAdapter
from typing_extensions import override

from duologue import (
    Action,
    Bound,
    Call,
    CallOptions,
    Client,
    Declared,
    Delivery,
    Effect,
    Event,
    EventDescriptor,
    Events,
    EventStream,
    Model,
    NotFound,
    Params,
    Peer,
    Position,
    Protocol,
    Server,
    Service,
    Sink,
    Stream,
    StreamAction,
    UnknownValue,
    notified,
    streaming,
    unary,
)


class Mood(StrEnum):
    CALM = "calm"
    LOUD = "loud"


class EchoParams(Params):
    text: str
    times: int = 1


class Echo(Model):
    text: str
    mood: Mood | UnknownValue = Mood.CALM


class CountParams(Params):
    upto: int
    fail_at: int | None = None


class Number(Model):
    value: int


class NapParams(Params):
    seconds: float


class AskParams(Params):
    depth: int


class NoRoomDetails(Model):
    room: str


class NoRoom(Declared[NoRoomDetails], NotFound):
    """There is no such room."""

    code: ClassVar[str] = "no_room"
    text: ClassVar[str] = "No room is called {room}."

    def __init__(self, message: str | None = None, /, *, room: str) -> None:
        super().__init__(message, NoRoomDetails(room=room))


class Said(Event):
    """Somebody said something."""

    event_name: ClassVar[str] = "said"
    room: str
    text: str
    number: int = 0


class Topic(Event):
    """What a room is about."""

    event_name: ClassVar[str] = "topic"
    room: str
    from_: Annotated[str, Field(alias="from")]
    text: str


class Typing(Event):
    event_name: ClassVar[str] = "typing"
    who: str


class Waved(Event):
    """A client waves."""

    event_name: ClassVar[str] = "waved"
    who: str


ECHO: Final = Action(
    name="echo", params=EchoParams, result=TypeAdapter(Echo), effect=Effect.SAFE, errors=(NoRoom,), max_request=50_000
)
COUNT: Final = StreamAction(
    name="count", params=CountParams, item=TypeAdapter(Number), result=TypeAdapter(Echo), errors=(NoRoom,)
)
NAP: Final = Action(name="nap", params=NapParams, result=TypeAdapter(type(None)), timeout=20.0)
ASK: Final = Action(name="ask", params=AskParams, result=TypeAdapter(int))
ASK_BACK: Final = Action(name="ask_back", params=AskParams, result=TypeAdapter(int))
SAID: Final = EventDescriptor(model=Said, delivery=Delivery.LOG, filters={"room": ("room",), "number": ("number",)})
TOPIC: Final = EventDescriptor(
    model=Topic, delivery=Delivery.STATE, key=(("room",),), filters={"from": ("from_",), "room": ("room",)}
)
TYPING: Final = EventDescriptor(model=Typing, delivery=Delivery.VOLATILE)
WAVED: Final = EventDescriptor(model=Waved, delivery=Delivery.VOLATILE)
CHAT: Final = Protocol(
    name="chat",
    version="1.0.0",
    api_level=1,
    client_actions=(ECHO, COUNT, NAP, ASK),
    server_actions=(ASK_BACK,),
    events=(SAID, TOPIC, TYPING),
    notifications=(WAVED,),
    errors=(NoRoom,),
)


class ChatEvents(Events):
    def said(
        self,
        *,
        room: str | Sequence[str] | None = None,
        number: int | Sequence[int] | None = None,
        since: Position | None = None,
    ) -> EventStream[Said]:
        return self._open(Said, {"room": room, "number": number}, since)

    def topic(self, *, from_: str | None = None) -> EventStream[Topic]:
        return self._open(Topic, {"from": from_}, None)

    def typing(self) -> EventStream[Typing]:
        return self._open(Typing, {}, None)


class ChatClient(Client):
    protocol: ClassVar[Protocol] = CHAT

    @cached_property
    def events(self) -> ChatEvents:
        return ChatEvents(self)

    async def echo(
        self, *, text: str, times: int = 1, timeout: float | None = None, options: CallOptions | None = None
    ) -> Echo:
        return await self._call(ECHO, EchoParams(text=text, times=times), timeout, options)

    def count(
        self,
        *,
        upto: int,
        fail_at: int | None = None,
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> Stream[Number, Echo]:
        return self._stream(COUNT, CountParams(upto=upto, fail_at=fail_at), timeout, options)

    async def nap(self, *, seconds: float, timeout: float | None = None) -> None:
        return await self._call(NAP, NapParams(seconds=seconds), timeout, None)

    async def ask(self, *, depth: int, timeout: float | None = None) -> int:
        return await self._call(ASK, AskParams(depth=depth), timeout, None)

    async def subscribe(self, events: Sequence[str]) -> EventStream[Event]:
        return await self._subscribe(events)

    async def unsubscribe(self, events: Sequence[str]) -> None:
        await self._unsubscribe(events)

    async def notify(self, event: Waved) -> None:
        await self._notify(event)


class ChatPeer(Peer):
    async def ask_back(self, *, depth: int, timeout: float | None = None) -> int:
        return await self._call(ASK_BACK, AskParams(depth=depth), timeout, None)


class ChatService(Service[ChatPeer]):
    protocol: ClassVar[Protocol] = CHAT
    peer_type: ClassVar[type[Peer]] = ChatPeer

    async def echo(self, call: Call[ChatPeer], params: EchoParams) -> Echo:
        raise NotImplementedError

    async def count(self, call: Call[ChatPeer], params: CountParams, out: Sink[Number]) -> Echo:
        raise NotImplementedError

    async def nap(self, call: Call[ChatPeer], params: NapParams) -> None:
        raise NotImplementedError

    async def ask(self, call: Call[ChatPeer], params: AskParams) -> int:
        raise NotImplementedError

    async def on_waved(self, call: Call[ChatPeer], event: Waved) -> None:
        raise NotImplementedError

    @override
    def handlers(self) -> Sequence[Bound]:
        return (
            unary(ECHO, self.echo),
            streaming(COUNT, self.count),
            unary(NAP, self.nap),
            unary(ASK, self.ask),
            notified(WAVED, self.on_waved),
        )


class ChatPeerService(Service[ChatClient]):
    protocol: ClassVar[Protocol] = CHAT
    peer_type: ClassVar[type[Peer]] = ChatClient

    async def ask_back(self, call: Call[ChatClient], params: AskParams) -> int:
        raise NotImplementedError

    @override
    def handlers(self) -> Sequence[Bound]:
        return (unary(ASK_BACK, self.ask_back),)


class ChatServer(Server[ChatPeer]):
    pass
