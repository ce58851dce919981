"""The shapes of messages, as data: each is read whole, and stands in the table of the wire format."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.conformance.wire.tables import table

from duologue.wire import Capabilities, Message, NativeCodec

HERE = Path(__file__).parent
SHAPES: list[dict[str, Any]] = table("shapes")
PLAIN = Capabilities(extensions=False)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: json.dumps(shape["message"])[:60])
def test_every_member_of_a_shape_is_read(shape: dict[str, Any]) -> None:
    read = NativeCodec().decode(json.dumps(shape["message"]).encode())
    assert json.loads(msgspec.json.encode(read)) == shape["message"]


def test_the_table_of_the_wire_format_has_the_shapes_that_there_are() -> None:
    document = (HERE.parents[2] / "docs/wire.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `?(\w+)`? \|", document.partition("| message |")[2].partition("\n\n")[0], re.MULTILINE)
    assert rows
    assert set(rows) <= {shape["row"] for shape in SHAPES}
    members = {member for shape in SHAPES for member in shape["message"]}
    assert members == {field.encode_name for field in msgspec.structs.fields(Message)}, "no member is forgotten"
    assert {member for member in members if not re.search(rf"\b{member}\b", document)} == set()


def test_a_plain_peer_is_sent_the_plain_members_alone() -> None:
    [plain] = {tuple(shape["plain"]) for shape in SHAPES if shape["row"] == "request"}
    sent = NativeCodec().request(PLAIN, "1", "x", b"{}", deadline=1, key="k", meta={"a": "b"}, credit=1, stream=1)
    assert tuple(json.loads(sent)) == plain
    [plain] = {tuple(shape["plain"]) for shape in SHAPES if shape["row"] == "response"}
    assert tuple(json.loads(NativeCodec().result("1", b"null"))) == plain
    [plain] = {tuple(shape["plain"]) for shape in SHAPES if shape["row"] == "event"}
    assert tuple(json.loads(NativeCodec().event("x", b"{}"))) == plain
