"""What every contender carries: the same questions and answers, validated into the same models on both ends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, Protocol

from pydantic import BaseModel

from duologue import Model, Params
from service_registry_sdk import (
    Endpoint,
    EndpointProtocol,
    GetServiceParams,
    ListServicesParams,
    ListServicesResult,
    Local,
    ManagedProcess,
    ServiceEntry,
    ServiceState,
    ServiceStateChanged,
)

NAME: Final = "web-api"
_NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)


def _entry(name: str) -> ServiceEntry:
    return ServiceEntry(
        name=name,
        version="1.4.0",
        execution=ManagedProcess(command=["bin/api"]),
        location=Local(),
        endpoints=[Endpoint(name="public", address="10.0.0.7:8080", protocol=EndpointProtocol.HTTP)],
        state=ServiceState.RUNNING,
        registered_at=_NOW,
        last_state_change=_NOW,
        revision=7,
    )


ENTRY: Final = _entry(NAME)
"""About 400 bytes of JSON."""

MANY: Final = ListServicesResult(services=[_entry(f"service-{n:05}") for n in range(2200)], revision=7)
"""About a megabyte of JSON, and less than the usual limit of a frame."""


def event(number: int) -> ServiceStateChanged:
    """An event of about 340 bytes of JSON."""
    reason = f"what happened, told at the length at which such events are usually told; this is number {number:06}"
    return ServiceStateChanged(
        name=NAME, old=ServiceState.STARTING, new=ServiceState.RUNNING, reason=f"{reason:.<220}", revision=number
    )


class Client(Protocol):
    """What every contender's client offers."""

    async def get(self) -> ServiceEntry: ...
    async def list(self) -> ListServicesResult: ...


class ByHand(NamedTuple):
    """An action, for contenders whose protocol is written by hand."""

    params: type[Params]
    result: type[Model]
    answer: Model


ACTIONS: Final[Mapping[str, ByHand]] = {
    "get_service": ByHand(GetServiceParams, ServiceEntry, ENTRY),
    "list_services": ByHand(ListServicesParams, ListServicesResult, MANY),
}


class Request(BaseModel):
    """The envelope that people write when there is no generator."""

    id: str
    action: str
    params: dict[str, Any]


def answer_of(action: str, params: Any) -> Model:
    """What a handler answers: params as JSON text are validated strictly, as an object from `json.loads` leniently."""
    found = ACTIONS[action]
    if isinstance(params, bytes):
        found.params.from_wire(params)
    else:
        found.params.model_validate(params, by_alias=True)
    return found.answer
