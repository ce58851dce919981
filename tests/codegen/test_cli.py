"""The command, as a user runs it: exit codes, what is said where, and what is left on disk."""

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.programs import on_a_full_disk

from duologue_codegen import entry
from duologue_codegen.cli import main
from duologue_codegen.format import FormatError, format_files
from duologue_codegen.version import API_LEVEL, VERSION

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden"
SPEC = """\
duologue: 1
protocol: chat
version: 1.0.0
description: Chat.
actions:
  say: {params: {text: string}, scope: public, description: Say something.}
"""


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("chat.yaml").write_text(SPEC, encoding="utf-8")
    return Path("chat.yaml")


def duologue(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def on_disk(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.usefixtures("spec")
def test_generate_then_check() -> None:
    made = duologue("generate", "chat.yaml", "-o", "out")
    assert made.exit_code == 0
    assert "written out/chat_sdk/client.py" in made.stdout
    assert not Path("out/pyproject.toml").exists()
    assert duologue("check", "chat.yaml", "-o", "out").exit_code == 0
    assert "up to date" in duologue("generate", "chat.yaml", "-o", "out").stdout


@pytest.mark.usefixtures("spec")
def test_check_names_changed_missing_and_orphan_files_and_changes_none() -> None:
    duologue("generate", "chat.yaml", "-o", "out", "--project")
    client, orphan = Path("out/chat_sdk/client.py"), Path("out/chat_sdk/unknown.py")
    orphan.write_text(client.read_text(encoding="utf-8"), encoding="utf-8")
    client.write_text(client.read_text(encoding="utf-8").replace("Chat", "Chatter"), encoding="utf-8")
    Path("out/chat_sdk/peer.py").unlink()
    Path("out/chat_sdk/own.py").write_text("own = 1\n", encoding="utf-8")
    before = on_disk(Path("out"))
    checked = duologue("check", "chat.yaml", "-o", "out", "--project")
    assert checked.exit_code == 1
    assert checked.stdout.splitlines() == [
        "changed out/chat_sdk/client.py",
        "missing out/chat_sdk/peer.py",
        "orphan out/chat_sdk/unknown.py",
    ]
    assert "run: duologue generate chat.yaml -o out --project" in checked.stderr
    assert on_disk(Path("out")) == before
    told = json.loads(duologue("check", "chat.yaml", "-o", "out", "--project", "--json").stdout)
    assert told == {
        "changed": ["out/chat_sdk/client.py"],
        "missing": ["out/chat_sdk/peer.py"],
        "orphan": ["out/chat_sdk/unknown.py"],
    }
    assert duologue("generate", "chat.yaml", "-o", "out", "--project").exit_code == 0
    assert duologue("check", "chat.yaml", "-o", "out", "--project").exit_code == 0
    assert Path("out/chat_sdk/own.py").exists()
    assert not orphan.exists()


def test_a_wrong_spec_is_told_in_full_and_leaves_the_tree_alone(spec: Path) -> None:
    duologue("generate", "chat.yaml", "-o", "out")
    before = on_disk(Path("out"))
    spec.write_text(SPEC.replace("string", "strin").replace("scope: public", "scop: public"), encoding="utf-8")
    for command in ("generate", "check"):
        failed = duologue(command, "chat.yaml", "-o", "out")
        assert failed.exit_code == 2
        assert failed.stdout == ""
        assert "chat.yaml:6:24: no type is called" in failed.stderr
        assert "chat.yaml:6:32: unknown key `scop`" in failed.stderr
        assert "hint:" in failed.stderr
        assert "Traceback" not in failed.stderr
    assert on_disk(Path("out")) == before
    rows = json.loads(duologue("lint", "chat.yaml", "--json").stdout)
    assert {(row["file"], row["line"]) for row in rows} == {("chat.yaml", 6)}


@pytest.mark.parametrize("wire", ["jsonrpc2", "cdp"])
def test_a_given_wire_profile_is_written_into_the_package(spec: Path, wire: str) -> None:
    spec.write_text(f"{SPEC}wire: {wire}\n", encoding="utf-8")
    for command in ("generate", "check"):
        assert duologue(command, "chat.yaml", "-o", "out").exit_code == 0
    [table] = Path("out").glob("*/protocol.py")
    assert "wire=_Envelope(" in table.read_text(encoding="utf-8")


def test_a_spec_that_is_not_there() -> None:
    failed = duologue("lint", "nowhere.yaml")
    assert failed.exit_code == 2
    assert "nowhere.yaml:1:1: cannot read the spec: No such file or directory" in failed.stderr


@pytest.mark.usefixtures("spec")
def test_a_file_of_the_users_own_is_in_the_way() -> None:
    Path("out").mkdir()
    Path("out/README.md").write_text("mine\n", encoding="utf-8")
    failed = duologue("generate", "chat.yaml", "-o", "out", "--project")
    assert failed.exit_code == 2
    assert "README.md: not written by duologue" in failed.stderr
    assert on_disk(Path("out")) == {"README.md": b"mine\n"}


@pytest.mark.usefixtures("spec")
def test_a_folder_that_cannot_be_written() -> None:
    Path("out").write_text("a file\n", encoding="utf-8")
    failed = duologue("generate", "chat.yaml", "-o", "out/below")
    assert failed.exit_code == 2
    assert len(failed.stderr.splitlines()) == 1


@pytest.mark.usefixtures("spec")
def test_lint_warns_and_succeeds() -> None:
    Path("chat.yaml").write_text(SPEC.replace(", description: Say something.", ""), encoding="utf-8")
    found = duologue("lint", "chat.yaml")
    assert found.exit_code == 0
    assert "action `say` has no description" in found.stdout
    assert json.loads(duologue("lint", "chat.yaml", "--json").stdout)[0]["line"] == 6


def test_schema_is_a_json_schema() -> None:
    assert json.loads(duologue("schema").stdout)["$schema"].startswith("https://json-schema.org/")


@pytest.mark.parametrize("command", ["generate", "check", "lint", "authz", "schema", "init", "import", "export"])
def test_help_teaches_by_example(command: str) -> None:
    shown = duologue(command, "--help")
    assert shown.exit_code == 0
    assert f"Example: duologue {command}" in " ".join(shown.stdout.split())
    assert command in duologue("--help").stdout


def test_the_version_is_the_distribution_s() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == VERSION
    assert duologue("--version").stdout == f"duologue {VERSION}\n"


def test_the_api_level_is_the_runtime_s() -> None:
    import duologue as runtime

    assert runtime.API_LEVEL == API_LEVEL


def test_without_the_extra_the_command_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def found(name: str) -> object:
        return None if name == "jinja2" else name

    monkeypatch.setattr(entry, "find_spec", found)
    with pytest.raises(SystemExit) as caught:
        entry.main()
    assert caught.value.code == 2
    assert capsys.readouterr().err == "duologue: the generator needs jinja2: pip install 'duologue[codegen]'\n"


def test_an_interrupt_while_it_starts_has_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("duologue_codegen.cli.main", interrupted)
    with pytest.raises(SystemExit) as caught:
        entry.main()
    assert caught.value.code == 130


def test_starting_up_imports_nothing_heavy() -> None:
    script = "import sys; import duologue_codegen.cli; print(*sorted(sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert not {"datamodel_code_generator", "jinja2", "yaml", "pydantic"} & set(run.stdout.split())


def test_watch_generates_again_when_the_spec_changes(spec: Path) -> None:
    run = subprocess.Popen(
        [sys.executable, "-m", "duologue_codegen", "generate", "chat.yaml", "-o", "out", "--watch"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert eventually(Path("out/chat_sdk/client.py").exists)
        spec.write_text(SPEC.replace("say:", "shout:"), encoding="utf-8")
        assert eventually(lambda: "def shout" in Path("out/chat_sdk/client.py").read_text(encoding="utf-8"))
        spec.write_text("duologue: 2\n", encoding="utf-8")  # wrong for a while: it goes on watching
        time.sleep(1)
        assert run.poll() is None
        spec.write_text(SPEC.replace("say:", "sing:"), encoding="utf-8")
        assert eventually(lambda: "def sing" in Path("out/chat_sdk/client.py").read_text(encoding="utf-8"))
        run.send_signal(signal.SIGINT)
        assert run.wait(20) == 0
    finally:
        run.kill()
        run.wait()


LIMITED = """
import resource, sys
from duologue_codegen.entry import main

resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)), resource.RLIM_INFINITY))
main()
"""


def limited(size: int, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Where no file can be larger than this: what a full disk is like."""
    return subprocess.run(
        [sys.executable, "-c", LIMITED, str(size), *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.usefixtures("spec")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["lint", "chat.yaml", "--json"],
        ["authz", "chat.yaml"],
        ["check", "chat.yaml", "-o", "out", "--json"],
        ["export", "openrpc", "chat.yaml"],
        ["breaking", "chat.yaml", "--against", "chat.yaml", "--json"],
        ["lint", "nowhere.yaml", "--json"],
        ["explain", "chat.yaml", "frame.json"],  # 1 would say that the frame does not fit
        ["call", "ws://127.0.0.1:1", "say", "--json"],
    ],
    ids=" ".join,
)
def test_what_cannot_be_printed_is_said_so(words: list[str], unbuffered: str) -> None:
    Path("frame.json").write_text('{"id": "1", "action": "say", "params": {"text": "hi"}}', encoding="utf-8")
    path = os.pathsep.join(sys.path)
    ended = on_a_full_disk("duologue_codegen", words, PYTHONPATH=path, PYTHONUNBUFFERED=unbuffered)
    assert ended == (2, "duologue: cannot print: No space left on device\n")


@pytest.mark.usefixtures("spec")
@pytest.mark.parametrize("command", ["generate", "check"])
def test_no_room_for_temporary_files_is_said_so(command: str) -> None:
    assert duologue("generate", "chat.yaml", "-o", "out").exit_code == 0
    before = on_disk(Path("out"))
    for as_json in ([], ["--json"]):
        ran = limited(100, command, "chat.yaml", "-o", "out", *as_json)
        assert ran.returncode == 2
        [line] = ran.stderr.splitlines()
        assert line.startswith("duologue: cannot write /")
        assert "make room there, or name another folder in TMPDIR" in line
        assert (json.loads(ran.stdout)["error"]["message"] in line) if as_json else not ran.stdout
    assert on_disk(Path("out")) == before


@pytest.mark.parametrize(
    "ran", [(-signal.SIGXFSZ, ""), (2, "error: Failed to write x/000.py: No space left on device (os error 28)")]
)
def test_no_room_for_what_is_formatted_is_no_error_of_the_generator(
    monkeypatch: pytest.MonkeyPatch, ran: tuple[int, str]
) -> None:
    def run(arguments: list[str], **_: object) -> "subprocess.CompletedProcess[str]":
        return subprocess.CompletedProcess(arguments, ran[0], "", ran[1])

    monkeypatch.setattr("duologue_codegen.format.subprocess.run", run)
    with pytest.raises(OSError, match="ruff could not write there; make room there") as caught:
        format_files({"a.py": "a = 1\n"})
    assert "duologue-" in caught.value.filename


def test_what_ruff_cannot_read_is_told_in_its_words() -> None:
    with pytest.raises(FormatError, match="Failed to parse"):
        format_files({"a.py": "a = (\n"})


@pytest.mark.usefixtures("spec")
@pytest.mark.parametrize("command", ["generate", "docs"])
def test_an_output_without_room_is_named(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    said = "cannot write out: No space left on device; nothing was changed"
    told = duologue(command, "chat.yaml", "-o", "out")
    assert (told.exit_code, told.stdout, told.stderr) == (2, "", f"duologue: {said}\n")
    told = duologue(command, "chat.yaml", "-o", "out", "--json")
    assert json.loads(told.stdout) == {"error": {"exit": 2, "message": said}}
    assert not Path("out").exists()


@pytest.mark.usefixtures("spec")
@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_ctrl_c_ends_as_it_is_documented(monkeypatch: pytest.MonkeyPatch, as_json: list[str]) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("duologue_codegen.generate.generate_files", interrupted)
    ended = duologue("generate", "chat.yaml", "-o", "out", *as_json)
    assert (ended.exit_code, ended.stderr) == (130, "interrupted\n")
    assert bool(ended.stdout) == bool(as_json)
    assert duologue("generate", "chat.yaml", "-o", "out", "--watch").exit_code == 0


def test_an_export_without_room_leaves_the_old_file(spec: Path) -> None:
    assert duologue("export", "asyncapi", "chat.yaml", "-o", "chat.json").exit_code == 0
    before = on_disk(Path())
    failed = limited(1024, "export", "asyncapi", "chat.yaml", "-o", "chat.json")
    assert failed.returncode == 2
    assert failed.stderr == "duologue: cannot write chat.json: File too large; nothing was changed\n"
    assert on_disk(Path()) == before


def test_an_export_keeps_the_link_and_the_mode_of_its_file(spec: Path) -> None:
    Path("real.json").write_text("old", encoding="utf-8")
    Path("real.json").chmod(0o600)
    Path("link.json").symlink_to("real.json")
    assert duologue("export", "asyncapi", "chat.yaml", "-o", "link.json").exit_code == 0
    assert Path("link.json").is_symlink()
    assert Path("real.json").read_text(encoding="utf-8").startswith("{")
    assert Path("real.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("words", [["export", "json-schema", "chat.yaml"], ["import", "openrpc", "x.json", "--force"]])
def test_what_is_no_file_is_written_and_not_replaced(spec: Path, words: list[str]) -> None:
    assert duologue("export", "openrpc", "chat.yaml", "-o", "x.json").exit_code == 0
    os.mkfifo("pipe")
    with subprocess.Popen(["cat", "pipe"], stdout=subprocess.PIPE) as reader:
        assert duologue(*words, "-o", "pipe").exit_code == 0
        assert Path("pipe").is_fifo()
        assert b"chat" in reader.communicate(timeout=20)[0]


def eventually(condition: Callable[[], bool]) -> bool:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_generating_a_project_loads_no_runtime(tmp_path: Path) -> None:
    """Its commands would start later by that."""
    spec = ROOT / "spec/registry.yaml"
    run = (
        "import sys; from duologue_codegen.cli import main;"
        f"main(['generate', {str(spec)!r}, '-o', {str(tmp_path)!r}, '--project'], standalone_mode=False);"
        "print(sorted(name for name in sys.modules if name.partition('.')[0] in ('duologue', 'msgspec')))"
    )
    done = subprocess.run([sys.executable, "-c", run], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
