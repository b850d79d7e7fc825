"""The settings on the command line."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from tests.cli.homes import Person
from tuishare.config.model import load_config

TEMPLATE = (Path(__file__).parent.parent.parent / "config" / "tuishare.toml").read_text()


def test_where_they_are(alice: Person) -> None:
    assert alice.call("config", "path").out == f"{alice.places.config_file}\n"


def test_the_template_is_installed_once(alice: Person) -> None:
    alice.places.config_file.unlink()
    assert "no " in alice.call("config", "check").err
    assert alice.call("config", "init").code == 0
    assert alice.places.config_file.read_text() == TEMPLATE
    assert stat.S_IMODE(alice.places.config_file.stat().st_mode) == 0o600
    alice.places.config_file.write_text("# mine\n")
    assert alice.call("config", "init").failed(5, "exists already")
    assert alice.places.config_file.read_text() == "# mine\n"


def test_what_is_in_force_is_shown(alice: Person) -> None:
    said = alice.call("config", "show")
    rows = dict(line.split("\t") for line in said.out.splitlines())
    assert rows["network.listen"] == f"127.0.0.1:{alice.port}"
    assert rows["network.share_addresses"] == "false"
    assert rows["folders.inbox"] == str(alice.places.files / "inbox")
    assert (
        json.loads(alice.call("config", "show", "--json").out)["network"]["listen"] == rows["network.listen"]
    )


def test_a_setting_is_changed(alice: Person) -> None:
    alice.places.config_file.write_text(TEMPLATE)
    assert alice.call("config", "set", "network.public_host", "studio.example.org").code == 0
    assert alice.call("config", "set", "network.listen", "[::1]:50010").code == 0
    config = load_config(alice.places).network
    assert (config.public_host, config.listen) == ("studio.example.org", "[::1]:50010")
    assert alice.call("config", "check").code == 0


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "@crew"),
        ("network.listen", "nonsense"),
        ("network.listen", ""),
        ("network.listen_plain", ":x"),
        ("network.public_host", "http://studio.example.org"),
        ("tracker.listen", "nonsense"),
        ("tracker.listen_plain", ":x"),
        ("settle.quiet", "0"),
        ("frobnicate", "1"),
    ],
)
def test_a_value_that_cannot_be_changes_nothing(alice: Person, key: str, value: str) -> None:
    before = alice.places.config_file.read_bytes()
    assert alice.call("config", "set", key, value).failed(2, "")
    assert alice.places.config_file.read_bytes() == before


def test_the_values_that_a_setting_can_have_are_said(alice: Person) -> None:
    said = alice.call("config", "set", "sharing.until", "whenever")
    assert said.failed(2, "sharing.until: expected forever or everybody, not 'whenever'")


def test_a_value_that_is_not_utf8_is_refused(alice: Person) -> None:
    said = alice.call("config", "set", "folders.inbox", os.fsdecode(b"/srv/x\xff"))
    assert said.failed(2, "A text in the request is not UTF-8")


def test_a_port_that_another_setting_has_changes_nothing(alice: Person) -> None:
    before = alice.places.config_file.read_bytes()
    assert alice.call("config", "set", "tracker.listen", f":{alice.port}").failed(2, "both have port")
    assert alice.places.config_file.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[network]\nlisten = ':50009'\n", "network.listen and tracker.listen both have port 50009"),
        ("[network]\nlisten = 7\n", "line 2, key network.listen: expected text"),
        ("[network]\nlisten = 'nonsense'\n", "nonsense"),
        (
            "[sharing]\nuntil = 'whenever'\n",
            "key sharing.until: expected forever or everybody, not 'whenever'",
        ),
        ("[sharing]\nuntil = 'x - at `$.a`'\n", "expected forever or everybody, not 'x - at `$.a`'"),
        (
            "[[limits.schedule]]\nfrom = '1:00'\nuntil = '2:00'\ndays = ['mon', 'monday']\n",
            "key limits.schedule.days: expected mon, tue, wed, thu, fri, sat or sun, not 'monday'",
        ),
        (
            "[[drop]]\npath = '/srv/drop'\nusers = ['x']\ntransport = 'tsl'\n",
            "line 4, key drop.transport: expected tls or plain, not 'tsl'",
        ),
        ("name = '@x'\n", "@x"),
        ("[[drop]]\npath = '/srv/drop'\nusers = ['nobody']\n", "There is no user 'nobody'"),
    ],
)
def test_a_check_finds_what_would_fail_later(alice: Person, text: str, said: str) -> None:
    alice.places.config_file.write_text(text)
    result = alice.call("config", "check")
    assert result.failed(3, said)
    assert str(alice.places.config_file) in result.err


def test_a_broken_user_book_is_its_own_mistake(alice: Person) -> None:
    alice.places.users_file.write_text("nonsense")
    alice.places.users_file.chmod(0o600)
    result = alice.call("config", "check")
    assert (result.code, "users.toml is not valid TOML" in result.err) == (3, True)
