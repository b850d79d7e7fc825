"""Orders over a real socket: each arrives as what was meant, everything else is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.samples import ScriptedAgent
from tests.api.test_server import talk
from tuishare.api.client import AgentClient
from tuishare.api.messages import (
    Accepted,
    DownloadAction,
    DownloadId,
    FileChoice,
    NewShare,
    ShareAction,
    ShareId,
)
from tuishare.api.operation import SMALL_BODY
from tuishare.errors import NotFound

NEW = NewShare(path="/films/a.mov", recipients=("bob", "@crew"), note="first cut", not_after=9)


async def test_a_new_share_arrives_whole(agent: ScriptedAgent, client: AgentClient) -> None:
    assert await client.share(NEW) == Accepted(id="new")
    assert agent.orders == [NEW]


@pytest.mark.parametrize("order", list(ShareAction))
async def test_orders_for_shares_arrive(
    agent: ScriptedAgent, client: AgentClient, order: ShareAction
) -> None:
    await client.order_share(ShareId("ab12"), order)
    assert agent.orders == [("ab12", order)]


@pytest.mark.parametrize("order", list(DownloadAction))
async def test_orders_for_downloads_arrive(
    agent: ScriptedAgent, client: AgentClient, order: DownloadAction
) -> None:
    await client.order_download(DownloadId("ab12"), order)
    assert agent.orders == [("ab12", order)]


async def test_a_choice_of_files_arrives(agent: ScriptedAgent, client: AgentClient) -> None:
    choice = FileChoice(unwanted=(0, 7))
    await client.choose_files(DownloadId("ab12"), choice)
    assert agent.orders == [("ab12", choice)]


async def test_an_id_cannot_name_another_path(agent: ScriptedAgent, client: AgentClient) -> None:
    await client.order_share(ShareId("../downloads/x"), ShareAction.PAUSE)
    assert agent.orders == [("../downloads/x", ShareAction.PAUSE)]


async def test_what_the_agent_refuses_comes_back_as_it_was_said(client: AgentClient) -> None:
    with pytest.raises(NotFound, match="no such thing") as caught:
        await client.order_share(ShareId("none"), ShareAction.PAUSE)
    assert caught.value.hint == "Look again."


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    ("request_line", "body", "status"),
    [
        ("POST /v1/shares/ab12/explode", b"", 404),
        ("POST /v1/shares/ab12/approve", b"", 404),
        ("GET /v1/shares/ab12/pause", b"", 400),
        ("POST /v1/shares/ab12/pause", b"{}", 400),
        ("POST /v1/downloads/ab12/wanted", b"", 400),
        ("POST /v1/downloads/ab12/wanted", b'{"unwanted":[-1]}', 400),
        ("POST /v1/downloads/ab12/wanted", b'{"unwanted":["0"]}', 400),
        ("POST /v1/shares", b"", 400),
        ("POST /v1/shares", b"not json", 400),
        ("POST /v1/shares", b'{"path":"/x","recipients":[]}', 400),
        ("POST /v1/shares", b'{"path":"/x","recipients":["bob"],"more":1}', 400),
        ("POST /v1/shares", b'{"path":"/x","recipients":["bob"],"transport":"udp"}', 400),
        ("POST /v1/shares", b" " * (SMALL_BODY + 1), 400),
    ],
)
async def test_what_is_no_order_is_refused(
    agent: ScriptedAgent, path: Path, request_line: str, body: bytes, status: int
) -> None:
    headers = f"Content-Length: {len(body)}\r\n" if body else ""
    found, _, _ = await talk(path, request_line, headers, body)
    assert found == status
    assert agent.orders == []
