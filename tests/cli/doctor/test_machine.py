"""The doctor looks at the machine and at the agent."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.homes import Person
from tuishare.cli.doctor import machine
from tuishare.cli.doctor.machine import (
    check_agent,
    check_clock,
    check_descriptors,
    check_inotify,
    check_linger,
    check_ports,
    check_tls,
    check_versions,
)
from tuishare.cli.doctor.results import Check, CheckResult, Severity, run_check
from tuishare.errors import SystemFailed


@pytest.fixture(autouse=True)
def at_home(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUISHARE_HOME", str(alice.places.files))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(alice.desk))


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def look(check: Check, person: Person) -> list[CheckResult]:
    return run_check("x", check, person.places)


@pytest.mark.parametrize("check", [check_versions, check_tls, check_ports, check_inotify, check_clock])
def test_a_machine_like_this_one_is_fine(alice: Person, check: Check) -> None:
    found = look(check, alice)
    assert {finding.mark for finding in found} == {Severity.FINE}


def test_another_libtorrent(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    for found, mark in (
        ("2.0.11", Severity.FAULT),
        ("2", Severity.FAULT),
        ("unknown", Severity.FAULT),
        ("3.0.0", Severity.FAULT),
        ("2.1", Severity.FINE),
        ("2.10.0.1", Severity.FINE),
    ):
        monkeypatch.setattr(machine, "version", lambda _name, found=found: found)
        assert [each.mark for each in look(check_versions, alice)] == [Severity.FINE, mark], found


def test_tls_that_is_not_safe(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise SystemFailed("TLS sessions can be resumed", hint="Why.")

    monkeypatch.setattr(machine, "check_no_resumption", fail)
    (found,) = look(check_tls, alice)
    assert (found.mark, "resumed" in found.detail) == (Severity.FAULT, True)


@pytest.mark.parametrize(
    ("key", "subject"),
    [
        ("network.listen", "tls port"),
        ("network.listen_plain", "plain port"),
        ("tracker.listen", "tracker port"),
        ("tracker.listen_plain", "plain tracker port"),
        ("link.listen", "link port"),
    ],
)
def test_a_port_that_another_program_has(alice: Person, taken: int, key: str, subject: str) -> None:
    tables = {"network": {"listen_plain": "127.0.0.1:0"}, "tracker": {"listen": "127.0.0.1:0"}}
    tables["tracker"]["listen_plain"] = "127.0.0.1:0"
    tables["link"] = {"listen": "127.0.0.1:0"}
    table, _, name = key.partition(".")
    tables[table][name] = f"127.0.0.1:{taken}"
    alice.configure(**tables)
    (found,) = (finding for finding in look(check_ports, alice) if finding.mark is not Severity.FINE)
    assert (found.mark, found.subject) == (Severity.FAULT, subject)
    assert found.detail == f"127.0.0.1:{taken} is in use"
    assert f"`tuishare config set {key} :PORT`" in found.hint


def test_ports_that_are_not_opened_are_not_looked_at(alice: Person, taken: int) -> None:
    alice.configure(tracker={"listen": "127.0.0.1:0", "listen_plain": f"127.0.0.1:{taken}"})
    assert {found.mark for found in look(check_ports, alice)} == {Severity.FINE}
    alice.configure(network={"listen": f"127.0.0.1:{taken}", "proxy": "socks5://127.0.0.1:9050"})
    assert look(check_ports, alice) == []


def test_a_port_that_nobody_may_have(alice: Person) -> None:
    alice.configure(network={"listen": "192.0.2.1:50007"})
    tls, tracker = look(check_ports, alice)
    assert (tls.mark, "cannot be opened" in tls.detail) == (Severity.FAULT, True)
    assert tracker.mark is Severity.FINE


def test_no_agent_is_worth_a_note(alice: Person) -> None:
    (found,) = look(check_agent, alice)
    assert (found.mark, found.detail) == (Severity.NOTE, "none is running")


def test_few_watches(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in (("max_user_watches", "8\n"), ("max_user_instances", "4\n")):
        (alice.desk / name).write_text(text)
    monkeypatch.setattr(machine, "_INOTIFY", alice.desk)
    drop = alice.desk / "drop"
    for number in range(9):
        (drop / str(number)).mkdir(parents=True)
    alice.configure(drop=[{"path": str(drop), "users": ["bob"]}])
    watches, instances = look(check_inotify, alice)
    assert watches.mark is instances.mark is Severity.NOTE
    assert watches.detail.startswith("10 folders to watch, 8 allowed")
    assert watches.hint == "Run as root: sysctl fs.inotify.max_user_watches=40"


def test_a_service_that_ends_with_the_session(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    (found,) = look(check_linger, alice)
    assert (found.mark, "service install" in found.hint) == (Severity.NOTE, True)
    unit = alice.desk / "systemd" / "user" / "tuishare.service"
    unit.parent.mkdir(parents=True)
    unit.touch()
    for answer, mark in ((False, Severity.NOTE), (True, Severity.FINE), (None, Severity.FINE)):
        monkeypatch.setattr(machine, "lingers", lambda answer=answer: answer)
        (found,) = look(check_linger, alice)
        assert found.mark is mark


def test_a_service_that_fails_is_red(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    unit = alice.desk / "systemd" / "user" / "tuishare.service"
    unit.parent.mkdir(parents=True)
    unit.write_text('ExecStart="/tmp/venv/bin/tuishare" agent\n')
    failing = {"ActiveState": "activating", "SubState": "auto-restart", "Result": "exit-code"}
    for status, said in (
        ("203", "/tmp/venv/bin/tuishare cannot be run"),
        ("226", "sandbox"),
        ("3", "settings"),
        ("1", "exit code 1"),
    ):
        shown = failing | {"ExecMainStatus": status}
        monkeypatch.setattr("tuishare.cli.service.show_unit", lambda shown=shown: shown)
        (found,) = look(check_linger, alice)
        assert (found.mark, said in found.detail) == (Severity.FAULT, True), found
    monkeypatch.setattr(
        "tuishare.cli.service.show_unit", lambda: {"ActiveState": "active", "SubState": "running"}
    )
    (found,) = look(check_linger, alice)
    assert found.mark is not Severity.FAULT


def test_a_clock_that_runs_behind_our_own_files(alice: Person) -> None:
    later = 4_000_000_000
    os.utime(alice.places.config_file, (later, later))
    (found,) = look(check_clock, alice)
    assert (found.mark, "earlier than existing files" in found.detail) == (Severity.FAULT, True)


def test_a_clock_without_battery(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    alice.places.config_file.unlink()
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    (found,) = look(check_clock, alice)
    assert found.mark is Severity.FAULT


def test_nothing_is_counted_for_ever(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "_COUNTED", 3)
    for number in range(9):
        (tmp_path / str(number)).mkdir()
    assert machine._count_folders(tmp_path) == 3


@pytest.mark.parametrize(
    ("limit", "mark"), [(256, Severity.NOTE), (4095, Severity.NOTE), (4096, Severity.FINE)]
)
def test_few_open_files_are_said(
    alice: Person, monkeypatch: pytest.MonkeyPatch, limit: int, mark: Severity
) -> None:
    monkeypatch.setattr(machine, "raise_descriptor_limit", lambda: limit)
    (found,) = look(check_descriptors, alice)
    assert (found.mark, bool(found.hint)) == (mark, mark is Severity.NOTE)
    assert f"{limit:,} can be open" in found.detail
