"""Tokens of a registry: the file, the commands, a registry that runs with them, and what its audit log says."""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from click.testing import CliRunner, Result
from tests.runtime.support import until
from typing_extensions import override

from duologue import (
    Anonymous,
    CallError,
    ConnectFailed,
    ConnectionClosed,
    Credentials,
    PermissionDenied,
    Unauthenticated,
    hash_token,
    serve,
)
from duologue.drivers.memory import MemoryNetwork
from duologue_registry.clock import SystemClock
from duologue_registry.commands.cli import main
from duologue_registry.serving import access
from duologue_registry.serving import tokens as tokens_module
from duologue_registry.serving.access import AccessRefused, FileTokens, authenticator_of, told
from duologue_registry.serving.service import Registry
from duologue_registry.serving.tokens import Token, TokenFile, TokensError, lifetime_of
from duologue_registry.storing.journal import JournaledStore
from duologue_registry.storing.memory import MemoryJournal
from service_registry_sdk import (
    HealthReport,
    HealthStatus,
    Local,
    ManagedProcess,
    RegistryClient,
    Remote,
    ServiceState,
)


@pytest.fixture
def file(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / "data" / "tokens.json")


def command(*arguments: str, **env: str) -> Result:
    return CliRunner().invoke(main, arguments, env=env, prog_name="duologue-registry")


# ------------------------------------------------------------------------------------------------------------ the file
def test_what_is_written_is_read_and_is_not_the_token(file: TokenFile) -> None:
    assert file.read() == []
    drawn = file.create("web-1", ["service", "viewer", "service"], timedelta(days=30))
    file.create("ops", ["operator"], None)
    web, ops = file.read()
    assert (web.name, web.digest, web.roles) == ("web-1", hash_token(drawn), ("service", "viewer"))
    assert web.expires_at is not None
    assert web.expires_at - web.created_at == timedelta(days=30)
    assert (ops.expires_at, ops.is_expired()) == (None, False)
    assert drawn not in file.path.read_text()


@pytest.mark.skipif(os.name != "posix", reason="other systems have no such modes")
def test_only_its_owner_has_it(file: TokenFile) -> None:
    old = os.umask(0)
    try:
        file.create("web-1", ["service"], None)
    finally:
        os.umask(old)
    assert file.path.stat().st_mode & 0o777 == 0o600
    file.path.chmod(0o620)
    with pytest.raises(TokensError, match="chmod 600"):
        file.read()


@pytest.mark.parametrize("name", ["", "Web", "web 1", "-web", "x" * 64, "anonymous", "registry", "a/b", "é"])
def test_names_that_no_token_has(file: TokenFile, name: str) -> None:
    with pytest.raises(TokensError, match="is no name for a token"):
        file.create(name, ["service"], None)
    assert not file.path.exists()


def test_what_is_not_there_is_told_with_what_is(file: TokenFile) -> None:
    with pytest.raises(TokensError, match="'boss' is no role; there are viewer, service, operator, agent"):
        file.create("web-1", ["boss"], None)
    with pytest.raises(TokensError, match="no token is called web-1; there are: none"):
        file.revoke("web-1")
    file.create("web-1", ["service"], None)
    with pytest.raises(TokensError, match="a token called web-1 already"):
        file.create("web-1", ["viewer"], None)
    with pytest.raises(TokensError, match="there are: web-1"):
        file.revoke("web-2")
    file.revoke("web-1")
    assert file.read() == []


def one(**changes: Any) -> str:
    """A file with one token, which is good but for what is said."""
    good: dict[str, Any] = {
        "name": "a",
        "sha256": "0" * 64,
        "roles": [],
        "created_at": "2026-01-01T00:00:00Z",
        "expires_at": None,
    }
    return json.dumps({"format": 1, "tokens": [good | changes]})


def test_the_file_as_it_is_written_down(file: TokenFile) -> None:
    file.path.parent.mkdir()
    file.path.write_text(one())
    file.path.chmod(0o600)
    assert [token.name for token in file.read()] == ["a"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no JSON",
        "[]",
        '{"format": 2, "tokens": []}',
        '{"format": 1, "tokens": [{"name": "a"}]}',
        one(sha256="0"),
        one(name="registry"),
        one(name="two\nlines"),
        one(expires_at="2027-01-01T00:00:00"),
        one(created_at="yesterday"),
    ],
)
def test_a_file_that_holds_something_else(file: TokenFile, text: str) -> None:
    file.path.parent.mkdir()
    file.path.write_text(text)
    file.path.chmod(0o600)
    with pytest.raises(TokensError, match="does not hold tokens of format 1"):
        file.read()


def test_two_who_write_at_once(file: TokenFile) -> None:
    file.create("web-1", ["service"], None)
    file.path.with_name("tokens.json.new").touch()
    with pytest.raises(TokensError, match=r"tokens\.json\.new is there: another command is at work"):
        file.create("web-2", ["service"], None)
    assert [token.name for token in file.read()] == ["web-1"]


@pytest.mark.parametrize("change", ["create", "revoke"])
def test_what_another_has_revoked_meanwhile_does_not_come_back(
    change: str, file: TokenFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("web-1", "web-2", "web-3"):
        file.create(name, ["service"], None)
    other, revoked = TokenFile(file.path), set[str]()
    read = TokenFile.read

    def read_and_be_overtaken(self: TokenFile) -> list[Token]:
        tokens = read(self)
        if self is file and "web-1" not in revoked:
            with suppress(TokensError):  # who is refused knows it
                other.revoke("web-1")
                revoked.add("web-1")
        return tokens

    with monkeypatch.context() as patch:
        patch.setattr(TokenFile, "read", read_and_be_overtaken)
        if change == "create":
            file.create("web-4", ["service"], None)
        else:
            file.revoke("web-3")
            revoked.add("web-3")
    assert not revoked & {token.name for token in file.read()}


def test_what_cannot_be_done_leaves_no_lock(file: TokenFile) -> None:
    file.create("web-1", ["service"], None)
    with pytest.raises(TokensError, match="already"):
        file.create("web-1", ["service"], None)
    file.path.write_text("damaged")
    with pytest.raises(TokensError, match="does not hold tokens"):
        file.create("web-2", ["service"], None)
    assert [path.name for path in file.path.parent.iterdir()] == ["tokens.json"]


def test_a_directory_that_cannot_be_synced_takes_no_other_s_lock(
    file: TokenFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = file.path.with_name("tokens.json.new")

    def fail_while_another_is_at_work(path: Path) -> None:
        lock.touch()
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(tokens_module, "sync", fail_while_another_is_at_work)
    with pytest.raises(OSError, match="Input/output"):
        file.create("web-1", ["service"], None)
    assert lock.exists()


@pytest.mark.parametrize(("text", "seconds"), [("30d", 30 * 86400), ("12h", 43200), ("90min", 5400)])
def test_lifetimes(text: str, seconds: int) -> None:
    assert lifetime_of(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "30", "0d", "-1d", "1w", "1.5h", "d", "9999999d"])
def test_what_is_no_lifetime(text: str) -> None:
    with pytest.raises(ValueError, match="no lifetime"):
        lifetime_of(text)


# -------------------------------------------------------------------------------------------------------- the commands
def test_create_list_and_revoke(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path))
    made = command("token", "create", "web-1", "--role", "service", "--expires", "30d", *data)
    assert made.exit_code == 0
    token = made.stdout.strip()
    assert TokenFile(tmp_path / "tokens.json").read()[0].digest == hash_token(token)
    assert "shown this once" in made.stderr
    assert token not in made.stderr
    as_json = json.loads(command("token", "create", "ops", "--role", "operator", "--json", *data).stdout)
    assert (as_json["name"], as_json["roles"], len(as_json["token"])) == ("ops", ["operator"], 43)
    listed = command("token", "list", *data).stdout
    assert [line.split()[0] for line in listed.splitlines()] == ["NAME", "web-1", "ops"]
    assert token not in listed
    rows = [json.loads(line) for line in command("token", "list", "--json", *data).stdout.splitlines()]
    assert [(row["name"], row["expires_at"] is None) for row in rows] == [("web-1", False), ("ops", True)]
    assert command("token", "revoke", "web-1", *data).stdout == "web-1 is revoked\n"
    refused = command("token", "revoke", "web-1", *data)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "there are: ops" in refused.stderr


def test_what_was_typed_wrong(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path))
    assert command("token", "create", "web-1", *data).exit_code == 2
    wrong = command("token", "create", "web-1", "--role", "service", "--expires", "soon", *data)
    assert (wrong.exit_code, "one looks like 30d" in wrong.stderr) == (2, True)
    assert command("token", "create", "Web", "--role", "service", *data).exit_code == 1
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_written_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def told(data: Path) -> str:
        result = CliRunner().invoke(main, ["token", "create", "ops", "--role", "operator", "--data", str(data)])
        assert (result.exit_code, result.stdout) == (1, "")
        return result.stderr

    assert told(Path("/dev/null")).startswith("/dev/null cannot be made: ")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert told(tmp_path) == f"{tmp_path / 'tokens.json'} cannot be written: No space left on device\n"
    assert told(tmp_path / "new") == f"{tmp_path / 'new/tokens.json'} cannot be written: No space left on device\n"
    assert not list(tmp_path.rglob("tokens*"))


def test_an_expired_token_is_shown_as_such(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "tokens.json")
    file.create("old", ["viewer"], timedelta(seconds=-1))
    assert "expired" in command("token", "list", "--data", str(tmp_path)).stdout


# ------------------------------------------------------------------------------------------------------ who is let in
def test_without_tokens_it_is_this_machine_or_a_word(file: TokenFile) -> None:
    for tokens in (None, FileTokens(file)):
        assert isinstance(authenticator_of("127.0.0.1", tokens, insecure=False), Anonymous)
        assert isinstance(authenticator_of("0.0.0.0", tokens, insecure=True), Anonymous)
        with pytest.raises(AccessRefused, match=r"token create NAME --role operator.*--insecure-no-tokens"):
            authenticator_of("0.0.0.0", tokens, insecure=False)


def test_with_tokens_it_is_them_everywhere(file: TokenFile) -> None:
    file.create("web-1", ["service"], None)
    tokens = FileTokens(file)
    for host in ("127.0.0.1", "0.0.0.0"):
        assert authenticator_of(host, tokens, insecure=False) is tokens
        with pytest.raises(AccessRefused, match="leave out one or the other"):
            authenticator_of(host, tokens, insecure=True)


def test_it_is_told_who_is_let_in(file: TokenFile) -> None:
    assert told(FileTokens(file), "127.0.0.1") == f"whoever has a token of {file.path}"
    assert told(Anonymous.all(), "::1") == "everybody on this machine"
    assert told(Anonymous.all(), "0.0.0.0") == "EVERYBODY who can connect"


def test_changes_are_noticed_and_a_damaged_file_changes_nothing(file: TokenFile) -> None:
    old, other = file.create("web-1", ["service"], None), file.create("web-2", ["service"], None)
    tokens = FileTokens(file)
    assert tokens.reload() == []
    file.revoke("web-1")
    new = file.create("web-3", ["service"], None)
    assert tokens.reload() == [hash_token(old)]
    assert tokens.reload() == []

    def who(token: str) -> str:
        asking = tokens.authenticate(Credentials(token=token))
        try:
            asking.send(None)
        except StopIteration as done:
            return str(done.value.name)
        raise AssertionError("there is nothing to wait for")

    assert [who(new), who(other)] == ["web-3", "web-2"]
    with pytest.raises(Unauthenticated):
        who(old)
    file.path.write_text("damaged")
    with pytest.raises(TokensError):
        tokens.reload()
    assert who(new) == "web-3"
    file.path.unlink()
    assert set(tokens.reload()) == {hash_token(new), hash_token(other)}
    with pytest.raises(Unauthenticated):
        who(new)


def test_a_token_whose_rights_were_changed_by_hand_is_another_one(file: TokenFile) -> None:
    drawn = file.create("web-1", ["viewer"], None)
    tokens = FileTokens(file)
    with file._changing() as changed:
        changed[:] = [Token("web-1", hash_token(drawn), ("operator",), datetime.now(UTC))]
    assert tokens.reload() == [hash_token(drawn)]


# ---------------------------------------------------------------------------------------------- a registry with tokens
EVERYTHING = {
    "list_services": "viewer service operator agent",
    "get_service": "viewer service operator agent",
    "list_endpoints": "viewer service operator agent",
    "list_agents": "viewer service operator agent",
    "register_service": "service operator agent",
    "deregister_service": "service operator agent",
    "heartbeat": "service operator agent",
    "update_state": "service operator agent",
    "report_health": "service operator agent",
    "service_action": "operator",
    "watch_logs": "operator",
    "attach_agent": "agent",
    "list_packages": "viewer operator agent",
    "download_package": "viewer operator agent",
    "upload_package": "operator",
    "remove_package": "operator",
    "get_deployment": "viewer service operator agent",
    "list_deployments": "viewer service operator agent",
    "watch_deployment": "viewer service operator agent",
    "deploy_package": "operator",
    "rollback": "operator",
    "cancel_deployment": "operator",
    "list_events": "operator",
    "get_registry_status": "operator",
    "back_up": "operator",
    "prune": "operator",
}


@pytest.mark.anyio
async def test_roles_may_what_the_spec_says_and_the_audit_log_says_who_did_it(file: TokenFile) -> None:
    drawn = {role: file.create(f"the-{role}", [role], None) for role in ("viewer", "service", "operator", "agent")}
    tokens = FileTokens(file)
    assert {action.name for action in RegistryClient.protocol.client_actions} == set(EVERYTHING)
    with MemoryNetwork().use(), anyio.fail_after(20):
        async with JournaledStore.open(MemoryJournal(), SystemClock()) as store:
            async with serve(Registry(store), "memory", 0, authenticator=tokens) as server:
                url = f"ws://memory:{server.port}"
                for role, token in drawn.items():
                    async with RegistryClient.open(url, token=token) as registry:
                        for name, roles in EVERYTHING.items():
                            assert await may(registry, name) == (role in roles.split()), (role, name)
                        if role != "viewer":
                            execution = ManagedProcess(command=["x"])
                            location = Remote(host="h", node="the-agent") if role == "agent" else Local()
                            await registry.register_service(
                                name=role, version="1.0.0", execution=execution, location=location
                            )
                with pytest.raises(ConnectFailed, match="401"):
                    async with RegistryClient.open(url):
                        pass
                async with RegistryClient.open(url, token=drawn["operator"]) as registry:
                    page = await registry.list_events()
                    assert {record.actor for record in page.records} == {"the-service", "the-operator", "the-agent"}
                    page = await registry.list_events(actor="the-service")
                    assert [record.actor for record in page.records] == ["the-service"]


@pytest.mark.anyio
async def test_the_token_of_an_agent_is_for_one_node(file: TokenFile) -> None:
    drawn = {name: file.create(name, ["agent"], None) for name in ("web-1", "web-2")}
    tokens = FileTokens(file)
    with MemoryNetwork().use(), anyio.fail_after(20):
        async with JournaledStore.open(MemoryJournal(), SystemClock()) as store:
            async with serve(Registry(store), "memory", 0, authenticator=tokens) as server:
                url = f"ws://memory:{server.port}"
                async with (
                    RegistryClient.open(url, token=drawn["web-1"]) as one,
                    RegistryClient.open(url, token=drawn["web-2"]) as two,
                ):
                    lease = await one.attach_agent(node="web-1", kinds=[], services=[])
                    await one.register_service(
                        name="api",
                        version="1.0.0",
                        execution=ManagedProcess(command=["x"]),
                        location=Remote(host="h", node="web-1"),
                    )
                    for call in (
                        two.attach_agent(node="web-1", kinds=[], services=[]),
                        two.update_state(name="api", state=ServiceState.RUNNING, agent=lease),
                        two.report_health(
                            name="api",
                            report=HealthReport(check="x", status=HealthStatus.PASSING, checked_at=datetime.now(UTC)),
                            agent=lease,
                        ),
                    ):
                        with pytest.raises(PermissionDenied, match="the token of web-2"):
                            await call
                    await one.update_state(name="api", state=ServiceState.RUNNING, agent=lease)


async def may(registry: RegistryClient, name: str) -> bool:
    """Whether an action is let pass; what it says of its params does not matter."""
    try:
        await registry.connection.calls.ask(name, b'{"name": "nobody"}')
    except PermissionDenied:
        return False
    except CallError:
        return True
    return True


def spoil(path: Path, how: str) -> None:
    """Let the file of the tokens be none that can be used; `repair` undoes it."""
    if how == "others may change it":
        path.chmod(0o664)
    elif how == "a loop":
        path.rename(path.with_name("aside"))
        path.symlink_to(path)
    else:
        path.parent.rename(path.parent.with_name("aside"))
        path.parent.touch()


def repair(path: Path, how: str) -> None:
    if how == "others may change it":
        path.chmod(0o600)
    elif how == "a loop":
        path.with_name("aside").replace(path)
    else:
        path.parent.unlink()
        path.parent.with_name("aside").rename(path.parent)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("others may change it", "chmod 600 it"),
        ("a loop", "cannot be read: Too many levels of symbolic links"),
        ("no directory", "cannot be read: Not a directory"),
    ],
)
async def test_a_revocation_is_noticed_as_soon_as_the_file_can_be_read_again(
    how: str, told: str, file: TokenFile, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    revoked, other = file.create("web-1", ["viewer"], None), file.create("web-2", ["viewer"], None)
    tokens = Counted(file)
    monkeypatch.setattr(access, "LOOK_EVERY", 0.01)
    with MemoryNetwork().use(), anyio.fail_after(20):
        async with JournaledStore.open(MemoryJournal(), SystemClock()) as store, anyio.create_task_group() as tasks:
            async with serve(Registry(store), "memory", 0, authenticator=tokens) as server:
                tasks.start_soon(tokens.follow, server)
                url = f"ws://memory:{server.port}"
                async with (
                    RegistryClient.open(url, token=revoked) as viewer,
                    viewer.events.service_registered() as events,
                ):
                    file.revoke("web-1")
                    spoil(file.path, how)
                    enough = tokens.looks + 5
                    await until(lambda: tokens.looks > enough)
                    [error] = caplog.records
                    assert str(file.path) in error.getMessage()
                    assert told in error.getMessage()
                    async with RegistryClient.open(url, token=other) as unhindered:
                        await unhindered.list_services()
                    repair(file.path, how)
                    with pytest.raises(ConnectionClosed) as closed:
                        await anext(events)
                    assert closed.value.close_code == 4403
                with pytest.raises(ConnectFailed, match="401"):
                    async with RegistryClient.open(url, token=revoked):
                        raise AssertionError
                spoil(file.path, how)
                await until(lambda: len(caplog.records) == 2)
            tasks.cancel_scope.cancel()


class Counted(FileTokens):
    """Counts how often it looks at its file."""

    looks = 0

    @override
    def reload(self) -> list[str]:
        self.looks += 1
        return super().reload()


@pytest.fixture
def secured(start_registry: Any, data_directory: Path) -> Iterator[tuple[Any, dict[str, str], TokenFile]]:
    """A registry of its own process, with tokens."""
    file = TokenFile(data_directory / "tokens.json")
    drawn = {role: file.create(f"the-{role}", [role], None) for role in ("viewer", "operator")}
    registry = start_registry("--data", str(data_directory))
    yield registry, drawn, file
    assert registry.stop()[0] == 0


def test_commands_show_a_token(secured: tuple[Any, dict[str, str], TokenFile]) -> None:
    registry, drawn, file = secured
    assert registry.started["open_to"] == f"whoever has a token of {file.path}"
    env = {"DUOLOGUE_REGISTRY_URL": registry.url}
    for arguments in (["services"], ["events"], ["watch"]):
        refused = command(*arguments, **env)
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert "wants a token" in refused.stderr
    bad = command("services", "--token", "not-one-of-them", **env)
    assert (bad.exit_code, "does not take this token" in bad.stderr, "not-one" in bad.stderr) == (1, True, False)
    assert command("services", "list", DUOLOGUE_TOKEN=drawn["viewer"], **env).exit_code == 0
    assert command("services", "--token", drawn["viewer"], "list", **env).exit_code == 0
    denied = command("services", "deregister", "x", DUOLOGUE_TOKEN=drawn["viewer"], **env)
    assert (denied.exit_code, "[permission_denied]" in denied.stderr) == (1, True)
    registered = command(
        "services", "register", "api", "1.0.0", "--command", "x", DUOLOGUE_TOKEN=drawn["operator"], **env
    )
    assert registered.exit_code == 0
    assert "the-operator" in command("events", DUOLOGUE_TOKEN=drawn["operator"], **env).stdout


def test_a_token_that_is_revoked_ends_within_two_seconds(secured: tuple[Any, dict[str, str], TokenFile]) -> None:
    registry, drawn, file = secured

    async def watch() -> float:
        with anyio.fail_after(10):
            async with RegistryClient.open(registry.url, token=drawn["viewer"]) as viewer:
                async with viewer.events.service_registered() as events:
                    file.revoke("the-viewer")
                    started = time.monotonic()
                    with pytest.raises(ConnectionClosed) as closed:
                        await anext(events)
                    assert closed.value.close_code == 4403
                    return time.monotonic() - started

    assert anyio.run(watch) < 2
    refused = command("services", DUOLOGUE_REGISTRY_URL=registry.url, DUOLOGUE_TOKEN=drawn["viewer"])
    assert (refused.exit_code, "does not take this token" in refused.stderr) == (1, True)


def test_serve_refuses_what_makes_no_sense(tmp_path: Path) -> None:
    nowhere = command("serve", "--host", "192.0.2.1", "--ephemeral")
    assert (nowhere.exit_code, "--insecure-no-tokens" in nowhere.stderr) == (2, True)
    missing = command("serve", "--tokens", str(tmp_path / "none.json"), "--ephemeral")
    assert (missing.exit_code, "there is no such file" in missing.stderr) == (2, True)
    (tmp_path / "tokens.json").write_text("damaged")
    damaged = command("serve", "--data", str(tmp_path))
    assert (damaged.exit_code, "does not hold tokens" in damaged.stderr) == (1, True)
    lonely = command("serve", "--ephemeral", "--tls-key", str(tmp_path / "tokens.json"))
    assert (lonely.exit_code, "--tls-key needs --tls-cert" in lonely.stderr) == (2, True)
    certificate = command("serve", "--ephemeral", "--tls-cert", str(tmp_path / "tokens.json"))
    assert (certificate.exit_code, "--tls-cert" in certificate.stderr) == (1, True)
