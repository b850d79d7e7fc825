from __future__ import annotations

import asyncio
import json
import signal

import msgspec
import pytest

from tests.cli.homes import Person, Result, left
from tests.cli.served import download, served, share
from tests.cli.terminals import Tmux
from tests.cli.transfers import create
from tests.waiting import answered, wait_until
from tuishare.api.messages import Download, DownloadAction, DownloadState, Share, ShareAction, ShareId

FILM, CONTRACT = share("1"), download("2")


@pytest.mark.parametrize("order", list(ShareAction))
async def test_every_order_for_a_share(alice: Person, order: ShareAction) -> None:
    async with served(alice, FILM, download("3", "film.mov2")) as shell:
        said = await shell.call(order, "film.mov", *(["--yes"] if order is ShareAction.DELETE else []))
        assert (said.code, said.out) == (0, "")
        assert said.err.endswith((" “film.mov”.\n", " “film.mov” again.\n"))
        assert shell.agent.orders == [(FILM.id, order)]


@pytest.mark.parametrize("order", list(DownloadAction))
async def test_every_order_for_a_download(alice: Person, order: DownloadAction) -> None:
    async with served(alice, CONTRACT) as shell:
        said = await shell.call(order, "2000", "--json", *(["-y"] if order is DownloadAction.DELETE else []))
        assert (said.code, json.loads(said.out)) == (0, [{"id": CONTRACT.id}])
        assert shell.agent.orders == [(CONTRACT.id, order)]


@pytest.mark.parametrize(("verb", "entry"), [("again", CONTRACT), ("approve", FILM), ("reject", FILM)])
async def test_what_is_of_the_other_kind_is_not_found(
    alice: Person, verb: str, entry: Share | Download
) -> None:
    async with served(alice, entry) as shell:
        said = await shell.call(verb, entry.id)
        assert said.failed(4, f"There is no {'share' if verb == 'again' else 'download'} “{entry.id}”")


async def test_a_name_of_both_kinds_is_clear_where_only_one_fits(alice: Person) -> None:
    async with served(alice, FILM, download("2", "film.mov")) as shell:
        assert (await shell.call("again", "film.mov")).code == 0
        assert (await shell.call("pause", "film.mov")).failed(2, "“film.mov” may be 100000 (share")
        assert shell.agent.orders == [(FILM.id, ShareAction.AGAIN)]


async def test_all_are_tried_and_the_worst_code_counts(alice: Person) -> None:
    locked = download("4", "locked", state=DownloadState.LOCKED)
    async with served(alice, FILM, CONTRACT, locked, share("a", "twin"), share("b", "twin")) as shell:
        said = await shell.call("pause", "nix", "film.mov", "twin", "locked", "2000", "1000", "--json")
        assert shell.agent.orders == [(FILM.id, ShareAction.PAUSE), (CONTRACT.id, DownloadAction.PAUSE)]
    assert said.code == 5
    assert json.loads(said.out) == [{"id": FILM.id}, {"id": CONTRACT.id}]  # once, though it was named twice
    lines = [line for line in said.err.splitlines() if not line.startswith("  hint: ")]
    assert [line.split("“")[0].strip() for line in lines] == [
        "tuishare: There is no share or download",
        "tuishare:",
        "tuishare:",
        "Paused",
        "Paused",
    ]


async def test_the_agent_says_no(alice: Person) -> None:
    gone = msgspec.structs.replace(FILM, id=ShareId("none"), name="gone")
    async with served(alice, FILM, gone) as shell:
        said = await shell.call("pause", "gone", "1000", "--json")
        assert shell.agent.orders == [(FILM.id, ShareAction.PAUSE)]
    assert said.code == 4
    assert json.loads(said.out) == [{"id": FILM.id}]
    assert "There is no such thing.\n  hint: Look again.\n" in said.err


@pytest.mark.parametrize("words", [("pause", "x"), ("delete", "x", "--yes"), ("list",), ("show", "x")])
def test_no_agent(alice: Person, words: tuple[str, ...]) -> None:
    assert alice.call(*words).failed(1, "No agent answers")


async def test_nothing_is_deleted_where_nobody_can_be_asked(alice: Person) -> None:
    async with served(alice, FILM) as shell:
        said = await shell.call("delete", "film.mov", stdin=b"y\n")
        assert said.failed(2, "Cannot ask for confirmation")
        assert "--yes" in said.err
        assert shell.agent.orders == []


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 5), ("", 5)])
async def test_deleting_asks_and_names_what_goes(alice: Person, tmux: Tmux, answer: str, code: int) -> None:
    hostile = share("2", "evil\x1b[2J\u202e.exe")
    async with served(alice, share("1", path="/a/film.mov"), hostile) as shell:
        tmux.open(alice, "delete", "1000", "2000")
        await _until(tmux, "Delete? [y/N]")
        assert tmux.shows("share “film.mov” (1,204 files, 38.2 GB): /a/film.mov")()
        assert tmux.shows("share “evil\ufffd[2J\ufffd.exe”")()
        assert shell.agent.orders == []
        tmux.press(*answer, "Enter")
        await _until(tmux, f"ended with {code}")
        wanted = [(id_.ljust(32, "0"), ShareAction.DELETE) for id_ in "12"] if code == 0 else []
        assert shell.agent.orders == wanted
        assert tmux.shows("Nothing was deleted")() is bool(code)


async def test_the_life_of_a_share_with_a_real_agent(alice: Person, bob: Person) -> None:
    alice.know(bob.as_user())
    film = alice.fill("film.mov")
    with alice.started("agent") as agent:
        await agent.until_saying("is running")
        shared = await call(
            alice, "share", "film.mov", "--to", "bob", "--expires", "2w", "--note", "Für dich"
        )
        assert shared.code == 0, shared
        id_ = shared.out.strip()
        await _until_state(alice, id_, "seeding")
        assert (await call(alice, "share", "nix", "--to", "bob")).failed(4, "it does not exist")
        assert (await call(alice, "share", "film.mov", "--to", "nobody")).failed(4, "nobody")
        for verb, state in (("pause", "paused"), ("resume", "seeding"), ("again", "seeding")):
            assert (await call(alice, verb, id_[:8])).code == 0
            await _until_state(alice, "film.mov", state)
        assert (await _facts(alice, "film.mov"))["version"] == "2"
        assert (await call(alice, "forget", "film.mov")).code == 0
        assert (await call(alice, "show", id_)).failed(4, "There is no share or download")
        assert film.exists()
        assert (await call(alice, "share", "film.mov", "--to", "bob")).code == 0
        await _until_state(alice, "film.mov", "seeding")
        assert (await call(alice, "delete", "film.mov", "--yes")).code == 0
        assert not film.exists()
        assert (await call(alice, "list")).out == ""
        assert (await agent.end(signal.SIGTERM)).code == 0


async def test_approving_and_rejecting_with_a_real_agent(alice: Person, bob: Person) -> None:
    alice.know(bob.as_user())
    bob.know(alice.as_user(verified=False))
    inbox = bob.places.files / "inbox"
    inbox.mkdir()
    for name, user in (("wanted", "bob"), ("unwanted", "bob"), ("strange", "carol")):
        create(alice, alice.fill(name), user=user).envelope.rename(inbox / f"{name}.torrent.encrypted")
    with bob.started("agent") as agent:
        await agent.until_saying("is running")
        await _until_state(bob, "wanted", "needs approval")
        await _until_state(bob, "unwanted", "needs approval")
        await _until_state(bob, "strange.torrent.encrypted", "locked")
        assert (await call(bob, "forget", "strange.torrent.encrypted")).failed(5, "cannot be opened yet")
        assert (await call(bob, "reject", "unwanted")).code == 0
        unwanted = "unwanted.torrent.encrypted"
        await _until_state(bob, unwanted, "rejected")
        assert (await call(bob, "delete", unwanted, "--yes")).failed(5, "was rejected already")
        assert (await call(bob, "forget", unwanted)).code == 0
        assert unwanted not in (await call(bob, "list")).out
        assert (await call(bob, "approve", "wanted")).code == 0
        await _until_state(bob, "wanted", "downloading")
        assert (await call(bob, "approve", "wanted")).failed(5, "does not wait for approval")
        for verb, state in (("pause", "paused"), ("resume", "downloading")):
            assert (await call(bob, verb, "wanted")).code == 0
            await _until_state(bob, "wanted", state)
        assert (await call(bob, "forget", "wanted")).code == 0
        assert (await agent.end(signal.SIGTERM)).code == 0
    assert left(inbox) == {"rejected", "strange.torrent.encrypted"}


async def _until(tmux: Tmux, words: str) -> None:
    await wait_until(tmux.shows(words), seconds=20)


async def call(person: Person, *words: str) -> Result:
    """Run a command in a thread of its own: it brings its own event loop."""
    return await asyncio.to_thread(person.call, *words)


async def _until_state(person: Person, word: str, state: str) -> None:
    await answered(lambda: _facts(person, word), lambda facts: facts.get("state") == state)


async def _facts(person: Person, word: str) -> dict[str, str]:
    return dict(line.split("\t") for line in (await call(person, "show", word)).out.splitlines())
