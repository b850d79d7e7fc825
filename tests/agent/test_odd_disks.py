"""Whole agents whose folders are on disks that lack what others have."""

from __future__ import annotations

from pathlib import Path

from tests.agent.agent_pairs import running
from tests.agent.homes import Home, fill
from tests.odd_disks import exfat_disk, without_chmod
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.agent.downloads.rejected_files import REASON_SUFFIX, REJECTED
from tuishare.api.messages import ShareState
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
