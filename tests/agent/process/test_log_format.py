"""What the agent says on stderr, and what it never says."""

from __future__ import annotations

import base64
import io
import logging
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agent.homes import Home, fill
from tests.waiting import wait_until
from tuishare.agent.process.log_format import LineFormatter, redact, start_logging
from tuishare.core.database import Database
from tuishare.people import User

KEY = bytes(range(100, 132))
PASSKEY = "0123456789abcdef" * 4


@pytest.fixture
def quiet() -> Iterator[None]:
    """Leave logging as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (f"key {KEY.hex()} is wrong", "key … is wrong"),
        (f"key={KEY.hex().upper()}", "key=…"),
        (f"x{KEY.hex()}y", "x…y"),
        (f"passkey {base64.b64encode(KEY).decode()}", "passkey …"),
        (f"passkey {base64.urlsafe_b64encode(KEY).decode().rstrip('=')}.", "passkey …."),
        (f"bytes {KEY!r}", "bytes …"),
        (f"http://t.example:80/announce/{PASSKEY}?a=1 failed", "http://t.example:80/announce/… failed"),
        ("udp://ann:secret@t.example:80/x", "udp://t.example:80/…"),
        ("socks5://ann:secret@proxy:1080", "socks5://proxy:1080"),
        ("tuishare-card-v1:Abc_-123 ok", "tuishare-card-v1:… ok"),
        ("-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----\nafter", "…\nafter"),
        ("-----BEGIN PRIVATE KEY-----\nMC4CAQ cut off", "…"),
    ],
)
def test_secrets_are_taken_out(said: str, shown: str) -> None:
    assert redact(said) == shown


@pytest.mark.parametrize(
    "said",
    [
        "Agent alice is running, card ABCDE-FGHIJ-KLMNO",
        "No torrent 0123456789ab is being shared or downloaded",
        "/home/alice/downloads/.tuishare-incoming/0123456789abcdef0123456789abcdef-1",
        "my_long_holiday_video_from_2024_in_the_mountains_of_wales.mkv",
        "Refused the peer 192.0.2.7: tlsv1 alert unknown ca",
    ],
)
def test_what_is_not_secret_stays(said: str) -> None:
    assert redact(said) == said


def record(
    message: str, level: int = logging.INFO, *, error: BaseException | None = None
) -> logging.LogRecord:
    info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("tuishare.x", level, __file__, 1, message, None, info)


def test_a_message_is_one_line_and_shows_what_was_hidden_in_it() -> None:
    text = LineFormatter(journal=False).format(
        record("name\nFAKE ERROR root: all is lost\x1b[2J\u202e" + "x" * 500)
    )
    assert "\n" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert text.endswith("x" * 500)


@pytest.mark.parametrize(("level", "mark"), [(10, "<7>"), (20, "<6>"), (30, "<4>"), (40, "<3>"), (50, "<2>")])
def test_the_journal_gets_a_priority(level: int, mark: str) -> None:
    assert LineFormatter(journal=True).format(record("hello", level)) == f"{mark}tuishare.x: hello"


def test_a_traceback_is_redacted_and_marked_line_by_line() -> None:
    try:
        raise ValueError(KEY.hex())
    except ValueError as error:
        text = LineFormatter(journal=True).format(record("it failed", logging.ERROR, error=error))
    lines = text.splitlines()
    assert len(lines) > 3
    assert all(line.startswith("<3>") for line in lines)
    assert KEY.hex() not in text


@pytest.mark.usefixtures("quiet")
def test_only_a_stream_that_is_the_journal_is_taken_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, marked in (("other", False), ("journal", True)):
        with (tmp_path / name).open("w+") as stream:
            status = os.fstat(stream.fileno())
            inode = status.st_ino if marked else status.st_ino + 1
            monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{inode}")
            start_logging(verbose=False, stream=stream)
            logging.getLogger("tuishare").info("hello")
            logging.getLogger("tuishare").debug("not this")
            stream.seek(0)
            said = stream.read()
        assert said.startswith("<6>tuishare: hello\n") is marked
        assert said.count("\n") == 1


@pytest.mark.usefixtures("quiet")
def test_a_stream_without_a_descriptor_will_do() -> None:
    stream = io.StringIO()
    start_logging(verbose=True, stream=stream)
    logging.getLogger("tuishare").debug("hello")
    assert "DEBUG tuishare: hello" in stream.getvalue()


async def test_an_agent_at_work_says_nothing_secret(alice: Home, bob: Home) -> None:
    """Both journeys, a reload and a few mishaps, with everything logged; then all that is secret is looked for."""
    carol = User("carol", key=KEY, accept_raw=True)
    alice.know(bob.user(), carol)
    bob.know(alice.user(), User("dave", key=KEY))
    for home, users in ((alice, ("bob", "carol")), (bob, ())):
        home.configure(*users, network={
            "listen": "127.0.0.1:0", "share_addresses": False, "public_host": "",
        })  # fmt: skip
    fill(alice.drop / "film.mkv", 100_000)
    agents = {home.name: start(home) for home in (alice, bob)}
    try:
        await wait_until(lambda: bool(list(alice.outbox.glob("*.encrypted"))))
        (envelope,) = alice.outbox.glob("*.encrypted")
        data = envelope.read_bytes()
        bob.receive(envelope)
        await wait_until((bob.downloads / "alice" / "film.mkv").exists, seconds=20)
        damaged = data[:-1] + bytes([data[-1] ^ 1])
        for number, bad in enumerate((data, damaged, b"x" * 100)):
            (bob.inbox / f"{number}.torrent.encrypted").write_bytes(bad)
        agents["alice"].send_signal(signal.SIGHUP)
        await wait_until(lambda: len(list((bob.inbox / "rejected").glob("*.reason.txt"))) == 3)
        with bob.places.users_file.open("a") as book:
            book.write(f'[[user]]\nname = "eve"\nkey = "{PASSKEY[:-1]}"\n')
        await wait_until(lambda: "eve" in log_of(bob) or "users.toml" in log_of(bob))
    finally:
        for agent in agents.values():
            agent.terminate()
            agent.wait(20)
    for home in (alice, bob):
        text = log_of(home)
        assert "DEBUG" in text
        for what, secret in secrets_of(alice, bob):
            assert all(form not in text for form in forms_of(secret)), (home.name, what)
        assert not re.search(r"[0-9A-Fa-f]{64}", text)
        assert PASSKEY[:-1] not in text


def start(home: Home) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "TUISHARE_HOME": str(home.places.config.parent)}
    with home.places.log_file.open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "tuishare", "agent", "--verbose"], env=environment, stdout=log, stderr=log
        )


def log_of(home: Home) -> str:
    return home.places.log_file.read_text()


def secrets_of(*homes: Home) -> Iterator[tuple[str, bytes]]:
    yield "the key of a user", KEY
    for home in homes:
        lines = home.places.identity_file.read_text().split()
        yield from (("identity", line.strip('"').encode()) for line in lines if len(line) > 24)
        database = Database(home.places.store_file)
        for share in database.shares():
            yield from (("secret", share.secret), ("root key", share.root_key), ("leaf key", share.leaf_key))
        for download in database.downloads():
            yield "leaf key", download.leaf_key
        database.close()


def forms_of(secret: bytes) -> Iterator[str]:
    assert len(secret) > 16
    yield secret.hex()
    yield base64.b64encode(secret).decode().rstrip("=")
    yield base64.urlsafe_b64encode(secret).decode().rstrip("=")
    yield repr(secret)[2:-1]
