"""The rules for packages: a name and a version mean one archive, for as long as it is there."""

from __future__ import annotations

from service_registry_sdk import (
    AgentInfo,
    Deployment,
    PackageExists,
    PackageInfo,
    PackageInUse,
    PackageNotFound,
    PackageRemoved,
    PackageUploaded,
    RemovePackageParams,
)

from .agents import package_name
from .documents import Documents, Written, package, package_key
from .model import AddPackage, Change, Outcome, View


def find_package(view: Documents, name: str, version: str) -> PackageInfo:
    """The package; raises `PackageNotFound`."""
    found = package(view, name, version)
    if found is None:
        raise PackageNotFound(name=name, version=version)
    return found


def check_free(view: Documents, name: str, version: str, sha256: str) -> PackageInfo | None:
    """The package, if it is there with these contents; raises `PackageExists` where it has others."""
    found = package(view, name, version)
    if found is not None and found.sha256 != sha256:
        raise PackageExists(name=name, version=version, sha256=found.sha256)
    return found


def change_package(view: View, command: AddPackage | RemovePackageParams) -> Outcome:
    """Add or remove a package."""
    return add_package(view, command.info) if isinstance(command, AddPackage) else remove_package(view, command)


def add_package(view: View, info: PackageInfo) -> Outcome:
    """Add a package; one that is there with the same contents stays as it is."""
    name, version = info.manifest.name, info.manifest.version
    found = check_free(view, name, version, info.sha256)
    if found is not None:
        documents = (Written(package_key(name, version), found),)
        return Outcome(name=name, change=Change.NOTHING, record=None, revision=view.revision, documents=documents)
    revision = view.revision + 1
    info = info.model_copy(update={"revision": revision})
    return Outcome(
        name=name,
        change=Change.DOCUMENT,
        record=None,
        revision=revision,
        events=(PackageUploaded(package=info),),
        documents=(Written(package_key(name, version), info),),
    )


def remove_package(view: View, command: RemovePackageParams) -> Outcome:
    """Remove a package that no service is registered with, and no node has installed."""
    name, version = command.name, command.version
    find_package(view, name, version)
    reason, revision = in_use(view).get((name, version)), view.revision + 1
    if reason is not None:
        raise PackageInUse(name=name, version=version, reason=reason)
    removed = PackageRemoved(name=name, version=version, reason=command.reason, revision=revision)
    return Outcome(
        name=name,
        change=Change.DOCUMENT,
        record=None,
        revision=revision,
        events=(removed,),
        reason=command.reason,
        documents=(Written(package_key(name, version), None),),
    )


def in_use(view: View) -> dict[tuple[str, str], str]:
    """The packages that may not go, by name and version, and what each is needed for, in words."""
    needed: dict[tuple[str, str], str] = {}
    for record in view.snapshot():
        entry = record.entry
        needed.setdefault((package_name(entry), entry.version), f"{entry.name} is registered with it")
    for node in view.documents(AgentInfo):
        for each in node.packages:
            needed.setdefault((each.name, each.active), f"it is the active version on {node.node}")
            if each.previous is not None:
                needed.setdefault((each.name, each.previous), f"it is what is gone back to on {node.node}")
    for deployment in view.documents(Deployment):
        if deployment.finished_at is None:
            needed.setdefault((deployment.name, deployment.version), f"deployment {deployment.id} is running")
    return needed


def not_kept(view: View, keep: int) -> list[PackageInfo]:
    """The packages that nothing needs, but for the newest so many of each service; oldest first."""
    needed = in_use(view)
    free: dict[str, list[PackageInfo]] = {}
    for info in view.documents(PackageInfo):
        if (info.manifest.name, info.manifest.version) not in needed:
            free.setdefault(info.manifest.name, []).append(info)
    return [info for found in free.values() for info in found[: max(len(found) - keep, 0)]]
