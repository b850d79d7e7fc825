from __future__ import annotations

from tests.cli.homes import Person
from tests.cli.json_shapes import read_json
from tests.cli.served import served
from tuishare.api.messages import Accepted, PathNamed


async def test_the_agent_is_told_the_absolute_path_of_the_file_itself(alice: Person) -> None:
    link = alice.desk / "link.torrent.encrypted"
    link.symlink_to(alice.desk / "elsewhere")
    async with served(alice) as shell:
        said = await shell.call("open", link)
        assert (said.code, said.out) == (0, "")
        assert "link.torrent.encrypted is in the inbox" in said.err
        assert shell.agent.orders == [("open", PathNamed(path=str(link)))]
        printed = await shell.call("open", link, "--json")
        assert read_json(printed.out, Accepted) == Accepted(id=link.name)


async def test_a_home_folder_that_is_not_known_is_part_of_the_name(alice: Person) -> None:
    async with served(alice) as shell:
        await shell.call("open", "~no-such-user/film.torrent.encrypted")
        assert "/~no-such-user/film.torrent.encrypted" in repr(shell.agent.orders)
