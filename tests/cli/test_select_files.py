"""``tuishare choose``."""

from __future__ import annotations

import json

import msgspec
import pytest

from tests.cli.homes import Person
from tests.cli.served import Served, download, served
from tuishare.api.messages import Details, DownloadId, File, FileChoice

FILMS = download("1", "films", files=4)
NAMES = ("a.mkv", "b/c.mkv", "b/new\nline.txt", "[x].txt")


class Films:
    """Four files, of which those are wanted that were not left out in the last order."""

    def __init__(self, orders: list[object], more_files: int = 0) -> None:
        self._orders = orders
        self._more_files = more_files

    def __call__(self, download: DownloadId) -> Details:
        assert download == FILMS.id
        chosen = [order[1] for order in self._orders if isinstance(order, tuple)]
        unwanted = chosen[-1].unwanted if chosen else ()
        files = [
            File(path=name, size=1000, progress=0, wanted=number not in unwanted)
            for number, name in enumerate(NAMES)
        ]
        return Details(files=tuple(files), more_files=self._more_files)


def show_films(shell: Served, more_files: int = 0) -> None:
    shell.agent.details = Films(shell.agent.orders, more_files)


@pytest.mark.parametrize(
    ("options", "unwanted"),
    [
        (("--skip", "*.mkv"), (0, 1)),
        (("--only", "*.mkv"), (2, 3)),
        (("--skip", "a.*", "--skip", "b/c*"), (0, 1)),
        (("--only", "[[]x].txt"), (0, 1, 2)),
        (("--skip", "b/new�line.txt"), (2,)),
        (("--all",), ()),
    ],
)
async def test_patterns_name_files_as_they_are_shown(
    alice: Person, options: tuple[str, ...], unwanted: tuple[int, ...]
) -> None:
    async with served(alice, FILMS) as shell:
        show_films(shell)
        said = await shell.call("choose", "films", *options)
        assert shell.agent.orders == [(FILMS.id, FileChoice(unwanted=unwanted))]
    assert said.code == 0
    rows = [line.split("\t") for line in said.out.splitlines()]
    assert [row[2] for row in rows] == ["skip" if number in unwanted else "fetch" for number in range(4)]
    assert f"{4 - len(unwanted)} of 4 files of “films”" in said.err


async def test_without_a_choice_the_files_are_listed(alice: Person) -> None:
    async with served(alice, FILMS) as shell:
        show_films(shell)
        said = await shell.call("choose", "films", "--json")
        assert (said.code, shell.agent.orders) == (0, [])
    files = msgspec.convert(json.loads(said.out), tuple[File, ...])
    assert [file.path for file in files] == list(NAMES)


async def test_what_cannot_be_meant_changes_nothing(alice: Person) -> None:
    async with served(alice, FILMS) as shell:
        show_films(shell)
        assert (await shell.call("choose", "films", "--all", "--skip", "*")).failed(2, "exclude each other")
        assert (await shell.call("choose", "films", "--skip", "*.mov")).failed(4, "No file matches “*.mov”")
        assert (await shell.call("choose", "nix", "--all")).failed(4, "no download")
        show_films(shell, more_files=1)
        assert (await shell.call("choose", "films", "--skip", "*")).failed(2, "too many")
        assert shell.agent.orders == []
