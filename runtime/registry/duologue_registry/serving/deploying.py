"""The handlers of deployments; and how any handler commits for whoever called."""

from __future__ import annotations

from uuid import NAMESPACE_OID, uuid4, uuid5

from typing_extensions import override

from duologue import Call, CallError, Model, Sink
from service_registry_sdk import (
    CancelDeploymentParams,
    Deployment,
    DeploymentStep,
    DeployPackageParams,
    GetDeploymentParams,
    ListDeploymentsParams,
    ListDeploymentsResult,
    RegistryPeer,
    RegistryService,
    RollbackParams,
    WatchDeploymentParams,
)

from ..rules.agents import node_of
from ..rules.model import CancelDeployment, Command, Outcome, StartDeployment
from ..rules.progress import find_deployment
from ..storing.store import KeyedBy, Request, Store
from .control import check_owner
from .following import Followers
from .queries import list_deployments


class DeploymentHandlers(RegistryService):
    """The part of the registry that is asked about deployments."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._followers = Followers(store)

    @override
    async def deploy_package(
        self, call: Call[RegistryPeer], params: DeployPackageParams, out: Sink[DeploymentStep]
    ) -> Deployment:
        return await self._deploy(call, params, out)

    @override
    async def rollback(self, call: Call[RegistryPeer], params: RollbackParams, out: Sink[DeploymentStep]) -> Deployment:
        return await self._deploy(call, params, out)

    async def _deploy(
        self, call: Call[RegistryPeer], params: DeployPackageParams | RollbackParams, out: Sink[DeploymentStep]
    ) -> Deployment:
        # From the key, so that who asks again after a crash finds the deployment, and begins no other.
        id_ = uuid4() if call.claim is None else uuid5(NAMESPACE_OID, f"{call.claim.identity}\0{call.claim.key}")
        outcome = await self._order(call, StartDeployment(id_, call.identity.name, params))
        return await self._followers.send(outcome.written(Deployment).id, out)

    @override
    async def watch_deployment(
        self, call: Call[RegistryPeer], params: WatchDeploymentParams, out: Sink[DeploymentStep]
    ) -> Deployment:
        return await self._followers.send(params.id, out)

    @override
    async def get_deployment(self, call: Call[RegistryPeer], params: GetDeploymentParams) -> Deployment:
        return find_deployment(self._store, params.id)

    @override
    async def list_deployments(self, call: Call[RegistryPeer], params: ListDeploymentsParams) -> ListDeploymentsResult:
        return list_deployments(self._store.documents(Deployment), params)

    @override
    async def cancel_deployment(self, call: Call[RegistryPeer], params: CancelDeploymentParams) -> Deployment:
        outcome = await self._change(call, CancelDeployment(params.id, call.identity.name, params.reason))
        return outcome.written(Deployment)

    # ----------------------------------------------------------------------------------------------------- committing
    def _check_owner(self, call: Call[RegistryPeer], name: str) -> None:
        record = self._store.get(name)
        if record is not None:
            check_owner(call.identity, node_of(record.entry))

    async def _order(self, call: Call[RegistryPeer], command: Command) -> Outcome:
        """Commit what is only the beginning of a call: its answer comes later."""
        (answer,) = await self._store.commit([Request(command=command, actor=call.identity.name, key=call.key)])
        if isinstance(answer, CallError):
            raise answer
        return answer

    async def _change(self, call: Call[RegistryPeer], command: Command) -> Outcome:
        claim = call.claim
        keyed_by = None
        if claim is not None:
            keyed_by = KeyedBy((claim.identity, claim.key), lambda outcome: claim.answer(_result(outcome)))
        request = Request(command=command, actor=call.identity.name, key=call.key, keyed_by=keyed_by)
        (answer,) = await self._store.commit([request])
        if isinstance(answer, CallError):
            raise answer
        return answer


def _result(outcome: Outcome) -> Model | None:
    """What a keyed action returns for an outcome."""
    if outcome.record is not None:
        return outcome.entry
    return next((written.document for written in outcome.documents), None)
