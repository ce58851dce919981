"""The codec of declared profiles by itself: rules, paths, positions, and what hostile peers say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from duologue.wire import BadMessage, BadText, Capabilities, Envelope, ErrorBody, Foreign, NotCarried
from duologue.wire.declared import MOST_ROUTES, DeclaredCodec
from duologue.wire.positions import Member
from duologue.wire.profile import Profile, Table

PLAIN = Capabilities(extensions=False)
MEMBERS = (Member("a", b"null", nullable=False), Member("b", b"5", nullable=False), Member("c", b"null", nullable=True))
TABLE = Table(
    params=lambda name: MEMBERS if name == "go" else (),
    data=lambda name: MEMBERS if name == "x" else (),
    takes=lambda name: name == "go",
    hears=lambda name: name == "x",
)


def envelope(**more: Any) -> Envelope:
    options: dict[str, Any] = {
        "request": {"id": "$id", "do": "$action", "with": "$params"},
        "reply": {"id": "$id", "ok": "$result"},
        "reply_error": {"id": "$id", "no": {"code": "$code", "text": "$message"}},
        "notify": {"tell": "$event", "of": "$data"},
        "incoming": [
            {"kind": "error", "exists": ["no"]},
            {"kind": "request", "exists": ["do"]},
            {"kind": "event", "exists": ["tell"]},
            {"kind": "response", "exists": ["id"]},
        ],
        **more,
    }
    return Envelope(**options)


def codec(**more: Any) -> DeclaredCodec:
    return DeclaredCodec(Profile(envelope(**more), "client", TABLE), {})


def decoded(said: Any, **more: Any) -> Foreign:
    message = codec(**more).decode(json.dumps(said).encode())
    assert isinstance(message, Foreign)
    return message


def plain(raw: object) -> Any:
    assert isinstance(raw, Raw)
    return json.loads(bytes(raw))


@pytest.mark.parametrize(
    ("rule", "said", "holds"),
    [
        ({"exists": ["a"]}, {"a": 0}, True),
        ({"exists": ["a"]}, {"a": None}, False),
        ({"absent": ["a"]}, {"a": None}, True),
        ({"absent": ["a.b"]}, {"a": {"b": 1}}, False),
        ({"equals": {"a.1": "x"}}, {"a": ["y", "x"]}, True),
        ({"equals": {"a.2": "x"}}, {"a": ["y", "x"]}, False),
        ({"equals": {"a": True}}, {"a": 1}, False),
        ({"equals": {"a": None}}, {}, False),
        ({"equals": {"a": None}}, {"a": None}, True),
        ({"regex": {"a": "^x+$"}}, {"a": "xx"}, True),
        ({"regex": {"a": "^x+$"}}, {"a": 5}, False),
        ({"regex": {"a": "x"}}, {"a": "x" * 2000}, False),
        ({"equals": {"a.b.c": 1}}, {"a": "text"}, False),
    ],
)
def test_conditions(rule: dict[str, Any], said: Any, holds: bool) -> None:
    message = decoded({"tell": "t", **said}, incoming=[{"kind": "event", **rule}])
    assert (message.event == "t") is holds
    assert (message.whole is None) is holds


def test_a_text_is_the_same_however_it_is_written() -> None:
    message = codec(incoming=[{"kind": "event", "equals": {"a": "x"}}]).decode(b'{"a": "\\u0078", "tell": "\\u0074"}')
    assert message.event == "t"


def test_ids_keep_their_type() -> None:
    for written in ("7", '"7"', "7.5", "-1"):
        message = codec().decode(b'{"id": %b, "do": "go"}' % written.encode())
        assert message.id == written
        assert codec().result(written, b"1") == b'{"id":%b,"ok":1}' % written.encode()
    for odd in (b'""', b"{}", b"[1]", b"true", b'"' + b"x" * 200 + b'"'):
        with pytest.raises(BadMessage) as bad:
            codec().decode(b'{"id": %b, "do": "go"}' % odd)
        assert (bad.value.id, bad.value.code) == (None, "not_a_message")


def test_no_result_is_what_a_spec_says() -> None:
    cases: list[tuple[Any, Any]] = [({}, {"ok": None}), ({"empty": {}}, {"ok": {}}), ({"empty": "omit"}, {})]
    for empty, said in cases:
        assert json.loads(codec(result=empty).result("1", b"null")) == {"id": 1, **said}
        assert json.loads(codec(result=empty).result("1", b"0")) == {"id": 1, "ok": 0}


def test_an_action_that_is_settled_by_its_first_answer_gets_no_other() -> None:
    speaker = codec(ack={"send": {"pong": "$id"}, "to": ["ping", "go"], "settles": ["ping"]})
    assert speaker.result("1", b"null", action="ping") == b'{"pong":1}'
    assert speaker.acknowledged == {"go"}


@pytest.mark.parametrize(
    ("no", "told"),
    [
        ({"code": 207}, "the other end tells no more than its code, 207"),
        ({"code": "busy", "text": None}, "the other end tells no more than its code, busy"),
        ({"more": 1}, "the other end tells no reason"),
        ({"code": 207, "text": "later"}, "later"),
    ],
)
def test_an_error_without_a_message_says_what_it_has(no: Any, told: str) -> None:
    error = decoded({"id": 1, "no": no}).error
    assert isinstance(error, ErrorBody)
    assert error.message == told


def test_results_and_errors_are_where_they_may_be() -> None:
    paths = {"paths": ["deep.1", "."]}
    assert plain(decoded({"id": 1, "deep": [0, {"x": 1}]}, result=paths).data) == {"x": 1}
    assert plain(decoded({"id": 1}, result=paths).data) == {"id": 1}
    assert plain(decoded({"id": 1}).data) is None
    error = decoded(
        {"id": 1, "no": {"errno": 4}}, error={"code": ["no.kind", "no.errno"], "codes": {"not_found": 4}}
    ).error
    assert isinstance(error, ErrorBody)
    assert (error.code, error.status) == ("not_found", "not_found")
    strange = decoded({"no": True}).error
    assert isinstance(strange, ErrorBody)
    assert (strange.code, strange.status, strange.message) == ("unknown", "unknown", "the other end tells no reason")
    one = decoded({"id": 1, "no": {"code": True}}).error
    assert isinstance(one, ErrorBody)
    assert one.code == "unknown"


def test_names_of_events_may_have_parts() -> None:
    form = {"name": ["type", "of.sub"], "join": ":", "data": "of", "strip": ["sub"]}
    message = decoded({"type": "a", "of": {"sub": "b", "x": 1}}, event=form, incoming=[{"kind": "event"}])
    assert (message.event, plain(message.data)) == ("a:b", {"x": 1})
    nameless = decoded({"type": "a"}, event=form, incoming=[{"kind": "event"}])
    assert plain(nameless.whole) == {"type": "a"}


@pytest.mark.parametrize(("body", "data"), [({"kind": "k", "x": 1}, {"x": 1}), (5, {}), (["x"], {})])
def test_members_are_looked_for_in_objects_alone(body: Any, data: Any) -> None:
    message = decoded({"tell": "t", "body": body}, notify={"tell": "$event", "body": {"kind": "k", "...": "$data"}})
    assert message.event == "t"
    assert plain(message.data) == data


def test_params_have_positions() -> None:
    spoken = codec(params={"style": "positional"})

    def sent(params: bytes) -> Any:
        return json.loads(spoken.request(PLAIN, "1", "go", params)).get("with")

    assert sent(b'{"c":1}') == [None, 5, 1]
    assert sent(b'{"a":1}') == [1]
    assert sent(b"{}") is None
    assert sent(b"[7]") == [7], "who gives an array has ordered it"
    for said, params in (
        ([1], {"a": 1}),
        ([1, None, None], {"a": 1, "c": None}),
        ([1, 2, 3, 4], {"a": 1, "b": 2, "c": 3, "3": 4}),
        ({"a": 1}, {"a": 1}),
        ([], {}),
    ):
        assert plain(spoken.decode(json.dumps({"id": 1, "do": "go", "with": said}).encode()).params) == params


def test_what_has_no_place_is_refused() -> None:
    extras: list[dict[str, Any]] = [{"key": "k"}, {"meta": {"a": "b"}}, {"route": 1}]
    for extra in extras:
        with pytest.raises(NotCarried):
            codec().request(PLAIN, "1", "go", b"{}", **extra)
    with pytest.raises(NotCarried, match="routes"):
        codec().event("x", b"{}", route=1)
    with pytest.raises(NotCarried, match="events"):
        codec(notify=None).event("x", b"{}")


def test_constants_may_look_like_placeholders() -> None:
    made = codec(request={"id": "$id", "do": "$action", "$$x": "$$route", "with": ["$params", "$route"]})
    assert json.loads(made.request(PLAIN, "1", "go", b"{}")) == {
        "id": 1,
        "do": "go",
        "$$x": "$route",
        "with": [{}, None],
    }


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"", "not_json"),
        (b"{", "not_json"),
        (b"{]", "not_json"),
        (b'{"id": 1,}', "not_json"),
        (b'{"a":' * 80 + b"1" + b"}" * 80, "not_a_message"),
    ],
)
def test_what_is_no_message_is_told(said: bytes, code: str) -> None:
    with pytest.raises(BadMessage) as bad:
        codec().decode(said)
    assert bad.value.code == code


def test_what_is_no_text_is_told() -> None:
    with pytest.raises(BadText):
        codec().decode(b'{"id": "\xff"}')


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["id", "do", "no", "tell", "of", "x"]), inner)
    ),
    max_leaves=12,
)


@settings(max_examples=100)
@given(JSON)
def test_any_json_is_a_message_or_told(said: Any) -> None:
    text = json.dumps(said).encode()
    try:
        message = codec(batch=True).decode(text)
    except BadMessage:
        message = None
    assert message is not None or isinstance(said, dict)


@settings(max_examples=100)
@given(
    st.binary(max_size=40)
    | st.text(alphabet='{}[]":,0idwo \\\x00\ud800', max_size=40).map(lambda t: t.encode("utf-8", "surrogatepass"))
)
def test_any_bytes_are_a_message_or_told(said: bytes) -> None:
    spoken = codec(batch=True)
    try:
        for part in spoken.parts(said) or [said]:
            spoken.decode(part)
    except (BadMessage, BadText):
        pass


KEPT: dict[str, Any] = {
    "request": {"id": "$id", "do": "$action", "to": "$route"},
    "reply": {"id": "$id", "to": "$route", "since": "$begun", "ok": "$result"},
    "notify": {"tell": "$event", "to": "$route", "since": "$begun"},
    "route": {"keep": {"begun": "begin"}},
}


def test_a_route_keeps_the_id_of_the_call_that_began_it() -> None:
    for end in (codec(**KEPT), codec(**KEPT)):
        end.decode(b'{"id": 7, "do": "begin", "to": "a"}')
        end.decode(b'{"id": 8, "do": "go", "to": "a"}')
        assert end.result("8", b"1", route=Raw(b'"a"')) == b'{"id":8,"to":"a","since":7,"ok":1}'
        assert end.result("9", b"1", route=Raw(b'"b"')) == b'{"id":9,"to":"b","ok":1}'
        assert end.event("x", b"{}", route="a") == b'{"tell":"x","to":"a","since":7}'
        assert end.request(PLAIN, '"2"', "begin", b"{}", route="b") == b'{"id":"2","do":"begin","to":"b"}'
        assert end.event("x", b"{}", route="b") == b'{"tell":"x","to":"b","since":"2"}'


def test_a_peer_cannot_have_ever_more_kept() -> None:
    end = codec(**KEPT)
    for number in range(MOST_ROUTES + 1):
        end.decode(b'{"id": 1, "do": "begin", "to": %d}' % number)
    assert end.event("x", b"{}", route=0) == b'{"tell":"x","to":0}'
    assert end.event("x", b"{}", route=1) == b'{"tell":"x","to":1,"since":1}'


def test_what_stands_after_items_that_are_spread_is_found_from_the_end() -> None:
    end = codec(
        notify=["$route", "...$data", "$event", "pair"],
        incoming=[{"kind": "event", "exists": ["-2"], "equals": {"-1": "pair"}}],
    )
    assert end.event("x", b'{"a": 1, "c": 2}', route=5) == b'[5,1,5,2,"x","pair"]'
    for items, data in (([], {}), ([1], {"a": 1}), ([1, 2, None], {"a": 1, "b": 2, "c": None})):
        message = end.decode(json.dumps([5, *items, "x", "pair"]).encode())
        assert isinstance(message, Foreign)
        assert (message.event, plain(message.data)) == ("x", data)
    for odd in ([], ["pair"], [5, "x", "pear"]):
        message = end.decode(json.dumps(odd).encode())
        assert isinstance(message, Foreign)
        assert message.whole is not None
