"""What the distributions hold, what they bring along, and what they leave to their extras."""

from __future__ import annotations

import zipfile
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.house.conftest import Environments

TEMPLATES = Path(__file__).parents[2] / "codegen/duologue_codegen"
PACKAGES = {
    "duologue": {"duologue", "duologue_codegen"},
    "service-registry-sdk": {"service_registry_sdk"},
    "duologue-registry": {"duologue_registry"},
}
TYPED = ["duologue/py.typed", "service_registry_sdk/py.typed"]
# The runtime's dependencies and theirs: whatever else appears was not meant to.
RUNTIME = {
    "annotated-types",
    "anyio",
    "duologue",
    "idna",
    "msgspec",
    "pydantic",
    "pydantic-core",
    "sniffio",  # of anyio before 4.12
    "typing-extensions",
    "typing-inspection",
    "websockets",
}


def names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return HeaderParser().parsestr(archive.read(name).decode())


@pytest.mark.parametrize("distribution", PACKAGES)
def test_a_wheel_holds_its_packages_and_nothing_else(wheels: dict[str, Path], distribution: str) -> None:
    top = {name.partition("/")[0] for name in names(wheels[distribution])}
    version = metadata(wheels[distribution])["Version"]
    assert top == {*PACKAGES[distribution], f"{distribution.replace('-', '_')}-{version}.dist-info"}


def test_types_travel_with_the_wheels(wheels: dict[str, Path]) -> None:
    every = {name for wheel in wheels.values() for name in names(wheel)}
    assert set(TYPED) <= every


@pytest.mark.parametrize("distribution", PACKAGES)
def test_a_wheel_says_its_licence_and_shows_its_readme(wheels: dict[str, Path], distribution: str) -> None:
    fields = metadata(wheels[distribution])
    assert fields["License-Expression"] == "MIT"
    assert fields["Description-Content-Type"].startswith("text/markdown")


def test_the_generator_brings_its_templates(wheels: dict[str, Path]) -> None:
    templates = {path.name for path in TEMPLATES.rglob("*.jinja")}
    assert templates
    assert templates <= {name.rpartition("/")[2] for name in names(wheels["duologue"])}


def test_the_runtime_installs_alone_and_its_command_says_what_is_missing(
    wheels: dict[str, Path], environment: Environments
) -> None:
    fresh = environment("fresh")
    fresh.install(wheels["duologue"])
    assert fresh.installed() <= RUNTIME
    assert fresh.run("python", "-c", "import duologue").returncode == 0
    asked = fresh.run("duologue", "generate", "spec.yaml", "-o", "out", check=False)
    assert asked.returncode == 2
    assert "pip install 'duologue[codegen]'" in asked.stdout
    assert len(asked.stdout.splitlines()) == 1
