"""`make publish` to a package index on loopback, and life from that index alone: what a user of the packages does."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import time
import urllib.request
import zipfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from email.parser import HeaderParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.reader import Block, Reader, blocks, free_port

if TYPE_CHECKING:
    from tests.house.conftest import Environment, Environments, Run

pytestmark = pytest.mark.long  # four fresh environments and an index: about a minute

ROOT = Path(__file__).parents[2]
OURS = ("duologue", "service-registry-sdk", "duologue-registry")
CALL = """
import sys
from service_registry_sdk import RegistryClient

with RegistryClient.open_sync(sys.argv[1]) as registry:
    print("services:", list(registry.list_services().services))
"""


@contextmanager
def running(*command: str | Path, says: str, log: Path) -> Generator[re.Match[str]]:
    """Run a program until the block ends; the block starts once the program's output matches."""
    with log.open("w") as out, subprocess.Popen([str(c) for c in command], stdout=out, stderr=out) as process:
        try:
            until = time.monotonic() + 20
            while not (found := re.search(says, log.read_text())):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < until, log.read_text()
                time.sleep(0.05)
            yield found
        finally:
            process.terminate()
            process.wait(20)


@pytest.fixture
def index(environment: Environments, tmp_path: Path) -> Iterator[str]:
    """Run an empty package index that accepts uploads and asks no other index."""
    tools = environment("index")
    tools.install("pypiserver")
    (tmp_path / "packages").mkdir()
    port = free_port()
    program = (tools.bin / "pypi-server", "run", "-i", "127.0.0.1", "-p", port, "-P", ".", "-a", ".", "-v")
    folder = tmp_path / "packages"
    with running(*program, "--disable-fallback", folder, says="Listening", log=tmp_path / "index.log"):
        yield f"http://127.0.0.1:{port}/"


@pytest.fixture
def published(make: Run, index: str, tmp_path: Path) -> str:
    """Publish everything to the index, as a maintainer would; nothing of it touches the work tree."""
    done = make(
        "publish",
        f"REPOSITORY_URL={index}",
        f"VENV={tmp_path / 'shipping'}",
        f"DIST={tmp_path / 'dist'}",
        env={"TWINE_USERNAME": "nobody", "TWINE_PASSWORD": "nothing"},
    )
    assert done.stdout.count("PASSED") == 2 * len(OURS), done.stdout  # what `twine check --strict` says of each file
    return index


def install_from(index: str, place: Environment, wheels: dict[str, Path], package: str) -> None:
    """Install one of ours from the index and nowhere else; what others made comes first, from where it always does."""
    place.install(*(need for wheel in wheels.values() for need in needs_of_others(wheel)))
    place.install("--isolated", "--no-cache-dir", "--index-url", f"{index}simple/", package)


def needs_of_others(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        fields = HeaderParser().parsestr(archive.read(name).decode())
    needs = [need for need in fields.get_all("Requires-Dist", []) if "extra ==" not in need]
    return [need for need in needs if not need.startswith(OURS)]


def test_the_published_sdk_calls_the_published_registry(
    published: str, environment: Environments, wheels: dict[str, Path], tmp_path: Path
) -> None:
    with urllib.request.urlopen(f"{published}simple/") as listing:
        page = listing.read().decode()
    assert all(f">{name}<" in page for name in OURS)

    host, user = environment("host"), environment("user")
    install_from(published, host, wheels, "duologue-registry")
    install_from(published, user, wheels, "service-registry-sdk")
    assert set(OURS) <= host.installed()
    assert {"duologue", "service-registry-sdk"} <= user.installed()
    assert "duologue-registry" not in user.installed()
    fetched = (tmp_path / "index.log").read_text()
    assert all(f"/packages/{name.replace('-', '_')}-" in fetched for name in OURS)

    (user.folder / "call.py").write_text(CALL)
    program = (host.bin / "duologue-registry", "serve", "--ephemeral", "--port", "0")
    with running(*program, says=r"ws://127\.0\.0\.1:\d+", log=tmp_path / "registry.log") as url:
        assert user.run("python", "call.py", url[0]).stdout == "services: []\n"


def test_a_dry_run_sends_nothing(make: Run, index: str, tmp_path: Path) -> None:
    done = make(
        "publish",
        f"REPOSITORY_URL={index}",
        "DRY_RUN=1",
        f"VENV={tmp_path / 'shipping'}",
        f"DIST={tmp_path / 'dist'}",
    )
    assert "DRY_RUN is set: nothing was sent" in done.stdout
    assert done.stdout.count(f"-> {index}") == 2 * len(OURS)
    assert list((tmp_path / "packages").iterdir()) == []


def test_the_newcomers_path_ends_in_a_package_that_others_use(
    published: str, environment: Environments, wheels: dict[str, Path], tmp_path: Path
) -> None:
    """Follow the README from `duologue init` to `make publish`, to the index of this test; then be somebody else."""
    readme = ROOT / "README.md"
    last = readme.read_text().splitlines().index("## The registry")
    home = tmp_path / "newcomer"
    home.mkdir()
    newcomer = Reader(home, {"8080": free_port()})
    try:
        path = [block for block in blocks(readme) if block.line < last and block.kind != "text"]
        for block in path:
            sent = f"TWINE_USERNAME=nobody TWINE_PASSWORD=nothing make publish REPOSITORY_URL={published}\n"
            body, is_sent = re.subn(r"^make publish DRY_RUN=1 .*\n", sent, block.body, flags=re.MULTILINE)
            newcomer.follow(replace(block, kind="sh", body=body) if is_sent else block)
        assert "Uploading hello_sdk-0.2.0-py3-none-any.whl" in newcomer.output
        user = environment("user")
        user.install(*(need for wheel in wheels.values() for need in needs_of_others(wheel)))
        user.install("--isolated", "--no-cache-dir", "--index-url", f"{published}simple/", "hello-sdk")
        assert {"duologue", "hello-sdk"} <= user.installed()
        newcomer.close()  # the server of the version before
        newcomer.running.clear()
        newcomer.follow(Block("sh", "until=serving;", "make serve", last))
        shutil.copy(home / "hello/client.py", user.folder)
        assert user.run("python", "client.py").stdout == "Bonjour, Ada!\nBonjour, Ada!\nklingon is not spoken here\n"
        assert (home / "hello/dist").is_dir()
    finally:
        newcomer.close()


def test_a_package_that_is_built_again_is_the_same_to_the_byte(tmp_path: Path) -> None:
    """In another folder, at another time."""
    digests: list[dict[str, str]] = []
    for place in ("one", "another"):
        project = tmp_path / place / "sdk"
        shutil.copytree(ROOT / "generated/service-registry-sdk", project)
        subprocess.run(
            ["make", "build", f"VENV={tmp_path / 'shipping'}"],
            cwd=project,
            check=True,
            timeout=300,
            capture_output=True,
        )
        built = {path.name: path for path in (project / "dist").iterdir()}
        digests.append({name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in built.items()})
        time.sleep(2.1)  # archives hold times in steps of two seconds
    assert len(digests[0]) == 2
    assert digests[0] == digests[1]
