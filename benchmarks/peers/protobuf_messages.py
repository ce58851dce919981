"""The registry's entry as protobuf, its descriptors made by hand: no generated file, and no compiler to install."""

from __future__ import annotations

from typing import Any, Final

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
)

from ..payload import answer_of
from . import foreign

descriptor_pb2: Any = foreign("google.protobuf.descriptor_pb2")
_Field: Any = descriptor_pb2.FieldDescriptorProto

PACKAGE: Final = "bench"
SERVICE: Final = f"{PACKAGE}.Registry"
_SCALARS: Final = {"string": _Field.TYPE_STRING, "uint64": _Field.TYPE_UINT64}

_MESSAGES: Final = {
    "Timestamp": {"seconds": "uint64"},
    "Endpoint": {"name": "string", "address": "string", "protocol": "string"},
    "ManagedProcess": {"command": "*string"},
    "Local": {},
    "ServiceEntry": {
        "name": "string",
        "version": "string",
        "managed_process": "ManagedProcess",
        "local": "Local",
        "endpoints": "*Endpoint",
        "depends_on": "*string",
        "state": "string",
        "tags": "*string",
        "registered_at": "Timestamp",
        "last_state_change": "Timestamp",
        "revision": "uint64",
    },
    "GetServiceParams": {"name": "string"},
    "ListServicesParams": {},
    "ListServicesResult": {"services": "*ServiceEntry", "revision": "uint64"},
}
"""For each message its fields in order; `*` repeats one."""


def _classes() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="bench.proto", package=PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, (field, type_name) in enumerate(fields.items(), 1):
            label = _Field.LABEL_REPEATED if type_name.startswith("*") else _Field.LABEL_OPTIONAL
            added = message.field.add(name=field, number=number, label=label)
            scalar = _SCALARS.get(type_name.lstrip("*"))
            if scalar is None:
                added.type, added.type_name = _Field.TYPE_MESSAGE, f".{PACKAGE}.{type_name.lstrip('*')}"
            else:
                added.type = scalar
    return foreign("google.protobuf.message_factory").GetMessages([file])


_made: Any = _classes()
MESSAGES: Final[dict[str, Any]] = {name: _made[f"{PACKAGE}.{name}"] for name in _MESSAGES}


def _to_message(entry: ServiceEntry) -> Any:
    assert isinstance(entry.execution, ManagedProcess)
    return MESSAGES["ServiceEntry"](
        name=entry.name,
        version=entry.version,
        managed_process={"command": entry.execution.command},
        local={},
        endpoints=[{"name": e.name, "address": e.address, "protocol": e.protocol} for e in entry.endpoints],
        depends_on=entry.depends_on,
        state=entry.state,
        tags=entry.tags,
        registered_at={"seconds": int(entry.registered_at.timestamp())},
        last_state_change={"seconds": int(entry.last_state_change.timestamp())},
        revision=entry.revision,
    )


def entry_of(message: Any) -> ServiceEntry:
    """The model that every contender hands to its caller; its constructor validates."""
    return ServiceEntry.model_validate(
        {
            "name": message.name,
            "version": message.version,
            "execution": ManagedProcess(command=list(message.managed_process.command)),
            "location": Local(),
            "endpoints": [
                Endpoint(name=e.name, address=e.address, protocol=EndpointProtocol(e.protocol))
                for e in message.endpoints
            ],
            "depends_on": list(message.depends_on),
            "state": ServiceState(message.state),
            "tags": list(message.tags),
            "registered_at": message.registered_at.seconds,
            "last_state_change": message.last_state_change.seconds,
            "revision": message.revision,
        }
    )


def entries_of(message: Any) -> ListServicesResult:
    return ListServicesResult(services=[entry_of(entry) for entry in message.services], revision=message.revision)


def answer_get(request: Any) -> Any:
    """What a handler answers to `GetService`."""
    answer = answer_of("get_service", GetServiceParams(name=request.name).model_dump())
    assert isinstance(answer, ServiceEntry)
    return _to_message(answer)


def answer_list(request: Any) -> Any:
    """What a handler answers to `ListServices`."""
    answer = answer_of("list_services", ListServicesParams().model_dump())
    assert isinstance(answer, ListServicesResult)
    return MESSAGES["ListServicesResult"](services=map(_to_message, answer.services), revision=answer.revision)
