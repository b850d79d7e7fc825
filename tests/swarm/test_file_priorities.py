"""Some files of a torrent are fetched, and the others leave no trace."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.swarm.conftest import StartEngine
from tests.swarm.shares import Share, at, completed, make_share
from tests.waiting import wait_until
from tuishare.errors import BadInput
from tuishare.swarm import Engine, TorrentSpec, create_authority
from tuishare.swarm.torrent_params import prepare
from tuishare.torrents import make_torrent, parse_torrent, walk

SIZES = {"B.bin": 70_001, "a.bin": 100_000, "b/c.bin": 50_000, "b/none": 0, "b.txt": 3, "z/last": 40_000}
PIECE = 16 * 1024


@dataclass(frozen=True, slots=True)
class Films:
    """A folder that is shared: files of odd sizes in folders, empty ones as well."""

    share: Share

    @property
    def names(self) -> list[str]:
        return ["/".join(file.parts) for file in parse_torrent(self.share.torrent).files]

    def without(self, *names: str) -> frozenset[int]:
        return frozenset(self.names.index(name) for name in names)

    def fetching(
        self, into: Path, engine: Engine, *unwanted: str, resume: bytes | None = None
    ) -> TorrentSpec:
        spec = self.share.downloading(into, at(engine), resume_data=resume)
        return replace(spec, unwanted=self.without(*unwanted))

    def assert_here(self, into: Path, *names: str) -> None:
        """These files are whole, and nothing else is in the folder: no other file, no part file."""
        found = {str(path.relative_to(into)) for path in into.rglob("*") if path.is_file()}
        assert found == {f"films/{name}" for name in names}
        for name in names:
            assert (into / "films" / name).read_bytes() == (self.share.folder / "films" / name).read_bytes()


@pytest.fixture
def films(tmp_path: Path) -> Films:
    draw, folder = random.Random(3), tmp_path / "alice"
    for name, size in SIZES.items():
        path = folder / "films" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(draw.randbytes(size))
    torrent = make_torrent(walk(folder / "films"), version=2, piece_length=PIECE)
    return Films(Share(folder, b"", torrent, create_authority(datetime.now(UTC))))


@pytest.mark.parametrize("only", [name for name, size in SIZES.items() if size])
async def test_one_file_alone_is_fetched(
    start_engine: StartEngine, films: Films, tmp_path: Path, only: str
) -> None:
    """Our numbers are those of the right files, although libtorrent counts padding."""
    alice, bob = await start_engine(), await start_engine()
    await alice.add(films.share.seeding())
    others = [name for name in SIZES if name != only]
    info_hash = await completed(bob, films.fetching(tmp_path / "bob", alice, *others))
    films.assert_here(tmp_path / "bob", only)
    here = dict(zip(films.names, await bob.file_progress(info_hash), strict=True))
    assert here == {name: size if name == only else 0 for name, size in SIZES.items()}


async def test_numbers_are_of_what_is_wanted(start_engine: StartEngine, films: Films, tmp_path: Path) -> None:
    alice, bob = await start_engine(), await start_engine()
    await alice.add(films.share.seeding())
    info_hash = await completed(bob, films.fetching(tmp_path / "bob", alice, "a.bin", "b/none"))
    wanted = sum(SIZES.values()) - SIZES["a.bin"]
    await wait_until(lambda: bob.progress(info_hash).state == "seeding")
    await wait_until(lambda: bob.progress(info_hash).peers == 1)
    progress = bob.progress(info_hash)
    assert (progress.done, progress.total, progress.fraction) == (wanted, wanted, 1.0)
    (peer,) = await alice.peers(info_hash)
    assert peer.fraction < 1


async def test_of_what_is_seeded_every_file_is_here(start_engine: StartEngine, films: Films) -> None:
    alice = await start_engine()
    info_hash = await alice.add(films.share.seeding())
    assert dict(zip(films.names, await alice.file_progress(info_hash), strict=True)) == SIZES


async def test_the_rest_can_be_fetched_later(start_engine: StartEngine, films: Films, tmp_path: Path) -> None:
    """What is here is not sent again."""
    alice, bob = await start_engine(), await start_engine()
    await alice.add(films.share.seeding())
    info_hash = await completed(bob, films.fetching(tmp_path / "bob", alice, "a.bin"))
    saved = await bob.save_resume(info_hash)
    await bob.remove(info_hash)
    await completed(bob, films.fetching(tmp_path / "bob", alice, resume=saved))
    films.assert_here(tmp_path / "bob", *SIZES)
    await wait_until(lambda: alice.progress(info_hash).uploaded >= sum(SIZES.values()))
    assert alice.progress(info_hash).uploaded < sum(SIZES.values()) + SIZES["a.bin"] // 2


async def test_what_is_already_here_is_complete_at_once_when_the_rest_is_given_up(
    start_engine: StartEngine, films: Films, tmp_path: Path
) -> None:
    alice, bob = await start_engine(), await start_engine()
    await alice.add(films.share.seeding())
    info_hash = await completed(bob, films.fetching(tmp_path / "bob", alice, "a.bin", "b.txt"))
    saved = await bob.save_resume(info_hash)
    await bob.remove(info_hash)
    await alice.remove(info_hash)
    await completed(bob, films.fetching(tmp_path / "bob", alice, "a.bin", "b.txt", "B.bin", resume=saved))


async def test_a_rival_does_not_make_anybody_fetch_what_he_does_not_want(
    start_engine: StartEngine, films: Films, tmp_path: Path
) -> None:
    """Who asks for which pieces first is a preference among those that are wanted."""
    alice = await start_engine(upload_limit=100_000)
    bob, carol = await start_engine(), await start_engine()
    await alice.add(films.share.seeding())
    info_hash = await bob.add(films.fetching(tmp_path / "bob", alice, "a.bin"))
    await carol.add(films.share.downloading(tmp_path / "carol", at(alice), at(bob)))
    handle = bob._table.handle(info_hash)
    await wait_until(lambda: set(handle.get_piece_priorities()) == {0, 1, 3})
    await carol.remove(info_hash)
    await wait_until(lambda: set(handle.get_piece_priorities()) == {0, 4})
    assert handle.get_piece_priorities().count(0) == -(-SIZES["a.bin"] // PIECE)


def test_what_cannot_be_chosen_is_bad_input(films: Films, tmp_path: Path) -> None:
    def choose(*unwanted: int, share: Share = films.share) -> None:
        spec = replace(share.downloading(tmp_path / "bob"), unwanted=frozenset(unwanted))
        prepare(spec, datetime.now(UTC))

    for numbers in ((6,), (-1,)):
        with pytest.raises(BadInput, match="no file with that number"):
            choose(*numbers)
    for nothing in (range(6), films.without(*(name for name, size in SIZES.items() if size))):
        with pytest.raises(BadInput, match="nothing of the torrent is left"):
            choose(*nothing)
    with pytest.raises(BadInput, match="v1"):
        choose(0, share=make_share(tmp_path / "plain", tls=False))
