from __future__ import annotations

import json
import re

import pytest

from tests.api.samples import DOWNLOAD
from tests.cli.homes import Person
from tests.cli.json_shapes import read_json
from tests.cli.served import download, served, share
from tests.cli.test_terminal import on_terminal
from tuishare.api.messages import Delivery, DeliveryState, Download, DownloadState, Share, ShareState
from tuishare.cli import listing
from tuishare.cli.listing import ListOptions
from tuishare.cli.lookup import Entries

HOSTILE = "\x1b[2Jevil\u202egnp\t[red]\nexe"
CREW = (
    Delivery(user="bob", state=DeliveryState.COMPLETE, progress=1.0, completed=1),
    Delivery(user="carol", state=DeliveryState.NOT_OPENED, progress=0.0, sealed=1),
    Delivery(user="dan", state=DeliveryState.REVOKED, progress=0.12, revoked=1),
)
ERIN = Delivery(user="erin", state=DeliveryState.DOWNLOADING, progress=0.5, rate=2_000_000, left=7_000_000)


async def test_lines_in_a_pipe(alice: Person) -> None:
    entries = (
        share("abcdef1", deliveries=CREW, added=0),
        share("2", state=ShareState.HASHING, progress=0.649, recipients=("bob", "@crew"), deliveries=()),
        download("abcdef3", state=DownloadState.WAITING, sender="", progress=0.0),
    )
    async with served(alice, *entries) as shell:
        every = await shell.call("list")
        assert (every.code, every.err) == (0, "")
        lines = [line.split("\t")[:-1] for line in every.out.splitlines()]
        assert lines == [
            ["share", "abcdef1", "film.mov", "@crew", "38.2 GB", "seeding", "1 of 2"],
            ["share", "200000", "film.mov", "bob, @crew", "38.2 GB", "hashing 64 %", "–"],
            ["download", "abcdef3", "contract.pdf", "–", "1.2 MB", "needs approval", "0 %"],
        ]
        kinds = {kind: await shell.call("list", kind) for kind in ("shares", "downloads")}
        assert kinds["shares"].out + kinds["downloads"].out == every.out


async def test_json_is_what_the_agent_says(alice: Person) -> None:
    film, contract = share("1", HOSTILE, deliveries=CREW), download("2")
    async with served(alice, film, contract) as shell:
        every = json.loads((await shell.call("list", "--json")).out)
        shares, downloads = [
            (await shell.call("list", kind, "--json")).out for kind in ("shares", "downloads")
        ]
        assert read_json(shares, list[Share]) == [film]
        assert read_json(downloads, list[Download]) == [contract]
        assert every == {"shares": json.loads(shares), "downloads": json.loads(downloads)}
        one = await shell.call("show", film.id, "--json")
        assert read_json(one.out, Share) == film
        assert "\x1b" not in one.out  # JSON escapes it


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "Nothing is shared or received yet.\n"),
        (("shares",), "Nothing is shared yet.\n"),
        (("downloads",), "Nothing is received yet.\n"),
    ],
)
async def test_nothing_yet(alice: Person, words: tuple[str, ...], sentence: str) -> None:
    async with served(alice) as shell:
        said = await shell.call("list", *words)
        assert (said.code, said.out, said.err) == (0, "", sentence)
        assert json.loads((await shell.call("list", *words, "--json")).out) in (
            [],
            {"shares": [], "downloads": []},
        )


async def test_a_share_in_full(alice: Person) -> None:
    film = share(
        "1",
        state=ShareState.PROBLEM,
        detail="It changed",
        hint="Share it again",
        deliveries=(*CREW, ERIN),
        path="/a" * 500,
    )
    async with served(alice, film) as shell:
        told = dict(line.split("\t") for line in (await shell.call("show", "film.mov")).out.splitlines())
    assert told["share"] == film.id
    assert (told["state"], told["problem"], told["hint"]) == ("problem", "It changed", "Share it again")
    assert told["size"] == "38.2 GB (38,200,000,000 bytes)"
    assert told["path"] == film.path
    day = r"\d{4}-\d\d-\d\d \d\d:\d\d"
    for user, words in {
        "bob": f"complete {day}",
        "carol": f"not opened yet, sealed {day}",
        "dan": f"revoked {day}, keeps 12 % already downloaded",
        "erin": r"50 %, 2\.0 MB/s, 3 s left",
    }.items():
        assert re.fullmatch(words, told[f"recipient {user}"])
    assert told["swarm"] == "TLS"


async def test_a_plain_swarm_says_that_it_is_not_encrypted(alice: Person) -> None:
    async with served(alice, share("1", transport="plain")) as shell:
        assert "plain, not encrypted" in (await shell.call("show", "film.mov")).out


async def test_a_download_in_full(alice: Person) -> None:
    known = download("1", fingerprint="AAAA BBBB", verified=True, note="the cut", not_after=4_000_000_000)
    bare = download("2", eta=None, path="", sender="", fingerprint="", note="", not_after=0, generation=0)
    async with served(alice, known, bare) as shell:
        told, other = [
            dict(line.split("\t") for line in (await shell.call("show", id_)).out.splitlines())
            for id_ in ("1000", "2000")
        ]
    assert (told["here"], told["left"]) == ("43 %", "1 min")
    assert (told["from"], told["note"]) == ("bob, verified, AAAA BBBB", "the cut")
    assert told["until"].startswith("2096-")
    assert not {"note", "until"} & other.keys()
    assert (other["left"], other["from"], other["path"]) == ("–", "–", "–")
    assert not {"problem", "hint"} & told.keys()


async def test_who_is_not_verified_is_called_so(alice: Person) -> None:
    async with served(alice, download("1", fingerprint="AAAA", verified=False)) as shell:
        assert "bob, not verified, AAAA" in (await shell.call("show", "1000")).out


async def test_what_is_said_of_a_delivered_download_is_no_problem(alice: Person) -> None:
    changed = download("1", state=DownloadState.COMPLETE, detail="It was changed here")
    async with served(alice, changed) as shell:
        assert "remark\tIt was changed here\n" in (await shell.call("show", "1000")).out


async def test_until_when_something_is_shared(alice: Person) -> None:
    async with served(alice, share("1", note="the cut", not_after=4_000_000_000)) as shell:
        said = (await shell.call("show", "1000")).out
    assert "note\tthe cut\n" in said
    assert "until\t2096-" in said


async def test_unknown_and_ambiguous(alice: Person) -> None:
    async with served(alice, share("1"), download("2", "film.mov")) as shell:
        assert (await shell.call("show", "nix\x1b")).failed(4, "There is no share or download “nix\ufffd”")
        assert (await shell.call("show", "film.mov")).failed(2, "100000 (share “film.mov”), 200000 (download")


async def test_hostile_names_are_made_visible(alice: Person) -> None:
    fields = {"recipients": (HOSTILE,), "path": HOSTILE, "detail": HOSTILE}
    entries = (share("1111", HOSTILE, **fields), download("2222", HOSTILE, sender=HOSTILE, hint=HOSTILE))
    async with served(alice, *entries) as shell:
        listed = await shell.call("list")
        shown = [await shell.call("show", id_) for id_ in ("1111", "2222")]
    assert len(listed.out.splitlines()) == 2
    for line in listed.out.splitlines():
        assert line.count("\t") == 7
    text = "".join(result.out for result in (listed, *shown))
    assert not {"\x1b", "\u202e"} & set(text)
    assert all(line.count("\t") == 1 for result in shown for line in result.out.splitlines())


def test_tables_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    entries = Entries((share("1", "a\x1b[red]b"),), (download("2"),))
    monkeypatch.setattr(listing, "ask_agent", lambda _question: entries)
    with on_terminal() as screen:
        listing.list_entries(ListOptions(), as_json=False)
    heading, film, gap, other, contract = screen.getvalue().splitlines()
    assert heading.split()[0] == "share"
    assert film.split()[:2] == ["100000", "a\ufffd[red]b"]
    assert gap == ""
    assert other.split()[0] == "download"
    assert contract.split()[:2] == ["200000", "contract.pdf"]


async def test_filter_order_and_columns(alice: Person) -> None:
    entries = (
        share("1", "b.mov", size=5, recipients=("carol",)),
        share("2", "A.mov", size=7),
        download("3", "contract.pdf", size=6),
    )
    async with served(alice, *entries) as desk:

        async def listed(*words: str) -> list[str]:
            said = await desk.call("list", *words)
            assert said.code == 0, said
            return said.out.splitlines()

        assert await listed("--sort", "name", "--columns", "name") == [
            *("share\tA.mov", "share\tb.mov", "download\tcontract.pdf")
        ]
        assert [line.split("\t")[2] for line in await listed("shares", "--sort", "-size")] == [
            "A.mov",
            "b.mov",
        ]
        assert [line.split("\t")[2] for line in await listed("--filter", "CAROL")] == ["b.mov"]
        assert await listed("downloads", "--columns", "from,name", "--filter", "pdf") == [
            f"download\t{DOWNLOAD.sender}\tcontract.pdf"
        ]
        said = await desk.call("list", "--filter", "nothing like that")
        assert (said.code, said.out) == (0, "")
        assert "Nothing with" in said.err
        assert (await desk.call("list", "--columns", "colour")).failed(2, "no column “colour”")
        shown = json.loads((await desk.call("list", "shares", "--sort", "name", "--json")).out)
        assert [each["name"] for each in shown] == ["A.mov", "b.mov"]
