"""The tools talk to the registry as it is run, with a token: by its spec, and by what it says of itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.forked import Registry
from tests.tools.serving import answered, duologue, told

from duologue_registry.commands.cli import main as registry_main

SPEC = Path(__file__).parents[2] / "spec" / "registry.yaml"


def token_of(name: str, role: str, data: Path) -> str:
    made = CliRunner().invoke(registry_main, ["token", "create", name, "--role", role, "--data", str(data), "--json"])
    assert made.exit_code == 0, made.stderr
    token: str = json.loads(made.stdout)["token"]
    return token


@pytest.mark.parametrize(
    "by", [pytest.param([], id="reflection"), pytest.param(["--spec", str(SPEC)], id="spec", marks=pytest.mark.long)]
)
def test_the_registry_is_called_and_watched(tmp_path: Path, by: list[str]) -> None:
    operator, viewer = token_of("bob", "operator", tmp_path), token_of("eve", "viewer", tmp_path)
    registry = Registry("--data", str(tmp_path))
    try:
        call = ("call", registry.url)
        service = ["name=web-api", "version=1.4.0", "location.kind=local", "metadata.team=a", "tags=x", "tags=y"]
        service += ["execution.kind=managed_process", "execution.command=bin/api"]
        register = (*call, "register_service", *by, *service)
        entry = answered(duologue(*register, "--idempotency-key", "k1", DUOLOGUE_TOKEN=operator))
        assert (entry["tags"], entry["metadata"]) == (["x", "y"], {"team": "a"})
        again = answered(duologue(*register, "--idempotency-key", "k1", DUOLOGUE_TOKEN=operator))
        assert again == entry, "it took effect once"
        wrong = duologue(*register, "lease=soon", "execution.comand=x", DUOLOGUE_TOKEN=operator)
        said = told(wrong, 3)
        assert '$.lease: "soon" is not written so' in said
        assert "did you mean `command`?" in said
        assert (f"spec: {SPEC}:" in said) == bool(by)
        said = told(duologue(*register, "execution.comand=x", DUOLOGUE_TOKEN=operator), 3)
        assert said.startswith("$.execution.comand: unknown"), "the server would ignore it"
        denied = told(duologue(*register, DUOLOGUE_TOKEN=viewer), 5)
        assert "register_service needs the scope services:write" in denied
        assert "HTTP status 401" in told(duologue(*call, "list_services", *by), 5)
        watch = (
            "watch",
            registry.url,
            "service_registered",
            *by,
            "--from-start",
            "--count",
            "1",
            "--json",
            "--for",
            "30s",
        )
        assert answered(duologue(*watch, DUOLOGUE_TOKEN=viewer))["data"]["entry"] == entry
    finally:
        registry.stop()
