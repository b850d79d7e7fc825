"""What `--json` prints has one form for all commands: messages of the API, with RFC 3339 beside each time."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import typer
import typer.main

from tests.api.samples import INVITATION, JOINER, RECEIPT, SHARE
from tests.api_reference import JSON_COMMANDS, OPERATOR_COMMANDS
from tests.cli.homes import Person
from tests.cli.json_shapes import read_json
from tests.cli.served import download, served, share
from tests.link import samples as people
from tuishare.api import messages
from tuishare.api.json_times import format_rfc3339, time_fields
from tuishare.api.messages import (
    Activity,
    Delivery,
    DeliveryState,
    Download,
    DownloadAction,
    DownloadState,
    Message,
    Share,
    ShareAction,
)
from tuishare.cli.app import app
from tuishare.cli.exit_codes import Exit
from tuishare.people import User

ARGUMENTS: dict[str, tuple[str, ...]] = {
    **{action.value: ("contract.pdf",) for action in DownloadAction},
    **{action.value: ("film.mov",) for action in ShareAction},
    "show": ("film.mov",),
    "delete": ("film.mov", "--yes"),
    "choose": ("contract.pdf",),
    "revoke": ("film.mov", "bob"),
    "invite cancel": ("abab",),
    "invite approve": ("cdcd", "--yes"),
    "invite decline": ("cdcd",),
    "join use": ("-",),
    "join cancel": ("efef",),
    "hub join": ("-",),
}
ASKED = msgspec.structs.replace(
    INVITATION,
    id="cd" * 16,
    joiners=(msgspec.structs.replace(JOINER, state=messages.JoinerState.ASKS),),
)
BOB = Delivery(user="bob", state=DeliveryState.COMPLETE, progress=1.0, sealed=1_700_000_000, completed=1)


def commands(group: Any, *path: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *path, name)
        else:
            yield " ".join((*path, name)), command


def test_the_page_lists_every_command_that_prints_json() -> None:
    found = {
        name
        for name, command in commands(typer.main.get_command(app))
        if any("--json" in parameter.opts for parameter in command.params)
    }
    assert {name for name, _ in (*JSON_COMMANDS, *OPERATOR_COMMANDS)} == found | {
        "list shares",
        "list downloads",
        "doctor --share ID",
        "receipts --verify FILE",
    }


@pytest.mark.parametrize(("command", "kind"), JSON_COMMANDS, ids=[name for name, _ in JSON_COMMANDS])
async def test_a_command_prints_what_the_page_says(command: str, kind: Any, alice: Person) -> None:
    payload = alice.fill("film.mov")
    arguments: tuple[object, ...] = ARGUMENTS.get(command, ())
    receipts = alice.desk / "receipts.txt"
    receipts.write_text(RECEIPT.text)
    words = command.replace("ID", "film.mov").replace("FILE", str(receipts)).split()
    if command == "share":
        arguments = (payload, "--to", "bob")
    if command == "open":
        arguments = (payload,)
    if command == "receipts --verify FILE":
        alice.know(User("bob", card=people.BOB.card, verified=True))
    film = msgspec.structs.replace(SHARE, name="film.mov", deliveries=(BOB,))
    async with served(alice, film, download("2", state=DownloadState.WAITING)) as shell:
        shell.agent.details = lambda _: messages.Details(files=(messages.File(path="a", size=1, progress=0),))
        shell.agent.invited.append(ASKED)
        shell.agent.joining = [msgspec.structs.replace(shell.agent.answer_to_join, id="ef" * 16)]
        said = await shell.call(*words, *arguments, "--json")
    assert said.code in ((Exit.OK, Exit.FAILED) if command == "doctor" else (Exit.OK,)), said.err
    if isinstance(kind, dict):
        assert kind == {"shares": list[Share], "downloads": list[Download]}
        shapes = msgspec.json.decode(said.out, type=dict[str, Any])
        assert shapes.keys() == kind.keys()
        for name, inner in kind.items():
            assert read_json(msgspec.json.encode(shapes[name]).decode(), inner)
    else:
        assert read_json(said.out, Share if command == "show" else kind) is not None


async def test_a_download_is_shown_like_a_share(alice: Person) -> None:
    contract = download("2")
    async with served(alice, contract) as shell:
        assert read_json((await shell.call("show", "contract.pdf", "--json")).out, Download) == contract


async def test_a_moment_stands_in_both_forms(alice: Person) -> None:
    film = share("1", added=1_795_986_000, deliveries=(BOB,))
    async with served(alice, film) as shell:
        shown = msgspec.json.decode((await shell.call("show", "film.mov", "--json")).out)
        logged = msgspec.json.decode((await shell.call("activity", "--json")).out)
    assert (shown["added"], shown["added_at"]) == (1_795_986_000, "2026-11-29T21:00:00Z")
    assert (shown["not_after"], shown["not_after_at"]) == (0, None)
    assert shown["deliveries"][0]["sealed_at"] == "2023-11-14T22:13:20Z"
    assert logged[0]["happened_at"] == "2023-11-14T22:13:20Z"


@pytest.mark.parametrize("seconds", [0, 10**12, 10**30])
def test_what_is_no_moment_is_null(seconds: int) -> None:
    assert format_rfc3339(seconds) is None


def test_every_field_in_unix_seconds_is_a_time() -> None:
    kinds = [kind for kind in vars(messages).values() if isinstance(kind, type) and issubclass(kind, Message)]
    for kind in kinds:
        described = inspect.getdoc(kind) or ""
        for line in described.splitlines():
            if "Unix seconds" in line and ":" in line:
                assert line.split(":")[0].strip() in time_fields(kind), (kind, line)
        assert not {*time_fields(kind).values()} & {*kind.__struct_fields__}
    assert time_fields(Activity) == {"at": "happened_at"}
