"""The doctor looks at a home."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.homes import Person
from tuishare.cli.doctor.home import check_folders, check_identity, check_privacy, check_settings, check_users
from tuishare.cli.doctor.results import Check, CheckResult, Severity, run_check
from tuishare.home_paths import find_places


def marks(check: Check, person: Person) -> dict[str, CheckResult]:
    """What is not fine, by its detail."""
    return {
        found.detail: found
        for found in run_check("x", check, person.places)
        if found.mark is not Severity.FINE
    }


@pytest.mark.parametrize("check", [check_privacy, check_settings])
def test_a_new_home_is_fine(alice: Person, check: Check) -> None:
    assert marks(check, alice) == {}


def test_a_home_that_is_not_there_yet_is_fine_and_is_not_made(tmp_path: Path) -> None:
    places = find_places({"TUISHARE_HOME": str(tmp_path / "none")})
    found = [found for check in (check_privacy, check_folders) for found in run_check("x", check, places)]
    assert {finding.mark for finding in found} == {Severity.FINE}
    assert not places.files.exists()


def test_a_folder_that_others_can_enter(alice: Person) -> None:
    alice.places.state.chmod(0o755)
    (found,) = marks(check_privacy, alice).values()
    assert (found.mark, found.hint) == (Severity.FAULT, f"Run: chmod 700 {alice.places.state}")
    assert "mode 0755" in found.detail


def test_a_folder_of_somebody_else(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    found = marks(check_privacy, alice)
    assert len(found) == 3
    assert all("belongs to another user" in detail for detail in found)


def test_the_identity(alice: Person) -> None:
    assert marks(check_identity, alice)["there is none yet"].mark is Severity.NOTE
    assert not alice.places.identity_file.exists()
    alice.as_user()
    assert marks(check_identity, alice) == {}
    alice.places.identity_file.chmod(0o644)
    (found,) = marks(check_identity, alice).values()
    assert (found.mark, "chmod 600" in found.hint) == (Severity.FAULT, True)


def test_settings_that_do_not_load_and_those_that_cannot_work(alice: Person) -> None:
    for text, said in (("name = 1", "key name"), ("[network]\nlisten = 'x'", "config.toml")):
        alice.places.config_file.write_text(text)
        (found,) = marks(check_settings, alice).values()
        assert (found.mark, said in found.detail) == (Severity.FAULT, True)


def test_users(alice: Person, bob: Person) -> None:
    assert marks(check_users, alice)["there are none yet"].mark is Severity.NOTE
    alice.know(bob.as_user(verified=False))
    (found,) = marks(check_users, alice).values()
    assert (found.mark, "tuishare user verify bob" in found.hint) == (Severity.NOTE, True)
    alice.know(bob.as_user())
    assert marks(check_users, alice) == {}


def test_folders_that_are_none_or_missing(alice: Person) -> None:
    alice.configure(drop=[{"path": str(alice.desk / "drop"), "users": ["bob"]}])
    (alice.places.files / "inbox").write_text("")
    found = marks(check_folders, alice)
    assert found[f"{alice.places.files / 'inbox'} is not a folder"].mark is Severity.FAULT
    assert found[f"{alice.desk / 'drop'} is missing"].mark is Severity.NOTE


def test_folders_without_permission(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    # Root may write everywhere, so the question is answered for it.
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    alice.configure(drop=[{"path": str(alice.desk), "users": ["bob"]}])
    home = alice.places.files
    (home / "outbox").mkdir()
    found = marks(check_folders, alice)
    assert set(found) == {
        f"{home / 'inbox'} cannot be made: {home} cannot be written",
        f"{home / 'outbox'} cannot be written",
        f"{home / 'downloads'} cannot be made: {home} cannot be written",
        f"{alice.desk} cannot be read",
    }
    assert all(finding.mark is Severity.FAULT and finding.hint for finding in found.values())


def test_a_home_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    inside = find_places({"TUISHARE_HOME": str(tmp_path / "file" / "deep" / "home")})
    beside = find_places({"TUISHARE_HOME": str(tmp_path / "home")})
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    for places, reason in (
        (inside, f"{tmp_path / 'file'} is not a folder"),
        (beside, f"{tmp_path} cannot be written"),
    ):
        found = [found for check in (check_privacy, check_folders) for found in run_check("x", check, places)]
        wrong = {finding.detail for finding in found if finding.mark is Severity.FAULT and finding.hint}
        assert {f"{folder} cannot be made: {reason}" for folder in (places.config, places.state)} <= wrong
        assert f"{places.files / 'inbox'} cannot be made: {reason}" in wrong


def test_too_little_room(alice: Person) -> None:
    alice.configure(downloads={"reserve": 1 << 40})
    (found,) = marks(check_folders, alice).values()
    assert (found.mark, found.subject) == (Severity.FAULT, "free space")
