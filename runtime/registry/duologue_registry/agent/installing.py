"""The packages of a node: fetched from the registry, put beside each other, made active, and gone back from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anyio
import anyio.to_thread

from service_registry_sdk import InstallMode, InstallPackageResult, PackageInfo, RegistryClient

from ..packages.blobs import typed_space
from ..packages.files import Files
from ..packages.installer import STAGING, Installer
from ..packages.signing import SignaturePolicy, Subject


class Packages:
    """What is installed below a folder; one change after the other.

    Args:
        policy: Whose packages are installed, whatever the registry says.
    """

    def __init__(self, root: Path, node: str, policy: SignaturePolicy, files: Files | None = None) -> None:
        self._root = root
        self._node = node
        self._policy = policy
        self._installer = Installer(root, files, node=node)
        self._turn = anyio.Lock()

    def prepare(self) -> None:
        """Make the folder, and throw away what is left of what was not finished."""
        self._installer.prepare()

    def active(self, name: str) -> str | None:
        """The active version of a package."""
        return self._installer.current(name)

    async def install(
        self, registry: RegistryClient, info: PackageInfo, mode: InstallMode, check: Callable[[], None]
    ) -> InstallPackageResult:
        """Put a version there and, unless it is only staged, make it the active one. Returns what is active then.

        Args:
            check: Raises when nothing may be changed any more; it is asked when it is its turn.
        """
        name, version = info.manifest.name, info.manifest.version
        self._policy.check(Subject(name, version, info.size, info.sha256), info.signature)
        async with self._turn:
            check()
            if not self._installer.has(info):
                await self._fetch(registry, info)
                check()
            await anyio.to_thread.run_sync(self._switch, name, version, mode)
        return InstallPackageResult(active=self.active(name), previous=self._installer.previous(name))

    def _switch(self, name: str, version: str, mode: InstallMode) -> None:
        keep = [version]
        if mode is InstallMode.GO_BACK:
            self._installer.go_back(name, version)
        elif mode is InstallMode.ACTIVATE:
            if self.active(name) == version:  # it was done before, and what was gone back to until then is kept
                return
            before = self._installer.previous(name)
            keep += [] if before is None else [before]  # until the next one: this one may be gone back from
            self._installer.activate(name, version)
        self._installer.collect(name, keep)

    async def clear(self, name: str, check: Callable[[], None]) -> None:
        """Leave no version of a package."""
        async with self._turn:
            check()
            await anyio.to_thread.run_sync(self._installer.clear, name)

    async def _fetch(self, registry: RegistryClient, info: PackageInfo) -> None:
        name, version = info.manifest.name, info.manifest.version
        archive = self._root / STAGING / f"{name}-{version}.tar.gz"
        try:
            with typed_space(self._node):
                async with registry.download_package(name=name, version=version) as download:
                    await download.save(archive)
            await anyio.to_thread.run_sync(self._installer.stage, archive, info)
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(lambda: archive.unlink(missing_ok=True))
