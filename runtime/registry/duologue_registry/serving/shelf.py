"""The packages of a registry that runs: archives on disk, what is known of them in the store."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Final, TypeAlias

import anyio
import anyio.to_thread

from duologue import ByteSink, DataLoss, HeldUploads, Upload
from service_registry_sdk import (
    BackupInfo,
    DownloadPackageParams,
    ListPackagesParams,
    ListPackagesResult,
    PackageInfo,
    RemovePackageParams,
    UploadPackageParams,
)

from ..clock import Clock
from ..packages.blobs import Blobs, typed_space
from ..packages.checking import check_named
from ..packages.files import Files
from ..packages.signing import SignaturePolicy, Subject
from ..packages.unpacking import check_whole
from ..rules.model import AddPackage, Command, Outcome
from ..rules.packages import check_free, find_package
from ..storing.backups import gather
from ..storing.schema import FILE_NAME
from ..storing.store import Store
from .queries import list_packages

Commit: TypeAlias = Callable[[Command], Awaitable[Outcome]]
"""Commits a command for whoever called, or raises why not."""

_READ: Final = 256 * 1024


class Shelf:
    """Where the archives are, and whose signatures are good.

    An archive is on disk before the store knows of it, and the store has forgotten it before it goes: what lies there
    unknown after a crash is swept away by `open`.

    Args:
        directory: On a disk with room for the packages, and for those that are being uploaded.
    """

    def __init__(self, directory: Path, policy: SignaturePolicy, files: Files | None = None) -> None:
        self._blobs = Blobs(directory, files)
        self._policy = policy
        self._changing = anyio.Lock()

    def hold_uploads(self) -> HeldUploads:
        """Where uploads are held: on the same disk, so that they need only be renamed."""
        return HeldUploads(self._blobs.incoming)

    async def open(self, store: Store) -> None:
        """Make the folders, and remove what the store does not know."""
        self._store = store
        wanted = {info.sha256 for info in store.documents(PackageInfo)}
        await anyio.to_thread.run_sync(self._blobs.prepare)
        await anyio.to_thread.run_sync(self._blobs.sweep, wanted)

    # ------------------------------------------------------------------------------------------------------- handlers
    async def upload(
        self, params: UploadPackageParams, body: Upload, actor: str, clock: Clock, commit: Commit
    ) -> PackageInfo:
        """Check an upload and keep it."""
        subject = Subject(params.name, params.version, body.size, body.sha256)
        signed_by = self._policy.check(subject, params.signature)
        check_free(self._store, params.name, params.version, body.sha256)
        checked = await anyio.to_thread.run_sync(check_whole, body.path, body.size, body.sha256)
        check_named(checked, params.name, params.version)
        info = PackageInfo(
            manifest=checked.manifest,
            size=body.size,
            sha256=body.sha256,
            uploaded_at=clock.now(),
            uploaded_by=actor,
            signature=params.signature,
            signed_by=signed_by,
            revision=0,
        )
        outcome: Outcome | None = None
        async with self._changing:
            with anyio.CancelScope(shield=True):  # between disk and store nobody is to be called away
                outcome = await self._keep(info, body.path, commit)
        assert outcome is not None, "nobody cancels the scope itself"
        return outcome.written(PackageInfo)

    async def _keep(self, info: PackageInfo, file: Path, commit: Commit) -> Outcome:
        try:
            if info.sha256 not in self._blobs:
                await anyio.to_thread.run_sync(self._blobs.keep, file, info.sha256)
            return await commit(AddPackage(info))
        finally:
            await self._let_go(info.sha256)

    async def remove(self, params: RemovePackageParams, commit: Commit) -> None:
        """Forget a package, and remove its archive, unless another package has the same."""
        async with self._changing:
            with anyio.CancelScope(shield=True):
                sha256 = find_package(self._store, params.name, params.version).sha256
                await commit(params)
                await self._let_go(sha256)

    async def _let_go(self, sha256: str) -> None:
        if all(info.sha256 != sha256 for info in self._store.documents(PackageInfo)):
            await anyio.to_thread.run_sync(self._blobs.remove, sha256)

    async def download(self, params: DownloadPackageParams, out: ByteSink) -> PackageInfo:
        """Send an archive."""
        info = find_package(self._store, params.name, params.version)
        with ExitStack() as held:  # by the thread that opens it: the caller may leave at this moment
            try:
                file = await anyio.to_thread.run_sync(
                    lambda: held.enter_context(self._blobs.path(info.sha256).open("rb"))
                )
            except FileNotFoundError:
                raise DataLoss(f"the archive of {params.name} {params.version} is not on the registry's disk") from None
            while data := await anyio.to_thread.run_sync(file.read, _READ):
                await out.send(data)
        return info

    async def back_up(self, out: ByteSink) -> BackupInfo:
        """Send a backup of the store and of its packages.

        Raises:
            NoSpace: There is no room for the copy of the database.
        """
        staging = self._blobs.outgoing / token_hex(8)
        try:
            async with self._changing:  # no package goes while its store is copied
                await anyio.to_thread.run_sync(staging.mkdir)
                copy = staging / FILE_NAME
                await self._store.copy_to(copy)
                with typed_space():
                    backup = await anyio.to_thread.run_sync(gather, copy, self._blobs, staging)
            blocks = backup.blocks()
            while block := await anyio.to_thread.run_sync(next, blocks, b""):
                await out.send(block)
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(partial(shutil.rmtree, staging, ignore_errors=True))
        return backup.info

    def list(self, params: ListPackagesParams) -> ListPackagesResult:
        """One page of the packages."""
        return list_packages(self._store.documents(PackageInfo), params, self._store.revision)
