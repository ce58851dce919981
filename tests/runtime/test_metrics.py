"""Numbers: counted once each, in the text format of Prometheus, with few labels whatever peers say."""

from __future__ import annotations

import math
import re
from typing import Any

import anyio
import pytest
from tests.runtime.chat import ChatClient, Said
from tests.runtime.support import BOUND, Room, until, url_of

from duologue import CallError, Limits, Metrics, ResourceExhausted, serve
from duologue.observing.metrics import BUCKETS, _Histogram

pytestmark = pytest.mark.anyio

SAMPLE = re.compile(r'(?P<name>[a-z_]+)(?:\{(?P<labels>(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (?P<value>\S+)')


def parsed(text: str) -> dict[str, float]:
    """The samples of a page, each line of which has to be one, or a comment: by name and labels as they are written."""
    found: dict[str, float] = {}
    for line in text.splitlines():
        if not line.startswith(("# HELP ", "# TYPE ")):
            sample = SAMPLE.fullmatch(line)
            assert sample is not None, line
            key = line.rpartition(" ")[0]
            assert key not in found, f"twice: {key}"
            found[key] = float(sample["value"])
    return found


async def counted(limits: Limits | None = None) -> dict[str, float]:
    """What some calls and events count as, on both ends together."""
    metrics, room = Metrics(), Room()
    with anyio.fail_after(BOUND):
        async with serve(room, observers=[metrics], limits=limits) as server:
            async with ChatClient.open(url_of(server), observers=[metrics]) as client:
                for _ in range(3):
                    await client.echo(text="a")
                with pytest.raises(CallError):
                    await client.echo(text="none")
                for name in ("unheard", 'of\n"\\'):
                    with pytest.raises(CallError):
                        await client.connection.calls.ask(name, b"{}")
                async with client.events.said() as said:
                    await room.publisher.emit(Said(room="a", text="x"))
                    await anext(said)
                during = parsed(metrics.render())
                assert during['duologue_connections{role="server"}'] == 1
                client.connection.close(4999, "whatever")
                await until(lambda: 'code="other"' in metrics.render())
    return parsed(metrics.render())


async def test_calls_connections_and_events_are_counted() -> None:
    page = await counted()
    for direction in ("incoming", "outgoing"):
        call = f'{{direction="{direction}",action="echo"'
        assert page[f'duologue_calls_total{call},status="ok"}}'] == 3
        assert page[f'duologue_calls_total{call},status="not_found"}}'] == 1
        assert page[f"duologue_calls_running{call}}}"] == 0
        assert page[f"duologue_call_duration_seconds_count{call}}}"] == 4
        assert page[f'duologue_call_duration_seconds_bucket{call},le="+Inf"}}'] == 4
        assert 0 < page[f"duologue_call_duration_seconds_sum{call}}}"] < 40
    assert page['duologue_calls_total{direction="incoming",action="subscribe",status="ok"}'] == 1
    assert page['duologue_events_total{event="said",fate="delivered"}'] == 2
    assert page['duologue_connections_closed_total{role="server",code="other"}'] >= 1
    assert page['duologue_connections{role="server"}'] == 0
    assert page['duologue_connections{role="client"}'] == 0
    assert page['duologue_connections_opened_total{role="server"}'] >= 1


async def test_a_client_that_comes_back_is_counted() -> None:
    metrics = Metrics()
    with anyio.fail_after(BOUND):
        async with serve(Room(), port=0) as server, ChatClient.open(url_of(server), observers=[metrics]) as client:
            await client.echo(text="a")
            client.connection.abort()
            await until(lambda: parsed(metrics.render())["duologue_reconnects_total"] > 0)


async def test_names_that_peers_invent_are_one_label() -> None:
    page = await counted()
    invented = [key for key in page if "unheard" in key or "of\\n" in key]
    assert not [key for key in invented if "incoming" in key]
    assert page['duologue_calls_total{direction="incoming",action="_OTHER",status="unimplemented"}'] == 2


async def test_what_a_limit_refuses_is_counted_by_its_name() -> None:
    metrics, room = Metrics(), Room()
    with anyio.fail_after(BOUND):
        async with serve(room, observers=[metrics], limits=Limits(subscriptions=1)) as server:
            async with ChatClient.open(url_of(server)) as client, client.events.said():
                with pytest.raises(ResourceExhausted):
                    await client.events.typing().start()
    assert parsed(metrics.render())['duologue_refused_total{limit="subscriptions"}'] == 1


def test_resets_are_counted_for_each_event() -> None:
    metrics = Metrics()
    metrics.reset(["said", "typing"], "epoch_changed")
    metrics.reset(["said"], "history_cut")
    page = parsed(metrics.render())
    assert page['duologue_resets_total{event="said"}'] == 2
    assert page['duologue_resets_total{event="typing"}'] == 1


def test_a_histogram_counts_each_duration_in_all_larger_buckets() -> None:
    histogram = _Histogram()
    for seconds in (0.001, 0.0011, 3.0, 99.0):
        histogram.add(seconds)
    page = parsed("\n".join(histogram.lines("took", ("a",), ("b",))))
    assert page['took_bucket{a="b",le="0.001"}'] == 1
    assert page['took_bucket{a="b",le="0.0025"}'] == 2
    assert page['took_bucket{a="b",le="5"}'] == 3
    assert page['took_bucket{a="b",le="10"}'] == 3
    assert page['took_bucket{a="b",le="+Inf"}'] == page['took_count{a="b"}'] == 4
    assert page['took_sum{a="b"}'] == pytest.approx(102.0021)
    assert len(page) == len(BUCKETS) + 3


def test_gauges_of_ones_own_are_shown_and_their_labels_escaped() -> None:
    metrics = Metrics()
    values: dict[tuple[str, ...], float] = {('a"\\\nb',): 1.5, ("c",): 2}
    metrics.gauge("services", "By\nstate \\.", lambda: values, labels=["state"])
    metrics.gauge("whole", "One.", lambda: {(): 7})
    text = metrics.render()
    assert 'services{state="a\\"\\\\\\nb"} 1.5\n' in text
    assert 'services{state="c"} 2\n' in text
    assert "# HELP services By\\nstate \\\\.\n# TYPE services gauge\n" in text
    assert "whole 7\n" in text
    assert parsed(text)


@pytest.mark.parametrize(("value", "shown"), [(math.inf, "+Inf"), (-math.inf, "-Inf"), (math.nan, "NaN"), (0.1, "0.1")])
def test_any_number_can_be_shown(value: float, shown: str) -> None:
    metrics = Metrics()
    metrics.gauge("it", "It.", lambda: {(): value})
    assert f"\nit {shown}\n" in metrics.render()


def test_a_page_without_anything_is_one() -> None:
    page: Any = parsed(Metrics().render())
    assert page == {"duologue_reconnects_total": 0}
