"""The agent as a service, with a systemctl that writes down what it is told."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.homes import Person, Result
from tests.waiting import wait_until
from tuishare.people import User

_SYSTEMCTL = """#!/bin/sh
echo "systemctl $*" >> "$FAKE/said"
case "$*" in
  *"$(cat "$FAKE/fails" 2>/dev/null || echo nothing)"*) echo "Failed to connect to bus: No medium found" >&2; exit 1;;
  *--version*) echo "systemd $(cat "$FAKE/version") (252.38-1~deb12u1)";;
  *"show tuishare.service"*) cat "$FAKE/state";;
esac
"""
_LOGINCTL = """#!/bin/sh
cat "$FAKE/linger" 2>/dev/null || { echo "User ID is not logged in or lingering" >&2; exit 1; }
"""
ACTIVE = "LoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\nMainPID=77\nResult=success\n"
INACTIVE = (
    "LoadState=not-found\nActiveState=inactive\nSubState=dead\nUnitFileState=\nMainPID=0\nResult=success\n"
)


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine with our two programs of systemd and nothing else."""

    folder: Path
    person: Person

    @property
    def unit(self) -> Path:
        return self.folder / "config" / "systemd" / "user" / "tuishare.service"

    @property
    def told(self) -> list[str]:
        """What systemctl was told, apart from questions."""
        said = self.folder / "said"
        lines = said.read_text().splitlines() if said.exists() else []
        orders = [line.removeprefix("systemctl --user ") for line in lines]
        return [
            order for order in orders if order.split()[0] in {"daemon-reload", "enable", "disable", "restart"}
        ]

    def has(self, **files: str) -> None:
        for name, text in files.items():
            (self.folder / name).write_text(text)

    def service(self, *words: str) -> Result:
        return self.run("service", *words)

    def run(self, *words: str) -> Result:
        return self.person.run(
            *words,
            PATH=f"{self.folder / 'bin'}:/usr/bin:/bin",
            FAKE=str(self.folder),
            XDG_CONFIG_HOME=str(self.folder / "config"),
        )


@pytest.fixture
def machine(root: Path, alice: Person) -> Machine:
    folder = root / "machine"
    (folder / "bin").mkdir(parents=True)
    for name, script in (("systemctl", _SYSTEMCTL), ("loginctl", _LOGINCTL)):
        (folder / "bin" / name).write_text(script)
        (folder / "bin" / name).chmod(0o755)
    machine = Machine(folder, alice)
    machine.has(version="255", state=INACTIVE, linger="yes\n")
    return machine


def test_it_is_written_enabled_and_started(machine: Machine) -> None:
    said = machine.service("install")
    assert (said.code, said.out) == (0, "")
    assert machine.told == ["daemon-reload", "enable tuishare.service", "restart tuishare.service"]
    unit = machine.unit.read_text()
    assert "Type=notify-reload\n" in unit
    assert '"-P" "-m" "tuishare" "agent"\n' in unit
    assert f'Environment="TUISHARE_HOME={machine.person.places.files}"\n' in unit
    for folder in ("config", "state", "inbox", "outbox", "downloads"):
        assert f'"-{machine.person.places.files / folder}"' in unit
        assert (machine.person.places.files / folder).is_dir()
    assert "log out" not in said.err


def test_drop_folders_may_be_written_to(machine: Machine) -> None:
    machine.person.configure(drop=[{"path": "/srv/my drop", "users": ["bob"]}])
    machine.service("install")
    assert '"-/srv/my drop"' in machine.unit.read_text()


def test_a_folder_that_the_service_may_not_write_to_is_told_with_what_helps(machine: Machine) -> None:
    machine.person.know(User("bob", key=bytes([1] * 32)))
    assert "cannot write" not in machine.run("drop", "add", "before", "--to", "bob").err  # none is installed
    machine.service("install")
    assert "cannot write" not in machine.service("status").err
    added = machine.run("drop", "add", "later", "--to", "bob")
    told = f"The service cannot write to {machine.person.desk / 'later'}."
    assert added.code == 0
    assert told in added.err
    assert "`tuishare service install`" in added.err
    assert told in machine.service("status").err
    assert f"cannot write to {machine.person.desk / 'later'}" in machine.run("doctor").out
    machine.service("install")
    assert "cannot write" not in machine.service("status").err


def test_the_service_of_another_home_is_not_ours_to_judge(machine: Machine) -> None:
    machine.service("install")
    elsewhere = machine.unit.read_text().replace(str(machine.person.places.files), "/elsewhere")
    machine.unit.write_text(elsewhere)
    assert "cannot write" not in machine.service("status").err


def test_debian_12_gets_its_reload_by_signal(machine: Machine) -> None:
    machine.has(version="252")
    assert machine.service("install").code == 0
    assert "Type=notify\nExecReload=/bin/kill -HUP $MAINPID\n" in machine.unit.read_text()


def test_missing_linger_is_told_with_its_command(machine: Machine) -> None:
    machine.has(linger="no\n")
    assert "loginctl enable-linger" in machine.service("install").err
    machine.has(state=ACTIVE)
    assert "loginctl enable-linger" in machine.service("status").err


def test_unknown_linger_is_not_guessed(machine: Machine) -> None:
    (machine.folder / "linger").unlink()
    assert "enable-linger" not in machine.service("install").err
    assert "runs without a session\tunknown" in machine.service("status").out


async def test_an_agent_that_runs_already_makes_way(machine: Machine) -> None:
    with machine.person.started("agent") as agent:
        await agent.until_saying("is running")
        assert machine.service("install").code == 0
        await wait_until(lambda: agent.process.poll() is not None)
        assert machine.told[-1] == "restart tuishare.service"


async def test_the_service_itself_is_restarted_by_systemd_alone(machine: Machine) -> None:
    machine.has(state=ACTIVE)
    with machine.person.started("agent") as agent:
        await agent.until_saying("is running")
        assert machine.service("install").code == 0
        assert agent.process.poll() is None


def test_it_is_removed(machine: Machine) -> None:
    machine.service("install")
    said = machine.service("uninstall")
    assert (said.code, machine.unit.exists()) == (0, False)
    assert machine.told[-2:] == ["disable --now tuishare.service", "daemon-reload"]
    assert machine.service("uninstall").failed(4, "not installed")


@pytest.mark.parametrize(("state", "code"), [(ACTIVE, 0), (INACTIVE, 1)])
def test_its_state_is_told_and_is_the_exit_code(machine: Machine, state: str, code: int) -> None:
    machine.has(state=state)
    said = machine.service("status")
    assert said.code == code
    rows = dict(line.split("\t") for line in said.out.splitlines())
    assert rows["unit"] == "not installed"
    assert rows["state"] == ("active (running)" if code == 0 else "inactive (dead)")
    assert rows["runs without a session"] == "yes"


@pytest.mark.parametrize("words", [["install"], ["status"]])
def test_a_user_without_systemd_is_told(machine: Machine, words: list[str]) -> None:
    machine.has(fails="show")
    assert machine.service(*words).failed(1, "Failed to connect to bus")
    assert not machine.unit.exists()


@pytest.mark.parametrize("words", [["install"], ["status"]])
def test_a_machine_without_systemd_is_told(machine: Machine, alice: Person, words: list[str]) -> None:
    said = alice.run(
        "service", *words, PATH=str(machine.folder), XDG_CONFIG_HOME=str(machine.folder / "config")
    )
    assert said.failed(1, "There is no systemd on this machine")
    assert not machine.unit.exists()


def test_broken_settings_are_not_installed(machine: Machine) -> None:
    machine.person.places.config_file.write_text("name = 1\n")
    assert machine.service("install").failed(3, "line 1, key name")
    assert not machine.unit.exists()


def test_a_relative_home_is_written_absolutely(machine: Machine, alice: Person) -> None:
    said = alice.run(
        "service",
        "install",
        PATH=f"{machine.folder / 'bin'}:/usr/bin:/bin",
        FAKE=str(machine.folder),
        XDG_CONFIG_HOME=str(machine.folder / "config"),
        TUISHARE_HOME=os.path.relpath(alice.places.files, alice.desk),
    )
    assert said.code == 0
    assert f'"TUISHARE_HOME={alice.places.files}"' in machine.unit.read_text()
