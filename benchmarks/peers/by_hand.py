"""What the handwritten contenders have in common: an id for each call, a future for each id, json and pydantic."""

from __future__ import annotations

import itertools
import json
from abc import ABC, abstractmethod
from collections.abc import Awaitable
from typing import Any

from service_registry_sdk import ListServicesResult, ServiceEntry

from ..payload import ACTIONS, NAME, Request, answer_of


def answer(message: str | bytes) -> str:
    """The answer to a request, as people write it: json to dicts, dicts to models, and back."""
    request = Request.model_validate(json.loads(message))
    answer = answer_of(request.action, request.params)
    return json.dumps({"id": request.id, "data": answer.model_dump(mode="json"), "error": None})


class JsonClient(ABC):
    """Sends requests; whoever reads the socket gives each answer to `settle`."""

    def __init__(self) -> None:
        self._ids = itertools.count()
        self._waiting: dict[str, Any] = {}

    @abstractmethod
    def send(self, message: str) -> Awaitable[None]: ...

    @abstractmethod
    def new_outcome(self) -> Any:
        """What a caller waits for; `settle` calls its `set_result`."""

    @abstractmethod
    def wait_for(self, outcome: Any) -> Awaitable[Any]: ...

    def settle(self, message: str | bytes) -> None:
        answer = json.loads(message)
        self._waiting.pop(answer["id"]).set_result(answer["data"])

    async def get(self) -> ServiceEntry:
        return ServiceEntry.model_validate(await self._ask("get_service", {"name": NAME}), by_alias=True)

    async def list(self) -> ListServicesResult:
        return ListServicesResult.model_validate(await self._ask("list_services", {}), by_alias=True)

    async def _ask(self, action: str, arguments: dict[str, Any]) -> Any:
        params = ACTIONS[action].params(**arguments).model_dump(mode="json")
        id = str(next(self._ids))
        self._waiting[id] = outcome = self.new_outcome()
        await self.send(json.dumps({"id": id, "action": action, "params": params}))
        return await self.wait_for(outcome)
