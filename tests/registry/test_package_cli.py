"""The `package` commands, and packages that are built from folders."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.forked import Forked
from tests.registry.archives import make_package, write_sources

from duologue_registry.commands.cli import main
from duologue_registry.packages.building import build_package
from duologue_registry.packages.checking import digest_of
from service_registry_sdk import BadPackage

TOKEN_OPTIONS = {"DUOLOGUE_TOKEN": ""}


def run(*arguments: str | Path, code: int = 0, url: str = "ws://127.0.0.1:1") -> Any:
    result = CliRunner().invoke(
        main, ["package", *map(str, arguments)], env={"DUOLOGUE_REGISTRY_URL": url}, prog_name="duologue-registry"
    )
    assert not isinstance(result.exception, Exception), result.exception
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.stderr


# ------------------------------------------------------------------------------------------------------------- building
def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    digests: set[str] = set()
    for turn, order in enumerate((("config__b", "config__a"), ("config__a", "config__b"))):
        sources = write_sources(tmp_path / f"some{turn}", **{name: name for name in order})
        (sources / "__pycache__").mkdir()
        (sources / "__pycache__" / "x.pyc").write_bytes(os.urandom(9))
        os.utime(sources / "manifest.yaml", (turn, turn))
        (sources / "manifest.yaml").chmod(0o600 if turn else 0o664)
        digests.add(digest_of(build_package(sources).path)[1])
    assert len(digests) == 1


def test_building_twice_into_the_folder_itself(tmp_path: Path) -> None:
    sources = write_sources(tmp_path)
    first = build_package(sources, sources)
    assert build_package(sources, sources).sha256 == first.sha256
    assert sorted(path.name for path in sources.iterdir()) == ["manifest.yaml", "scripts", "web-api-1.4.0.tar.gz"]


def test_what_cannot_be_packed_is_named(tmp_path: Path) -> None:
    sources = write_sources(tmp_path / "s")
    (sources / "link").symlink_to("/etc/passwd")
    with pytest.raises(BadPackage, match="link: it is neither a regular file"):
        build_package(sources)
    (sources / "link").unlink()
    (sources / ("d" * 120)).mkdir()
    (sources / ("d" * 120) / ("n" * 120)).write_text("x")
    with pytest.raises(BadPackage, match="cannot be packed: name is too long"):
        build_package(sources)
    assert [path.name for path in tmp_path.iterdir()] == ["s"]


def test_build_and_inspect(tmp_path: Path) -> None:
    sources = write_sources(tmp_path / "s", config__x="1", bin__api="#!/bin/sh\n")
    built = json.loads(run("build", sources, "--output", tmp_path / "dist", "--json"))
    path = tmp_path / "dist" / "web-api-1.4.0.tar.gz"
    assert (built["path"], (built["size"], built["sha256"])) == (str(path), digest_of(path))
    shown = json.loads(run("inspect", path, "--json"))
    assert (shown["manifest"]["name"], shown["manifest"]["version"]) == ("web-api", "1.4.0")
    assert [each["path"] for each in shown["members"]][:3] == ["bin", "bin/api", "config"]
    text = run("inspect", path)
    assert "managed_process" in text
    assert built["sha256"] in text
    assert "scripts/start.sh" in text


def test_mistakes_are_told(tmp_path: Path) -> None:
    sources = write_sources(tmp_path / "s")
    assert "does not exist" in run("build", tmp_path / "none", code=2)
    (sources / "manifest.yaml").write_text("name: Web\nversion: 1.4\ntype: managed_process\nport: {}\n")
    told = run("build", sources, code=1)
    assert "manifest.yaml: port: nobody reads this; did you mean `ports`?; name:" in told
    assert "put it in quotes" in told
    (tmp_path / "x.tar.gz").write_bytes(b"x" * 100)
    assert "archive: it is no gzip file" in run("inspect", tmp_path / "x.tar.gz", code=1)
    assert "is no private key" in run("upload", make_package(tmp_path), "--sign", sources / "manifest.yaml", code=1)
    assert "Registry unreachable" in run("list", code=3)


# ----------------------------------------------------------------------------------------------------------- a registry
def test_a_package_is_uploaded_listed_fetched_and_removed(start_registry: Any, tmp_path: Path) -> None:
    keys = tmp_path / "trusted"
    keys.write_text(run("keygen", tmp_path / "key", "--name", "ann"))
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert "cannot be written" in run("keygen", tmp_path / "key", code=1)
    url = start_registry("--ephemeral", "--trusted-keys", str(keys)).url
    path = make_package(tmp_path)
    assert "signature is refused: there is none" in run("upload", path, url=url, code=1)
    assert "web-api 1.4.0 is uploaded: " in run("upload", path, "--sign", tmp_path / "key", url=url)
    assert "is there already" in run("upload", path, url=url)
    assert json.loads(run("upload", path, "--json", url=url))["already_there"] is True
    (listed,) = run("list", "--json", url=url).splitlines()
    assert (json.loads(listed)["signed_by"], json.loads(listed)["sha256"]) == ("ann", digest_of(path)[1])
    assert "web-api  1.4.0    managed_process" in run("list", url=url)
    run("download", "web-api", "1.4.0", "-o", tmp_path / "got", url=url)
    assert (tmp_path / "got" / path.name).read_bytes() == path.read_bytes()
    run("remove", "web-api", "1.4.0", "--reason", "old", url=url)
    assert run("list", url=url) == ""
    # Its key has an answer, which is not true any more.
    assert "is uploaded" in run("upload", path, "--sign", tmp_path / "key", url=url)


@pytest.mark.parametrize("name", ["a b\nc", "", "#me", "me#", "a\u2028", "a\x1b", "\udcff"])
def test_a_key_is_called_what_a_line_of_trusted_keys_can_hold(tmp_path: Path, name: str) -> None:
    assert "--name" in run("keygen", tmp_path / "key", "--name", name, code=2)
    assert not (tmp_path / "key").exists()


def test_keys_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("# nobody\n")
    for options, word in (
        (("--trusted-keys", tmp_path / "none"), "cannot be read"),
        (("--trusted-keys", tmp_path / "empty"), "names no key"),
        (("--allow-unsigned",), "needs --trusted-keys"),
    ):
        result = CliRunner().invoke(main, ["serve", "--ephemeral", "--port", "0", *map(str, options)])
        assert result.exit_code in (1, 2)
        assert word in result.stderr


class Throttle:
    """A connection to the registry that carries so many bytes, and is cut then."""

    def __init__(self, port: int, amount: int) -> None:
        self._port, self._left = port, amount
        self.carried = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._port))
            for one, other, counted in ((near, far, True), (far, near, False)):
                threading.Thread(target=self._carry, args=(one, other, counted), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, counted: bool) -> None:
        try:
            while data := source.recv(16384):
                target.sendall(data)
                if counted:
                    self.carried += len(data)
                    self._left -= len(data)
                    if self._left <= 0:
                        self._left = 1 << 40  # once
                        break
        except OSError:
            pass
        for each in (source, target):
            each.close()

    def close(self) -> None:
        self._listener.close()


def test_an_upload_that_is_cut_goes_on_where_it_was(start_registry: Any, tmp_path: Path) -> None:
    port = int(start_registry("--ephemeral").url.rpartition(":")[2])
    path = make_package(tmp_path, config__x=os.urandom(3 << 20))
    through = Throttle(port, 2 << 20)
    try:
        assert "is uploaded" in run("upload", path, url=through.url)
    finally:
        through.close()
    assert path.stat().st_size < through.carried < path.stat().st_size + (1 << 20)


def test_a_command_that_was_killed_is_gone_on_with_by_the_next(start_registry: Any, tmp_path: Path) -> None:
    port = int(start_registry("--ephemeral").url.rpartition(":")[2])
    path = make_package(tmp_path, config__x=os.urandom(4 << 20))
    through = Throttle(port, 1 << 40)
    with Forked("package", "upload", str(path), "--url", through.url) as process:
        until = time.monotonic() + 20
        while through.carried < (1 << 20) and time.monotonic() < until:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=20)
    before = through.carried
    through.close()
    if before > path.stat().st_size:
        pytest.skip("it was quicker than the kill")
    again = Throttle(port, 1 << 40)
    try:
        assert "is uploaded" in run("upload", path, url=again.url)
    finally:
        again.close()
    assert again.carried < path.stat().st_size - before + (1 << 20)


def test_the_progress_of_an_upload_is_shown_on_a_terminal(start_registry: Any, tmp_path: Path) -> None:
    import pty

    url = start_registry("--ephemeral").url
    path = make_package(tmp_path, config__x=os.urandom(300_000))
    leader, follower = pty.openpty()
    with Forked("package", "upload", str(path), "--url", url, terminal=(None, follower)) as process:
        output, _ = process.communicate(timeout=30)
    os.close(follower)
    shown = os.read(leader, 4096).decode()
    os.close(leader)
    assert "is uploaded" in output
    assert "uploading" in shown
    assert "100%" in shown
