from __future__ import annotations

from tests.api.samples import LINK, NOW
from tests.cli.homes import Person
from tests.cli.json_shapes import read_json
from tests.cli.served import served
from tuishare.api.messages import Link


async def test_each_link_is_a_line_in_a_pipe(alice: Person) -> None:
    async with served(alice) as shell:
        shell.agent.links_shown = [
            LINK,
            Link(
                user="carol",
                away=NOW - 60,
                error="It does not answer",
                addresses=("192.0.2.8:50010",),
                waiting=3,
            ),
        ]
        said = await shell.call("links")
        assert (said.code, said.err) == (0, "")
        bob, carol = (line.split("\t") for line in said.out.splitlines())
        assert (bob[0], bob[1].startswith("open since"), bob[2:]) == (
            "bob",
            True,
            ["192.0.2.7:50010, [2001:db8::7]:50010", "0", ""],
        )
        assert (carol[0], carol[1].startswith("away since")) == ("carol", True)
        assert carol[2:] == ["192.0.2.8:50010", "3", "It does not answer"]


async def test_json_is_what_the_agent_says(alice: Person) -> None:
    async with served(alice) as shell:
        assert read_json((await shell.call("links", "--json")).out, list[Link]) == [LINK]


async def test_without_a_verified_user_there_is_no_link(alice: Person) -> None:
    async with served(alice) as shell:
        shell.agent.links_shown = []
        assert "no verified user" in (await shell.call("links")).err
