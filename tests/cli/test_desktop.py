"""What desktops find below ``share``: its form, its installation, and the script that file managers call."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.cli.homes import Person
from tests.cli.served import served, share
from tuishare.api.messages import NewShare
from tuishare.cli.app import app
from tuishare.cli.desktop.install import write_share_tree
from tuishare.cli.desktop.share_tree import make_share_tree, quote_exec
from tuishare.cli.manual.command_tree import read_commands
from tuishare.envelope.frame import MAGIC
from tuishare.link.invitation import INVITATION_PREFIX

PROGRAM = read_commands(app, "tuishare")
TREE = make_share_tree(PROGRAM, ("/usr/bin/tuishare",), Path("/usr/share"))


def test_the_tree_has_everything_that_is_looked_for() -> None:
    assert {place for place, file in TREE.items() if file.is_program} == {
        "tuishare/share-with", "tuishare/open-envelope", "nautilus/scripts/Share with…",
        "kio/servicemenus/tuishare.desktop",
    }  # fmt: skip
    assert {
        "applications/tuishare.desktop", "mime/packages/tuishare.xml", "icons/hicolor/scalable/apps/tuishare.svg",
        "Thunar/sendto/tuishare.desktop", "man/man1/tuishare-share.1", "man/man7/tuishare.7",
        "bash-completion/completions/tuishare", "zsh/site-functions/_tuishare",
        "fish/vendor_completions.d/tuishare.fish",
    } <= TREE.keys()  # fmt: skip
    assert not any("@TUISHARE@" in file.text or "_WITH@" in file.text for file in TREE.values())
    assert "Exec=/usr/share/tuishare/share-with %F" in TREE["Thunar/sendto/tuishare.desktop"].text


def test_types_are_known_by_what_the_formats_begin_with() -> None:
    root = ElementTree.fromstring(TREE["mime/packages/tuishare.xml"].text)
    names = {"m": "http://www.freedesktop.org/standards/shared-mime-info"}
    types = {each.get("type"): each for each in root.findall("m:mime-type", names)}
    begins = {name: each.find("m:magic/m:match", names) for name, each in types.items()}
    assert {name: match is not None and match.get("value") for name, match in begins.items()} == {
        "application/x-tuishare-envelope": MAGIC.decode(),
        "application/x-tuishare-invitation": INVITATION_PREFIX,
    }
    entry = TREE["applications/tuishare.desktop"].text
    assert "\nMimeType=application/x-tuishare-envelope;\n" in entry
    assert "\nExec=/usr/share/tuishare/open-envelope %f\n" in entry


@pytest.mark.parametrize("works", [True, False])
def test_a_click_on_an_envelope_puts_it_into_the_inbox(tmp_path: Path, works: bool) -> None:
    assert "open" in PROGRAM.commands
    command = tmp_path / "a command"
    command.write_text(f'#!/bin/sh\nprintf "<%s>" "$@" >> {tmp_path}/log\n{"" if works else "exit 5"}\n')
    command.chmod(0o755)
    write_share_tree(PROGRAM, tmp_path, (str(command),), tmp_path)
    words = [str(tmp_path / "tuishare" / "open-envelope"), "--a file $(id)"]
    done = subprocess.run(words, input=b"\n", capture_output=True, timeout=60, check=False)
    assert (tmp_path / "log").read_text() == "<open><--><--a file $(id)>" + ("<>" if works else "")
    assert (done.returncode, b"Press Enter" in done.stdout) == ((0, False) if works else (5, True))


@pytest.mark.parametrize(
    ("words", "quoted"),
    [
        (["/usr/bin/tuishare"], "/usr/bin/tuishare"),
        (["/a b/python", "-P"], '"/a b/python" -P'),
        (['/a"$`\\%'], r'"/a\\"\\$\\`\\\\%%"'),
    ],
)
def test_commands_are_quoted_as_the_specification_demands(words: list[str], quoted: str) -> None:
    assert quote_exec(words) == quoted


def test_it_is_installed_for_a_user_and_removed(alice: Person, tmp_path: Path) -> None:
    theirs = tmp_path / "applications" / "other.desktop"
    theirs.parent.mkdir()
    theirs.touch()
    assert alice.call("desktop", "install", XDG_DATA_HOME=str(tmp_path), PATH="").code == 0
    for _ in range(2):  # what tells nothing new is told all the same
        assert alice.call("desktop", "install", XDG_DATA_HOME=str(tmp_path), PATH="").code == 0
    assert (tmp_path / "tuishare" / "share-with").stat().st_mode & 0o777 == 0o755
    assert alice.call("desktop", "uninstall", XDG_DATA_HOME=str(tmp_path), PATH="").code == 0
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [theirs]
    assert list(tmp_path.iterdir()) == [theirs.parent]


def test_desktops_accept_it(tmp_path: Path) -> None:
    if not all(map(shutil.which, ("desktop-file-validate", "update-mime-database", "gio"))):
        pytest.skip("desktop-file-utils, shared-mime-info or gio is not installed")
    write_share_tree(PROGRAM, tmp_path, ("/bin/true",), tmp_path)
    entries = (
        tmp_path / place for place in ("applications/tuishare.desktop", "Thunar/sendto/tuishare.desktop")
    )
    subprocess.run(["desktop-file-validate", *entries], check=True)
    subprocess.run(["update-mime-database", tmp_path / "mime"], check=True)
    environment = os.environ | {"XDG_DATA_HOME": str(tmp_path)}
    for content, kind in ((MAGIC, "envelope"), (INVITATION_PREFIX.encode(), "invitation")):
        file = tmp_path / "unnamed"
        file.write_bytes(content + b"0123")
        said = subprocess.run(
            ["gio", "info", "-a", "standard::content-type", file],
            env=environment,
            capture_output=True,
            check=True,
        )
        assert f"application/x-tuishare-{kind}\n" in said.stdout.decode()


@pytest.mark.parametrize("program", ["zenity", "kdialog"])
async def test_a_file_manager_shares_with_the_chosen(alice: Person, tmp_path: Path, program: str) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "cut", "tr", "awk", "sed", "cat"):
        (folder / name).symlink_to(shutil.which(name) or pytest.skip(f"{name} is not installed"))
    dialog = folder / program
    dialog.write_text(
        f'#!/bin/sh\nprintf "%s|" "$@" >> {tmp_path}/asked; echo >> {tmp_path}/asked\n'
        'case "$*" in *list*) printf "bob\\n@crew\\n";; esac\n'
    )
    dialog.chmod(0o755)
    write_share_tree(
        PROGRAM, tmp_path / "share", (sys.executable, "-P", "-m", "tuishare"), tmp_path / "share"
    )
    script = tmp_path / "share" / "nautilus" / "scripts" / "Share with…"
    paths = [alice.fill("--to eve"), alice.fill("two\nlines <b> $(touch ran)")]

    def run() -> int:
        environment = alice.environment | {"PATH": str(folder)}
        words = [script, *paths]
        return subprocess.run(words, env=environment, cwd=alice.desk, timeout=60, check=False).returncode

    async with served(alice, share("1")) as shell:
        assert await asyncio.to_thread(run) == 0
        orders = [order for order in shell.agent.orders if isinstance(order, NewShare)]
    expected = [(str(path), ("bob", "@crew")) for path in paths]
    assert [(order.path, order.recipients) for order in orders] == expected
    assert not (alice.desk / "ran").exists()
    asked = (tmp_path / "asked").read_text()
    assert "|bob|" in asked
    assert "Shared with bob @crew" in asked
    assert await asyncio.to_thread(run) == 1
    assert "No agent is running" in (tmp_path / "asked").read_text()


def test_scripts_are_clean(tmp_path: Path) -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    script = tmp_path / "script"
    for name in ("share-with", "open-envelope"):
        script.write_text(TREE[f"tuishare/{name}"].text)
        subprocess.run(["shellcheck", "-s", "sh", script], check=True)
    script.write_text(TREE["bash-completion/completions/tuishare"].text)
    subprocess.run(["shellcheck", "-s", "bash", script], check=True)
