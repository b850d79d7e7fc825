"""The session wakes the loop, survives a bad alert, and ends off the loop."""

from __future__ import annotations

import logging

import pytest

import tuishare.swarm.session as session_module
from tests.waiting import wait_until
from tuishare.swarm import EngineSettings
from tuishare.swarm.alerts import Alert, Listening
from tuishare.swarm.libtorrent_loader import lt
from tuishare.swarm.session import open_session
from tuishare.swarm.settings import settings_for

PACK = settings_for(EngineSettings(listen_tls="127.0.0.1:0"))


async def test_every_report_on_ports_is_there_at_once() -> None:
    alerts: list[Alert] = []
    session = await open_session(PACK, alerts.append)
    assert [alert.transport for alert in alerts if isinstance(alert, Listening)][:1] == ["tls"]
    await session.close()


async def test_one_bad_alert_does_not_cost_the_others(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def translate(alert: lt.alert) -> str:
        if isinstance(alert, lt.listen_succeeded_alert):
            raise ValueError("holds planted-passkey")
        return alert.what()

    seen: list[object] = []
    monkeypatch.setattr(session_module, "translate", translate)
    session = await open_session(PACK, seen.append)
    session.native.post_torrent_updates()
    await wait_until(lambda: "state_update" in seen)
    await session.close()
    assert "cannot handle listen_succeeded_alert: ValueError" in caplog.text
    assert "planted-passkey" not in caplog.text
    assert caplog.records[0].levelno == logging.ERROR


async def test_a_closed_session_is_gone() -> None:
    session = await open_session(PACK, lambda _: None)
    await session.close()
    with pytest.raises(RuntimeError):
        _ = session.native
