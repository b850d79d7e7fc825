"""One way to change a home: through its agent where one answers, otherwise its files, under the lock of the home."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path

import pytest

from tests.cli.homes import Person
from tests.cli.served import served
from tuishare.api import connection
from tuishare.api.messages import (
    CardText,
    DropChange,
    DropNamed,
    NewUser,
    SettingChange,
    SettingsText,
    UserChange,
)
from tuishare.cli import edit_home
from tuishare.core.home_lock import HomeLock
from tuishare.people import load_book

KEY = "9f" * 32


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edit_home, "TIMEOUT_SECONDS", 0.3)


async def test_every_change_goes_to_the_agent_where_one_answers(alice: Person, bob: Person) -> None:
    card = bob.call("card").out.strip()
    alice.know(bob.as_user(verified=False))
    before = {path: path.read_bytes() for path in (alice.places.users_file, alice.places.config_file)}
    fingerprint = load_book(alice.places.users_file).find("bob").card
    assert fingerprint is not None
    drop = alice.desk / "drop"
    async with served(alice) as desk:
        for words, order in (
            (
                ("user", "add", "eve", "--key", KEY, "-g", "crew"),
                NewUser(name="eve", key=KEY, groups=("crew",)),
            ),
            (("user", "add", "rob", card, "--verified"), NewUser(name="rob", card=card, verified=True)),
            (
                ("user", "verify", "bob", fingerprint.fingerprint.base32),
                ("bob", UserChange(name="bob", verified=True, fingerprint=fingerprint.fingerprint.base32)),
            ),
            (("user", "group", "bob", "--add", "crew"), ("bob", UserChange(name="bob", join=("crew",)))),
            (("user", "accept-raw", "bob"), ("bob", UserChange(name="bob", accept_raw=True))),
            (("user", "replace", "bob", card), ("bob", UserChange(name="bob", card=card))),
            (("user", "rotate", "bob"), ("bob", "key")),
            (("user", "rotate", "--self", "--yes"), ("QRST UVWX", "rotate")),
            (("user", "remove", "bob"), ("bob", "remove")),
            (("drop", "add", drop, "--to", "bob"), DropChange(path=str(drop), users=("bob",))),
            (("drop", "remove", drop), DropNamed(path=str(drop))),
            (("config", "set", "limits.upload", "1M"), SettingChange(key="limits.upload", value="1M")),
        ):
            said = await desk.call(*words)
            assert said.code == 0, said.err
            orders = [order for order in desk.agent.orders if not isinstance(order, CardText)]
            assert orders[-1] == order, words
        assert before == {path: path.read_bytes() for path in before}
        alice.places.config_file.unlink()
        assert (await desk.call("config", "init")).code == 0
        assert isinstance(desk.agent.orders[-1], SettingsText)
        assert not alice.places.config_file.exists()


def test_an_offline_change_waits_for_another_one(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edit_home, "TIMEOUT_SECONDS", 30.0)
    lock = HomeLock(alice.places.lock_file)
    lock.acquire()
    release = threading.Timer(0.3, lock.release)
    release.start()
    try:
        assert alice.call("user", "add", "eve", "--new-key").code == 0
    finally:
        release.join()
    assert [user.name for user in load_book(alice.places.users_file)] == ["eve"]


@pytest.mark.parametrize(
    "words",
    [
        ("user", "add", "eve", "--new-key"),
        ("user", "remove", "bob"),
        ("user", "group", "bob", "--add", "crew"),
        ("user", "rotate", "--self", "--yes"),
        ("drop", "add", "drop", "--to", "bob"),
        ("config", "set", "name", "carol"),
    ],
)
def test_nothing_changes_while_an_agent_that_does_not_answer_has_the_home(
    alice: Person, bob: Person, words: tuple[str, ...]
) -> None:
    alice.know(bob.as_user())
    alice.as_user()
    files = (alice.places.users_file, alice.places.config_file, alice.places.identity_file)
    before = [path.read_bytes() for path in files]
    lock = HomeLock(alice.places.lock_file)
    lock.acquire()
    try:
        assert alice.call(*words).failed(1, "Another agent of this home is running")
    finally:
        lock.release()
    assert [path.read_bytes() for path in files] == before
    assert not (alice.desk / "drop").exists()


async def test_an_agent_of_another_version_is_asked_nothing_and_no_file_changes(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(alice) as desk:
        monkeypatch.setattr(connection, "PROTOCOL", 999)
        said = await desk.call("user", "add", "eve", "--new-key")
        assert said.failed(1, "speaks protocol")
        assert desk.agent.orders == []
    assert not alice.places.users_file.exists()


async def test_a_request_without_an_answer_is_not_repeated_on_the_files(alice: Person) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_unix_server(hang_up, alice.places.socket)
    async with server:
        said = await asyncio.to_thread(alice.call, "user", "add", "eve", "--new-key")
    assert said.failed(1, "No agent answers")
    assert not alice.places.users_file.exists()


async def test_a_name_that_is_not_text_is_refused_and_not_replaced(alice: Person) -> None:
    async with served(alice) as desk:
        said = await desk.call("config", "set", "folders.inbox", "/srv/x\udcff")
        assert said.failed(2, "is not UTF-8")
        assert desk.agent.orders == []


def test_both_ways_have_the_same_rules(alice: Person, bob: Person, root: Path) -> None:
    """The same commands with and without an agent leave the same files and end with the same codes."""
    card = bob.call("card").out.strip()
    commands = (
        ("user", "add", "bob", card, "-g", "crew"),
        ("user", "add", "bob", "--key", KEY),
        ("user", "add", "eve", "--key", KEY),
        ("user", "add", "me", alice.call("card").out.strip()),
        ("user", "verify", "bob", *json.loads(bob.call("card", "--json").out)["words"].split()),
        ("user", "verify", "eve", "abandon"),
        ("user", "group", "eve", "--add", "family", "--add", "@crew"),
        ("user", "group", "eve", "--remove", "nothing"),
        ("user", "accept-raw", "eve"),
        ("user", "accept-raw", "bob"),
        ("user", "replace", "bob", "tuishare-card-v1:x"),
        ("user", "remove", "nobody"),
        ("drop", "add", "drop", "--to", "@crew"),
        ("drop", "add", "drop", "--to", "@nobody"),
        ("drop", "remove", "other"),
        ("config", "set", "sharing.until", "everybody"),
        ("config", "set", "sharing.until", "whenever"),
        ("config", "set", "frobnicate", "1"),
        ("config", "init"),
        ("user", "remove", "eve"),
    )

    def outcome() -> list[object]:
        results = [alice.call(*words) for words in commands]
        failures = [result.err.splitlines()[-2:] for result in results if result.code]
        files = [path.read_text() for path in (alice.places.users_file, alice.places.config_file)]
        return [[result.code for result in results], failures, files]

    settings = alice.places.config_file.read_text()
    without = outcome()
    alice.places.users_file.unlink()
    alice.places.config_file.write_text(settings)
    with alice.started("agent") as agent:
        deadline = threading.Event()
        for _ in range(300):
            if "is running" in agent.err.read_text():
                break
            deadline.wait(0.1)
        assert outcome() == without
