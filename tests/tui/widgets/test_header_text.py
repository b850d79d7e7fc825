from __future__ import annotations

import msgspec
import pytest

from tests.api.samples import NOW
from tests.tui.fakes import CALM, FULL, snapshot
from tuishare.api.messages import Status
from tuishare.tui.view import Connected, Connecting, Lost, View
from tuishare.tui.widgets.header import write_headline

LOST = Lost(since=NOW, detail="Gone", hint="", retry_at=NOW, startable=True)


def write(status: Status = CALM, width: int = 120) -> str:
    return write_headline(View(Connected(), snapshot(status=status)), NOW, width).plain


def test_all_of_it_fits_a_wide_terminal() -> None:
    assert write() == (
        " tuishare  alice@studio   ● agent 3 d   ▲ 11.9 MB/s  ▼ 0 B/s   TLS 1.3 · post-quantum   :50007   212 GB free"
    )


@pytest.mark.parametrize("width", [120, 100, 90, 80, 70])
def test_the_line_fits_and_keeps_what_matters(width: int) -> None:
    line = write(width=width)
    assert len(line) <= width
    assert "● agent 3 d" in line
    assert "▲ 11.9 MB/s" in line


def test_weak_security_is_said_at_any_width() -> None:
    assert "! no TLS" in write(msgspec.structs.replace(CALM, tls_ready=False))
    assert "! no TLS" in write(msgspec.structs.replace(CALM, tls_ready=False), 80)
    assert "! TLS tickets" in write(msgspec.structs.replace(CALM, no_resumption=False))
    assert "post-quantum" not in write(msgspec.structs.replace(CALM, no_resumption=False))


def test_ports_are_named_or_missed() -> None:
    assert ":50007 :6881" in write(msgspec.structs.replace(CALM, listen_plain=6881))
    assert "! no port" in write(msgspec.structs.replace(CALM, listen_tls=None))


def test_whether_others_reach_us_is_said_where_it_is_known() -> None:
    assert ":50007 reachable" in write(msgspec.structs.replace(CALM, reachable=True))
    assert ":50007 not reachable" in write(msgspec.structs.replace(CALM, reachable=False))
    assert "reachable" not in write(msgspec.structs.replace(CALM, reachable=None))


def test_without_an_agent_no_old_rate_is_shown() -> None:
    line = write_headline(View(LOST, FULL), NOW, 120).plain
    assert "! agent lost" in line
    assert "▲ –  ▼ –" in line
    assert "MB/s" not in line


def test_before_the_first_answer() -> None:
    assert "◌ connecting" in write_headline(View(Connecting()), NOW, 80).plain
    assert "! agent lost" in write_headline(View(LOST), NOW, 80).plain


def test_a_hostile_name_is_shown_safely() -> None:
    line = write(msgspec.structs.replace(CALM, name="\x1b[31m[bold]" + "x" * 200))
    assert "\x1b" not in line
    assert "[31m[bold]" in line
    assert len(line) <= 120
