from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tuishare
from tests.cli.homes import Person
from tests.waiting import wait_until


def test_the_version(alice: Person) -> None:
    for words in ("--version", "-V", "version"):
        assert alice.run(words).out == f"tuishare {tuishare.__version__}\n"


@pytest.mark.parametrize("command", ["create", "seed", "download", "agent", "status", "stop", "demo"])
def test_every_command_explains_itself(alice: Person, command: str) -> None:
    explained = alice.call(command, "--help")
    assert explained.code == 0
    assert "Usage" in explained.out
    assert explained.err == ""


@pytest.mark.parametrize(
    "words",
    [
        ["frobnicate"],
        ["create"],
        ["create", "--file"],
        ["create", "--file", "x", "--transport", "carrier-pigeon"],
        ["seed", "--file", "x"],
        ["download", "--frobnicate"],
        ["status", "extra"],
        ["demo", "--size"],
    ],
)
def test_usage_errors(alice: Person, words: list[str]) -> None:
    said = alice.call(*words)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("tuishare: ")
    assert "hint: " in said.err


WORDS = st.sampled_from(
    [
        "create", "seed", "download", "status", "stop", "demo", "--file", "--torrent", "--user", "--key", "--key-file",
        "--listen", "--peer", "--output", "--size", "--piece-length", "--tracker", "--format", "raw", "--transport",
        "tls", "plain", "--json", ".", "/", "/dev/null", "film.mov", "film.mov.torrent", "-", "", "0", "-1", ":0", "@",
        "@x", "\x1b[31m", "\udcff", "ü", "9f" * 32, "a" * 300, "host:1",
    ]
)  # fmt: skip


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(WORDS, min_size=1, max_size=9))
def test_no_words_give_a_traceback(alice: Person, words: list[str]) -> None:
    if not (alice.desk / "film.mov").exists():
        alice.fill("film.mov", 100)
    if {"demo", "seed"} & set(words) or words[0] == "download":
        words = [*words, "--frobnicate"]  # parsed, but not run for long
    said = alice.call(*words)  # an exception of another kind than SystemExit would come through
    assert said.code in {0, 1, 2, 3, 4, 5, 6}
    assert "Traceback" not in said.err


def test_whoever_reads_may_stop_reading(alice: Person) -> None:
    alice.fill("film.mov")
    ours, theirs = os.pipe()
    os.close(ours)
    done = subprocess.run(
        [sys.executable, "-m", "tuishare", "--version"],
        env=alice.environment,
        stdout=theirs,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(theirs)
    assert (done.returncode, done.stderr) == (1, b"")


async def test_an_interrupt_while_hashing(alice: Person) -> None:
    with alice.fill("large").open("ab") as file:
        file.truncate(1 << 40)  # sparse; hashing it would take minutes
    with alice.started("create", "--file", "large") as create:
        await wait_until(alice.places.identity_file.exists)
        ended = await create.end(signal.SIGINT)
    assert (ended.code, ended.out, ended.err) == (130, "", "")
    assert sorted(path.name for path in alice.desk.iterdir()) == ["large"]


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_a_stream_may_be_closed(alice: Person, closed: int) -> None:
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -m tuishare create --file film.mov {closed}>&-', sys.executable],
        cwd=alice.fill("film.mov").parent,
        env=alice.environment,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('[network]\nlisten = "a"\nlisten_plain = 7\n', "line 3, key network.listen_plain"),
        ("name = = 1", "line 1"),
        ('[[drop]]\npath = "relative"\nusers = ["bob"]\n', "key drop.path"),
    ],
)
def test_settings_that_are_wrong(alice: Person, text: str, place: str) -> None:
    alice.fill("film.mov")
    alice.places.config_file.write_text(text)
    said = alice.call("create", "--file", "film.mov")
    assert said.failed(3, str(alice.places.config_file)), said
    assert place in said.err
