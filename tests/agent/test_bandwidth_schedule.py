"""The rates that hold now."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from tests.agent.agent_pairs import running
from tests.agent.homes import Home, fill, opened
from tests.waiting import wait_until
from tuishare.agent.bandwidth_schedule import BandwidthSchedule
from tuishare.agent.context import Context
from tuishare.config.schedule import BandwidthRates

WORK = {"from": "08:00", "until": "18:00", "upload": "1KiB", "download": "2KiB"}


@pytest.fixture(autouse=True)
def east_of_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Live two hours ahead, so that local time is not what the agent's clock says."""
    monkeypatch.setenv("TZ", "EAST-2")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def limits_of(context: Context) -> tuple[int, int]:
    assert context.engine._session is not None
    pack = context.engine._session.native.get_settings()
    return pack["upload_rate_limit"], pack["download_rate_limit"]


async def test_an_edge_of_the_schedule_is_met_to_the_second(alice: Home) -> None:
    alice.configure(limits={"upload": "9KiB", "schedule": [WORK]})
    async with opened(alice) as context:
        started = time.monotonic()
        edge = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)  # 08:00 here
        context.clock.read = lambda: edge + timedelta(seconds=time.monotonic() - started - 0.5)
        bandwidth = BandwidthSchedule(context.settings, context.engine, context.clock)
        task = asyncio.create_task(bandwidth.run())
        await wait_until(lambda: bandwidth._rates == BandwidthRates(9 << 10, 0))
        assert limits_of(context) == (9 << 10, 0)
        await wait_until(lambda: bandwidth._rates == BandwidthRates(1 << 10, 2 << 10), seconds=3)
        assert limits_of(context) == (1 << 10, 2 << 10)
        assert 0.4 < time.monotonic() - started < 2.5
        task.cancel()


async def test_other_settings_count_at_once(alice: Home) -> None:
    async with opened(alice) as context:
        bandwidth = BandwidthSchedule(context.settings, context.engine, context.clock)
        for limits, wanted in (
            ({"upload": "7KiB"}, (7 << 10, 0)),
            ({"download": "1MiB"}, (0, 1 << 20)),
            ({}, (0, 0)),
        ):
            alice.configure(limits=limits)
            changed = msgspec.convert(limits, type(context.settings.current.limits))
            context.settings.current = msgspec.structs.replace(context.settings.current, limits=changed)
            bandwidth.take_settings()
            assert limits_of(context) == wanted


async def test_an_agent_keeps_to_its_limits_and_takes_other_ones_while_it_runs(
    alice: Home, bob: Home
) -> None:
    alice.configure("bob", limits={"upload": "10KiB"})
    fill(alice.drop / "film.mkv", 3_000_000)
    async with running(alice) as sender, running(bob) as pipeline:
        await wait_until(lambda: [path.suffix for path in alice.outbox.iterdir()] == [".encrypted"])
        (envelope,) = alice.outbox.iterdir()
        bob.receive(envelope)
        await wait_until(lambda: any(0 < item.progress < 1 for item in pipeline.view.downloads()))
        alice.configure("bob", limits={"upload": "0"})
        assert (await sender.service.reload()).applied == ("limits.upload",)
        await wait_until((bob.downloads / "alice" / "film.mkv").exists)
