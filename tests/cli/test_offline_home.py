from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.cli.homes import Person
from tuishare.cli.offline_home import open_home
from tuishare.errors import BadConfiguration, SystemFailed


@pytest.fixture(autouse=True)
def at_home(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUISHARE_HOME", str(alice.places.files))


def test_the_first_use_makes_what_is_missing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUISHARE_HOME", str(root / "new"))
    home = open_home()
    assert home.places.identity_file.stat().st_mode & 0o777 == 0o600
    assert home.places.state.stat().st_mode & 0o777 == 0o700
    assert home.config.network.listen == ":50007"
    assert len(home.book) == 0
    assert open_home().identity == home.identity


def test_settings_that_are_wrong(alice: Person) -> None:
    alice.places.config_file.write_text('[network]\nlisten = "127.0.0.1:1"\nlistne = ":2"\n')
    with pytest.raises(BadConfiguration, match=r"config\.toml: line 3, key network\.listne"):
        open_home()


def test_the_database_is_closed_and_its_errors_are_ours() -> None:
    home = open_home()
    with home.database() as database:
        assert database.shares() == []
    with pytest.raises(sqlite3.ProgrammingError):
        database.shares()
    with pytest.raises(SystemFailed, match="Cannot use the database"), home.database():
        raise sqlite3.OperationalError("disk is full")
