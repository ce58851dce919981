"""`duologue breaking`: revisions and files, exit codes, and JSON."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from duologue_codegen.cli import main

CASES = Path(__file__).parent / "breaking"
HEAD = "duologue: 1\nprotocol: shop\nversion: {}\n"
NAME = "types: {{Name: {{type: string, maxLength: {}}}}}\n"
FIND = "actions: {find: {params: {name: Name}, scope: public}}\n"


def breaking(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["breaking", *map(str, arguments)])


def spec(path: Path, version: str = "1.0.0", longest: int = 20) -> Path:
    path.write_text(HEAD.format(version) + NAME.format(longest) + FIND, encoding="utf-8")
    return path


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose spec, in a folder with an imported file, has two revisions: `one`, and `main`."""

    def git(*arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True, capture_output=True, timeout=60)

    git("init", "--initial-branch=main")
    git("config", "user.email", "nobody@example.invalid")
    git("config", "user.name", "Nobody")
    folder = tmp_path / "spec"
    (folder / "parts").mkdir(parents=True)
    (folder / "shop.yaml").write_text(HEAD.format("1.0.0") + "imports: [parts/types.yaml]\n" + FIND, encoding="utf-8")
    for revision, longest in (("one", 20), ("two", 40)):
        (folder / "parts/types.yaml").write_text("duologue: 1\n" + NAME.format(longest), encoding="utf-8")
        git("add", "-A")
        git("commit", "-m", revision)
        git("tag", revision)
    return folder / "shop.yaml"


def test_a_revision_with_its_imports(repository: Path) -> None:
    assert breaking(repository, "--against", "two").exit_code == 0
    assert breaking(repository, "--against", "one").exit_code == 0  # longer names are no break
    (repository.parent / "parts/types.yaml").write_text("duologue: 1\n" + NAME.format(10), encoding="utf-8")
    result = breaking(repository, "--against", "main")
    assert result.exit_code == 1
    assert "parts/types.yaml:2: wire length-tightened" in result.output or "length-tightened" in result.output


def test_what_is_gone_is_shown_where_it_was(repository: Path) -> None:
    text = repository.read_text(encoding="utf-8")
    repository.write_text(text.replace("find:", "search:"), encoding="utf-8")
    result = breaking(repository, "--against", "two")
    assert f"{repository}@two:5: wire action-removed: `find`" in result.output


@pytest.mark.parametrize(
    ("against", "told"),
    [
        ("nowhere", "neither a file nor a revision"),
        ("--output=x", "neither a file nor a revision"),
        ("HEAD~9", "neither a file nor a revision"),
    ],
)
def test_no_such_revision(repository: Path, against: str, told: str) -> None:
    result = breaking(repository, f"--against={against}")
    assert result.exit_code == 2
    assert told in result.output
    assert "Traceback" not in result.output


def test_a_revision_that_lacks_the_spec(repository: Path) -> None:
    other = shutil.copy(repository, repository.parent / "other.yaml")
    result = breaking(other, "--against", "main")
    assert result.exit_code == 2
    assert "has no other.yaml beside" in result.output


def test_without_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    result = breaking(spec(tmp_path / "a.yaml"), "--against", "main")
    assert result.exit_code == 2
    assert "is in no git repository" in result.output
    monkeypatch.setenv("PATH", str(tmp_path))
    result = breaking(spec(tmp_path / "a.yaml"), "--against", "main")
    assert result.exit_code == 2
    assert "git is not installed" in result.output


def test_a_bad_spec(tmp_path: Path) -> None:
    good = spec(tmp_path / "good.yaml")
    bad = tmp_path / "bad.yaml"
    bad.write_text(HEAD.format("1.0.0") + FIND, encoding="utf-8")
    for arguments in ((good, bad), (bad, good)):
        result = breaking(arguments[0], "--against", arguments[1])
        assert result.exit_code == 2
        assert "no type is called `Name`" in result.output
    result = breaking(tmp_path / "none.yaml", "--against", good)
    assert result.exit_code == 2
    assert "cannot read the spec" in result.output


def test_programs_are_told_of_failures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = spec(tmp_path / "good.yaml")
    (tmp_path / "bad.yaml").write_text("duologue: 1\n", encoding="utf-8")
    for words in ((tmp_path / "bad.yaml", "--against", good), (good, "--against", tmp_path / "bad.yaml")):
        result = breaking(*words, "--json")
        assert result.exit_code == 2
        assert {row["file"] for row in json.loads(result.stdout)} == {str(tmp_path / "bad.yaml")}
    missing = json.loads(breaking(tmp_path / "nowhere.yaml", "--against", good, "--json").stdout)
    assert missing[0]["message"] == "cannot read the spec: No such file or directory"
    result = breaking(good, "--against", "nothing", "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]["message"].startswith("nothing: ")
    monkeypatch.setenv("PATH", "")
    assert "git is not installed" in json.loads(breaking(good, "--against", "v1", "--json").stdout)["error"]["message"]


def test_another_wire_breaks_everything(tmp_path: Path) -> None:
    good = spec(tmp_path / "good.yaml")
    other = spec(tmp_path / "other.yaml")
    other.write_text(other.read_text(encoding="utf-8") + "wire: cdp\n", encoding="utf-8")
    result = breaking(other, "--against", good)
    assert result.exit_code == 1
    assert "wire-changed: `native` → `cdp`" in result.output


@pytest.mark.parametrize(("version", "code"), [("1.0.0", 1), ("1.9.0", 1), ("2.0.0", 0)])
def test_a_major_version_may_break(tmp_path: Path, version: str, code: int) -> None:
    old, new = spec(tmp_path / "old.yaml"), spec(tmp_path / "new.yaml", version, 10)
    result = breaking(new, "--against", old)
    assert result.exit_code == code
    assert "length-tightened" in result.output


@pytest.mark.parametrize(("old", "new", "code"), [("0.1.0", "0.1.1", 1), ("0.1.0", "0.2.0", 0), ("0.9.0", "1.0.0", 0)])
def test_before_the_first_version(tmp_path: Path, old: str, new: str, code: int) -> None:
    before, after = spec(tmp_path / "old.yaml", old), spec(tmp_path / "new.yaml", new, 10)
    assert breaking(after, "--against", before).exit_code == code


def test_breaking_changes_are_counted_once_and_a_version_that_is_enough_is_named(tmp_path: Path) -> None:
    before, after = spec(tmp_path / "old.yaml", "0.2.0"), spec(tmp_path / "new.yaml", "0.2.1", 10)
    told = breaking(after, "--against", before)
    assert "version major-needed: 0.2.0 → 0.2.1, with 1 breaking change" in told.stdout
    assert "instead: raise the major version, or before 1.0 the minor one" in told.stdout
    assert "0.2.0 → 0.2.1: 1 breaking; 0 warnings;" in told.stderr
    assert breaking(spec(tmp_path / "enough.yaml", "0.3.0", 10), "--against", before).exit_code == 0


def test_json(tmp_path: Path) -> None:
    old, new = spec(tmp_path / "old.yaml"), spec(tmp_path / "new.yaml", "1.0.0", 10)
    result = breaking(new, "--against", old, "--json")
    document = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (document["protocol"], document["compatible"], document["announced"]) == ("shop", False, False)
    finding = next(one for one in document["findings"] if one["rule"] == "length-tightened")
    assert (finding["file"], finding["line"], finding["level"]) == (str(new), 5, "wire")
    assert finding["witness"]["between"] == "old client → new server"
    assert len(finding["witness"]["payload"]["name"]) == 11
    same = json.loads(breaking(old, "--against", old, "--json").stdout)
    assert (same["compatible"], same["findings"]) == (True, [])
    assert same["messages"] > 0


@pytest.mark.parametrize(
    "case", ["package-renamed", "param-added", "action-removed", "wire-request-changed", "wire-handshake-changed"]
)
def test_each_kind_of_witness_in_json(case: str) -> None:
    result = breaking(CASES / case / "after.yaml", "--against", CASES / case / "before.yaml", "--json")
    witnesses = [finding["witness"] for finding in json.loads(result.stdout)["findings"]]
    assert all(witness is None or witness["between"] for witness in witnesses)
