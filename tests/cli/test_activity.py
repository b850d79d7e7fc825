from __future__ import annotations

from tests.api.samples import ACTIVITY
from tests.cli.homes import Person
from tests.cli.json_shapes import read_json
from tests.cli.served import served
from tuishare.api.messages import Activity


async def test_lines_in_a_pipe(alice: Person) -> None:
    async with served(alice) as shell:
        said = await shell.call("activity")
        assert (said.code, said.err) == (0, "")
        (line,) = said.out.splitlines()
        assert line.split("\t")[1:] == ["received", "contract-v3.pdf", "from bob"]


async def test_json_is_what_the_agent_says(alice: Person) -> None:
    async with served(alice) as shell:
        said = await shell.call("activity", "--limit", 1, "--json")
        assert read_json(said.out, list[Activity]) == [ACTIVITY]


async def test_nothing_yet_is_said(alice: Person) -> None:
    async with served(alice) as shell:
        shell.agent.happened = []
        assert (await shell.call("activity")).err == "Nothing has happened yet.\n"
        assert (await shell.call("activity", "--json")).out == "[]\n"


def test_a_limit_is_a_number_that_makes_sense(alice: Person) -> None:
    for limit in ("0", "10001", "many"):
        assert alice.call("activity", "--limit", limit).code == 2
