"""Whole agents whose folders are on disks that lack what others have."""

from __future__ import annotations

from pathlib import Path

from tests.agent.agent_pairs import running
from tests.agent.homes import Home, fill
from tests.agent.journeys import contents
from tests.odd_disks import exfat_disk, without_chmod
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.agent.downloads.rejected_files import REASON_SUFFIX, REJECTED
from tuishare.api.messages import Download, DownloadState, ShareState
from tuishare.fs.atomic import ENVELOPE_SUFFIX

PATIENCE = 30.0


def use_disk(home: Home, disk: Path, *recipients: str) -> dict[str, Path]:
    """Put all folders of a home but the drop folder on a disk."""
    folders = {name: disk / name for name in ("outbox", "inbox", "downloads")}
    home.configure(
        *recipients,
        folders={name: str(path) for name, path in folders.items()},
        downloads={"reserve": 0},
    )
    for path in folders.values():
        path.mkdir()
    return folders


async def envelope_of(agent: Agent, outbox: Path, name: str) -> Path:
    """Wait until an entry of the drop folder is shared; return its envelope."""

    def is_seeded() -> bool:
        return [each.state for each in agent.view.shares() if each.name == name] == [ShareState.SEEDING]

    await wait_until(is_seeded, seconds=PATIENCE)
    (path,) = (
        outbox / each.envelope for each in agent._drops.repository.shares.values() if each.name == name
    )
    assert path.exists()
    return path


async def test_all_folders_on_a_disk_without_chmod(alice: Home, bob: Home, root: Path) -> None:
    with without_chmod(root / "one") as one, without_chmod(root / "two") as two:
        sent, got = use_disk(alice, one, "bob"), use_disk(bob, two, "alice")
        async with running(alice) as sender, running(bob):
            payload = fill(alice.drop / "film.mov", 300_000)
            (got["inbox"] / f"junk{ENVELOPE_SUFFIX}").write_bytes(b"TSE1" + bytes(100))
            envelope = await envelope_of(sender, sent["outbox"], "film.mov")
            (got["inbox"] / envelope.name).write_bytes(envelope.read_bytes())
            delivered = got["downloads"] / "alice" / "film.mov"
            await wait_until(delivered.exists, seconds=PATIENCE)
            assert delivered.read_bytes() == payload.read_bytes()
            reason = got["inbox"] / REJECTED / f"junk{ENVELOPE_SUFFIX}{REASON_SUFFIX}"
            await wait_until(reason.exists, seconds=PATIENCE)


async def test_the_name_of_an_envelope_is_taken_by_every_disk(alice: Home, bob: Home, root: Path) -> None:
    with exfat_disk(root / "stick") as stick:
        outbox = use_disk(alice, stick, bob.name)["outbox"]
        async with running(alice) as sender:
            for name in ("Take 12: what?.txt", "TAKE 12_ what_.txt"):
                fill(alice.drop / name)
            one = await envelope_of(sender, outbox, "Take 12: what?.txt")
            other = await envelope_of(sender, outbox, "TAKE 12_ what_.txt")
            assert sorted(path.name for path in outbox.iterdir()) == sorted([one.name, other.name])
            assert one.name.lower() != other.name.lower()


ODD_FOLDER = ("a:b", "Foo", "foo", "c", "d?/x", "d*/x", "n" * 255, "\U0001f468\u200d\U0001f467.jpg")
"""What is in a folder of which an exFAT disk takes some names only."""


def fill_folder(folder: Path, names: tuple[str, ...]) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        fill(folder / name, 20_000)
    return folder


async def delivered(agent: Agent, name: str, generation: int = 1) -> Download:
    def found() -> list[Download]:
        return [
            each
            for each in agent.view.downloads()
            if (each.name, each.state, each.generation) == (name, DownloadState.COMPLETE, generation)
        ]

    await wait_until(lambda: bool(found()), seconds=PATIENCE)
    return found()[0]


async def seeds(agent: Agent, name: str) -> None:
    """Wait until an agent seeds what it has received."""

    def is_joined() -> bool:
        repository = agent._inbox.repository
        return any(repository.is_joined(each) for each in repository.downloads.values() if each.name == name)

    await wait_until(is_joined, seconds=PATIENCE)


async def test_names_that_the_disk_refuses_are_proposed_anew(alice: Home, bob: Home, root: Path) -> None:
    with exfat_disk(root / "stick") as stick:
        got = use_disk(bob, stick, "alice")
        async with running(alice) as sender:
            folder = fill_folder(root / "new", ODD_FOLDER).rename(alice.drop / "what?")
            async with running(bob) as receiver:
                bob_inbox = got["inbox"]
                envelope = await envelope_of(sender, alice.outbox, "what?")
                (bob_inbox / envelope.name).write_bytes(envelope.read_bytes())
                download = await delivered(receiver, "what?")
                here = got["downloads"] / "alice" / "what_"
                assert download.path == str(here)
                pairs = {file.name: file.here for file in download.renamed_files}
                assert pairs["what?"] == "what_"
                assert pairs["a:b"] == "a_b"
                assert download.renamed == 5
                assert (here / "a_b").read_bytes() == (folder / "a:b").read_bytes()
                assert {(here / name).read_bytes() for name in ("Foo", "foo (2)")} == {
                    (folder / name).read_bytes() for name in ("Foo", "foo")
                }
                kept = ("c", "n" * 255, "\U0001f468\u200d\U0001f467.jpg")
                assert [(here / name).read_bytes() for name in kept] == [
                    (folder / name).read_bytes() for name in kept
                ]
                await seeds(receiver, "what?")
            async with running(bob) as receiver:  # and they are what was delivered, also after a restart
                await seeds(receiver, "what?")
                fill(folder / "a:b", 20_000)

                def is_renewed() -> bool:
                    (share,) = sender.view.shares()
                    return (share.state, share.generation) == (ShareState.SEEDING, 2)

                await wait_until(is_renewed, seconds=PATIENCE)
                (bob_inbox / envelope.name).write_bytes(envelope.read_bytes())
                await delivered(receiver, "what?", generation=2)
                assert (here / "a_b").read_bytes() == (folder / "a:b").read_bytes()


async def test_odd_names_that_the_disk_takes_are_delivered(alice: Home, bob: Home, root: Path) -> None:
    names = (*ODD_FOLDER, "\u0645\u06cc\u200c\u062e", "foo.1", "\u00e4", "a\u0308")
    async with running(alice) as sender, running(bob) as receiver:
        folder = fill_folder(root / "new", names).rename(alice.drop / "\U0001f468\u200d\U0001f467")
        single = fill(alice.drop / ("n" * 251 + ".mov"))
        for path in (folder, single):
            envelope = await envelope_of(sender, alice.outbox, path.name)
            bob.receive(envelope)
            download = await delivered(receiver, path.name)
            assert download.renamed == 0
            here = bob.downloads / "alice" / path.name
            assert contents(here) == contents(path)
            await seeds(receiver, path.name)


async def test_a_payload_whose_name_was_taken_is_seeded_all_the_same(
    alice: Home, bob: Home, root: Path
) -> None:
    (bob.downloads / "alice").mkdir()
    (bob.downloads / "alice" / "x").write_bytes(b"bob's own")
    async with running(alice) as sender, running(bob) as receiver:
        fill_folder(root / "new", ("a", "b")).rename(alice.drop / "x")
        bob.receive(await envelope_of(sender, alice.outbox, "x"))
        download = await delivered(receiver, "x")
        assert download.path == str(bob.downloads / "alice" / "x (2)")
        await seeds(receiver, "x")
        assert (bob.downloads / "alice" / "x").read_bytes() == b"bob's own"
