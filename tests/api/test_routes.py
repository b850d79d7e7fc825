"""Every route beyond the oldest ones, over a real socket: each order arrives as what was meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.samples import (
    CARD_SEEN,
    DETAILS,
    DOWNLOAD,
    LISTING,
    PROOF,
    RELOADED,
    SETTINGS,
    SHARE,
    ScriptedAgent,
)
from tests.api.test_server import talk
from tuishare.api.client import AgentClient
from tuishare.api.messages import (
    Accepted,
    CardText,
    DropChange,
    DropNamed,
    FolderQuery,
    NewUser,
    PathNamed,
    PathSize,
    SettingChange,
    SettingsText,
    ShareId,
    UserAdded,
    UserChange,
    UserNamed,
)
from tuishare.errors import NotFound


async def test_orders_about_people_arrive(agent: ScriptedAgent, client: AgentClient) -> None:
    assert await client.card_seen(CardText(card="tuishare-card-v1:x")) == CARD_SEEN
    assert await client.add_user(NewUser(name="eve")) == UserAdded(name="eve", key="11" * 32)
    await client.change_user(UserChange(name="bob", groups=("crew",)))
    await client.remove_user(UserNamed(name="bob"))
    assert await client.new_key(UserNamed(name="bob")) == UserAdded(name="bob", key="22" * 32)
    await client.revoke_user(UserNamed(name="bob"))
    await client.revoke_from_share(ShareId("../people"), UserNamed(name="bob"))
    assert await client.rotate_identity() == Accepted(id="QRST UVWX")
    assert agent.orders == [
        CardText(card="tuishare-card-v1:x"),
        NewUser(name="eve"),
        ("bob", UserChange(name="bob", groups=("crew",))),
        ("bob", "remove"),
        ("bob", "key"),
        ("bob", "revoke"),
        ("../people", "revoke", "bob"),
        ("QRST UVWX", "rotate"),
    ]


async def test_orders_about_folders_and_settings_arrive(agent: ScriptedAgent, client: AgentClient) -> None:
    change = DropChange(path="~/films", users=("bob", "@crew"))
    setting = SettingChange(key="limits.upload", value="5MB/s")
    await client.set_drop(change)
    await client.remove_drop(DropNamed(path="~/films"))
    assert await client.settings() == SETTINGS
    assert await client.change_setting(setting) == RELOADED
    assert await client.write_settings(SETTINGS) == RELOADED
    assert agent.orders == [change, DropNamed(path="~/films"), setting, SETTINGS]


async def test_questions_about_paths_arrive(agent: ScriptedAgent, client: AgentClient) -> None:
    query = FolderQuery(path="~/films", start="a", nearest=True)
    assert await client.list_folder(query) == LISTING
    assert await client.measure_path(PathNamed(path="~/films")) == PathSize(files=3, size=3000)
    assert agent.orders == [query, PathNamed(path="~/films")]


async def test_details_are_told_of_what_there_is(client: AgentClient) -> None:
    assert await client.share_details(SHARE.id) == DETAILS
    assert await client.share_proof(SHARE.id) == PROOF
    assert await client.download_details(DOWNLOAD.id) == DETAILS
    with pytest.raises(NotFound):
        await client.share_details(ShareId("../downloads/d1"))


async def test_a_settings_file_of_any_allowed_size_arrives(agent: ScriptedAgent, client: AgentClient) -> None:
    settings = SettingsText(text="\x01" * 1_000_000)  # six bytes each in JSON
    await client.write_settings(settings)
    assert agent.orders == [settings]


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    ("request_line", "body"),
    [
        ("POST /v1/people/add", b"{}"),
        ("POST /v1/people/add", b'{"name":""}'),
        ("POST /v1/people/add", b'{"name":"bob","more":1}'),
        ("POST /v1/people/add", b'{"name":"bob","card":"' + b"x" * 16_385 + b'"}'),
        ("POST /v1/people/change", b""),
        ("POST /v1/shares/a1/revoke", b""),
        ("POST /v1/shares/a1/revoke", b'{"share":"a1"}'),
        ("POST /v1/folders/set", b'{"path":"/x","users":[]}'),
        ("POST /v1/settings", b'{"text":"x"}'),
        ("GET /v1/people/add", b""),
        ("GET /v1/settings", b"{}"),
        ("DELETE /v1/settings", b""),
    ],
)
async def test_what_is_no_order_is_refused(
    agent: ScriptedAgent, path: Path, request_line: str, body: bytes
) -> None:
    headers = f"Content-Length: {len(body)}\r\n" if body else ""
    assert (await talk(path, request_line, headers, body))[0] == 400
    assert agent.orders == []
