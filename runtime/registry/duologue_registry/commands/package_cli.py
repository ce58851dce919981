"""The `package` commands: what they take, and what they say of themselves."""

from __future__ import annotations

from pathlib import Path

import click

from .exits import Target
from .options import DIRECTORY, EXISTING_FILE, FILE, as_json, client


@click.group(
    epilog="\b\nExample:\n  duologue-registry package build ./web-api\n"
    "  duologue-registry package upload web-api-1.4.0.tar.gz\n  duologue-registry package list"
)
def package() -> None:
    """Build, check, sign, upload and list packages.

    A package is NAME-VERSION.tar.gz with a manifest.yaml at its top. It says which service it is, which version, and of
    which type: managed_process (scripts/start.sh starts it), docker_container or systemd_service.
    """


@package.command("build", epilog="\b\nExample:\n  duologue-registry package build ./web-api --output dist")
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--output", "-o", type=DIRECTORY, help="The folder to write it to.  [default: beside DIRECTORY]")
@as_json
def build(directory: Path, output: Path | None, *, as_json: bool) -> None:
    """Build the package of DIRECTORY; the same files give the same bytes.

    Owners, times and the order of files do not count; .git, __pycache__ and the like are left out.

    \b
    The least that manifest.yaml has to say:
      name: web-api
      version: 1.4.0
      type: managed_process
    """
    from .packages import build_command

    build_command(directory, output, as_json=as_json)


@package.command("inspect", epilog="\b\nExample:\n  duologue-registry package inspect web-api-1.4.0.tar.gz")
@click.argument("file", type=EXISTING_FILE)
@as_json
def inspect(file: Path, *, as_json: bool) -> None:
    """Check the package FILE as a registry would, and show what is in it; nothing is unpacked."""
    from .packages import inspect_command

    inspect_command(file, as_json=as_json)


@package.command("upload", epilog="\b\nExample:\n  duologue-registry package upload web-api-1.4.0.tar.gz --sign me.key")
@click.argument("file", type=EXISTING_FILE)
@click.option("--sign", "key", type=EXISTING_FILE, help="Sign it with this private key (see `package keygen`).")
@client
def upload(target: Target, file: Path, key: Path | None) -> None:
    """Upload the package FILE.

    An upload that was cut goes on where it was, for ten minutes, also when the command is run again. What the registry
    has already is not sent. --timeout is for the connection; the upload itself may take an hour.
    """
    from .packages import upload_command

    upload_command(target, file, key)


@package.command("list", epilog="\b\nExample:\n  duologue-registry package list --name web-api --json")
@click.option("--name", help="Only packages of this name.")
@client
def list_(target: Target, name: str | None) -> None:
    """List the packages of the registry, oldest upload first."""
    from .packages import list_command

    list_command(target, name)


@package.command("download", epilog="\b\nExample:\n  duologue-registry package download web-api 1.4.0 --output dist")
@click.argument("name")
@click.argument("version")
@click.option("--output", "-o", type=DIRECTORY, default=Path(), help="The folder to write it to.  [default: this one]")
@client
def download(target: Target, name: str, version: str, output: Path) -> None:
    """Download the package NAME VERSION, and compare its digest."""
    from .packages import download_command

    download_command(target, name, version, output)


@package.command("remove", epilog="\b\nExample:\n  duologue-registry package remove web-api 1.3.0 --reason obsolete")
@click.argument("name")
@click.argument("version")
@click.option("--reason", help="For the audit log.")
@client
def remove(target: Target, name: str, version: str, reason: str | None) -> None:
    """Remove the package NAME VERSION from the registry, unless a service is registered with it."""
    from .packages import remove_command

    remove_command(target, name, version, reason)


@package.command("keygen", epilog="\b\nExample:\n  duologue-registry package keygen me.key >> trusted-keys")
@click.argument("file", type=FILE)
@click.option("--name", default="me", show_default=True, help="What registries call the key.")
def keygen(file: Path, name: str) -> None:
    """Write a new private key for signatures to FILE, and print the public one.

    What is printed is a line for the file that `serve --trusted-keys` reads.
    """
    from .packages import keygen_command

    keygen_command(file, name)
