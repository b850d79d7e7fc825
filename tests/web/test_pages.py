"""Every page of the owner shows what the agent says, and every form reaches the agent as it was filled in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.api.samples import (
    CARD_SEEN,
    DETAILS,
    DOWNLOAD,
    INTRODUCTION,
    INVITATION,
    JOINER,
    LINK,
    NOW,
    PEOPLE,
    SHARE,
    SNAPSHOT,
    STATUS,
    ScriptedAgent,
)
from tests.web.browsers import Browser
from tests.web.conftest import Site, serving
from tuishare.api.messages import (
    CardText,
    Delivery,
    DeliveryState,
    Download,
    DownloadAction,
    DownloadId,
    DownloadState,
    DropChange,
    DropNamed,
    FileChoice,
    Finding,
    FolderQuery,
    GroupChange,
    IntroductionAccepted,
    IntroductionNamed,
    InvitationNamed,
    InvitationText,
    JoinerAnswer,
    JoinerState,
    Joining,
    NewInvitation,
    NewShare,
    NewUser,
    PathNamed,
    Reloaded,
    SettingChange,
    SettingsText,
    ShareAction,
    User,
    UserChange,
    UserKind,
    UsersToIntroduce,
)
from tuishare.api.operation import Role
from tuishare.errors import BadInput

KEYED = User(name="dora d", kind=UserKind.KEY, groups=("crew",))
WAITING = msgspec.structs.replace(
    DOWNLOAD, id=DownloadId("w1"), state=DownloadState.WAITING, sender="eve", name="film.mov", files=3
)
EVE = User(name="eve", kind=UserKind.CARD, fingerprint="EVE1", words="one two three")
SHOWN = msgspec.structs.replace(
    SNAPSHOT,
    shares=(
        msgspec.structs.replace(
            SHARE,
            note="for you",
            envelope="/out/x.torrent.encrypted",
            deliveries=(
                Delivery(user="bob", state=DeliveryState.DOWNLOADING, progress=0.5),
                Delivery(user="carol", state=DeliveryState.COMPLETE, progress=1.0, completed=NOW),
                Delivery(user="dan", state=DeliveryState.REVOKED, progress=0.1, revoked=NOW),
                Delivery(user="eve", state=DeliveryState.NOT_OPENED, progress=0.0),
            ),
        ),
    ),
    downloads=(DOWNLOAD, WAITING),
    people=msgspec.structs.replace(
        PEOPLE, users=(*PEOPLE.users, KEYED, EVE), introductions=(INTRODUCTION,), introduced_groups=("crew",)
    ),
    links=(LINK,),
)
DROP = "/home/alice/drop"


@pytest.fixture
async def site(folder: Path) -> AsyncIterator[Site]:
    agent = ScriptedAgent(SHOWN)
    agent.details = lambda _: DETAILS
    async with serving(folder, agent=agent) as site:
        yield site


@pytest.fixture
async def owner(site: Site) -> Browser:
    return await site.browser(Role.OWNER)


PAGES: list[tuple[str, tuple[str, ...]]] = [
    (
        "/shares",
        ("dailies-11-21", "@crew", "38.2 GB", "seeding", "1 of 3", "11.9 MB/s", STATUS.name, "1 problem"),
    ),
    ("/shares?filter=none", ("Nothing has this name",)),
    ("/shares?sort=size", ("dailies-11-21",)),
    (
        "/shares/a1",
        ("bob", "50 %", "complete", "revoked", "Pause", "Again", "Revoke …", "day 1/a.mov", "TLS"),
    ),
    (
        "/shares/a1",
        ("and 1,203 more files", "192.0.2.7:50007", "version", "for you", "carry the envelope", "eve"),
    ),
    ("/shares/a1/order/delete", ("Delete this share and its files?", "deleted from this disk", "Delete")),
    ("/shares/a1/order/pause", ("Pause this share?",)),
    ("/shares/a1/revoke", ("cannot recall", "bob", "has 50 %", "has all of it")),
    ("/shares/a1/privacy", ("DHT", "It is off.")),
    ("/shares/new?path=/films", ("3 files", "3.0 kB", "@crew", "2 members", "bob")),
    ("/downloads", ("contract-v3.pdf", "bob", "43 %", "needs approval", "800 kB/s")),
    ("/downloads/d1", ("downloading", "43 %", "Pause", "Delete …", "day 1/a.mov")),
    ("/downloads/w1/approve", ("film.mov", "eve", "one two three", "Approve once", "Approve always")),
    ("/downloads/w1/order/reject", ("Reject this download?", "not accepted again")),
    ("/envelopes/open?path=/x.torrent.encrypted", ("NAME.torrent.encrypted",)),
    (
        "/people",
        ("bob", "verified ✓", "dora d", "shared key", "@crew", "carol", "bob introduces carol", "open since"),
    ),
    ("/people/bob", ("Fingerprint", "IJKL MNOP", "open since", "192.0.2.7:50010", "dailies-11-21")),
    ("/people/dora%20d", ("shared key", "New key …", "accept raw files")),
    ("/people/bob/remove", ("Remove this user?", "what they send is rejected")),
    ("/people/bob/revoke", ("Revoke everywhere?", "cannot recall")),
    ("/people/dora%20d/key", ("Make a new key?",)),
    ("/groups/crew", ("bob", "dora d", "Introduce the present members now")),
    (f"/introductions/{INTRODUCTION.id}", ("bob introduces carol", "echo fern", "Decline")),
    ("/card", ("zoo zebra", "ABCD EFGH", "tuishare-card-v1:abc")),
    ("/card/replace", ("Replace your keys?", "thief")),
    ("/users/new", ("By a card", "By a key")),
    ("/invitations", ("bob", "open until", "Cancel it")),
    ("/invitations/new", ("Your name for them", "7d")),
    ("/join", ("Paste the invitation",)),
    ("/folders", (DROP, "watching", "@crew", "Change …")),
    (f"/folders/change?path={DROP}", (DROP, "@crew")),
    (f"/folders/remove?path={DROP}", ("Remove this drop folder?", "no longer shared")),
    ("/folders/new", ("Drop folder",)),
    ("/browse?for=drop&path=/films", ("/films", "a\ufffd/", "Choose this folder", "more than can be listed")),
    ("/activity", ("needs attention", "It is gone", "received", "contract-v3.pdf", "from bob")),
    ("/activity?filter=received", ("contract-v3.pdf",)),
    ("/settings", ("Your name", "Upload", "desktop notifications", "Downloads")),
    ("/settings/file", ('name = "alice" # me', "/home/alice/config.toml")),
    ("/doctor", ("Clock", "It is right", "✓")),
    ("/agent", (STATUS.name, "50007", "It is gone")),
    ("/account", ("owner", "Password", "Sessions")),
]


@pytest.mark.parametrize(("path", "words"), PAGES, ids=[path for path, _ in PAGES])
async def test_a_page_shows_what_the_agent_says(
    site: Site, owner: Browser, path: str, words: tuple[str, ...]
) -> None:
    site.desk.findings = [Finding(topic="Clock", good=True, evidence="It is right")]
    answer = await owner.get(path)
    assert answer.status == 200, answer.words
    text = answer.words.casefold()
    assert [word for word in words if word.casefold() not in text] == []


FORMS: list[tuple[str, Any, str, list[object]]] = [
    (
        "/shares/new",
        [
            ("path", " ~/films "),
            ("recipients", "@crew"),
            ("recipients", "bob"),
            ("note", "n"),
            ("plain", "yes"),
        ],
        "/shares/new",
        [NewShare(path="~/films", recipients=("@crew", "bob"), transport="plain", note="n")],
    ),
    *(  # type: ignore[list-item]
        (
            f"/shares/a1/order/{action}",
            {},
            "/shares" if action in {ShareAction.FORGET, ShareAction.DELETE} else "/shares/a1",
            [("a1", action)],
        )
        for action in ShareAction
    ),
    (
        "/shares/a1/revoke",
        [("users", "bob"), ("users", "eve")],
        "/shares/a1",
        [("a1", "revoke", "bob"), ("a1", "revoke", "eve")],
    ),
    *(  # type: ignore[list-item]
        (
            f"/downloads/d1/order/{action}",
            {},
            "/downloads" if action in {"forget", "delete", "reject"} else "/downloads/d1",
            [("d1", action)],
        )
        for action in DownloadAction
    ),
    (
        "/downloads/w1/approve",
        {"compared": "yes", "fingerprint": "EVE1"},
        "/downloads/w1",
        [
            ("eve", UserChange(name="eve", verified=True, fingerprint="EVE1")),
            ("w1", DownloadAction.APPROVE),
        ],
    ),
    (
        "/downloads/d1/files",
        [("total", "4"), ("wanted", "0"), ("wanted", "2")],
        "/downloads/d1",
        [("d1", FileChoice(unwanted=(1, 3)))],
    ),
    ("/envelopes/open", {"path": "/x.t"}, "/downloads", [("open", PathNamed(path="/x.t"))]),
    (
        "/users/new",
        {"name": "carol", "card": "tuishare-card-v1:abc", "groups": "@crew, family", "verified": "yes"},
        "",
        [NewUser(name="carol", card="tuishare-card-v1:abc", groups=("crew", "family"), verified=True)],
    ),
    ("/users/new", {"name": "carol", "key": "ab"}, "", [NewUser(name="carol", key="ab")]),
    (
        "/people/bob",
        {"ask-verified": "yes", "ask-introduces": "yes", "introduces": "yes", "groups": "crew new"},
        "/people/bob",
        [("bob", UserChange(name="bob", groups=("crew", "new"), verified=False, introduces=True))],
    ),
    ("/people/bob", {"ask-verified": "yes", "verified": "yes", "groups": "crew"}, "/people/bob", []),
    ("/people/bob/remove", {}, "/people", [("bob", "remove")]),
    ("/people/bob/revoke", {}, "/people/bob", [("bob", "revoke")]),
    ("/people/dora%20d/key", {}, "", [("dora d", "key")]),
    ("/groups/crew", {"introduce": "yes"}, "/groups/crew", [GroupChange(name="crew", introduce=True)]),
    ("/groups/crew", {}, "/groups/crew", [GroupChange(name="crew", introduce=False)]),
    ("/groups/crew/introduce", {}, "/groups/crew", [UsersToIntroduce(names=("@crew",))]),
    (
        f"/introductions/{INTRODUCTION.id}",
        {"name": "cc", "groups": "crew", "admitted": "yes", "always": "yes"},
        "/people/cc",
        [
            IntroductionAccepted(id=INTRODUCTION.id, name="cc", groups=("crew",), admitted=True),
            ("bob", UserChange(name="bob", introduces=True)),
        ],
    ),
    (
        f"/introductions/{INTRODUCTION.id}/decline",
        {},
        "/people",
        [(INTRODUCTION.id, IntroductionNamed(id=INTRODUCTION.id))],
    ),
    ("/card/replace", {}, "/card", [("QRST UVWX", "rotate")]),
    (
        "/invitations/cancel",
        {"id": INVITATION.id},
        "/invitations",
        [(INVITATION.id, InvitationNamed(id=INVITATION.id))],
    ),
    (
        "/invitations/answer",
        {"id": INVITATION.id, "fingerprint": "ABCD", "answer": "approve"},
        "/invitations",
        [(INVITATION.id, JoinerAnswer(id=INVITATION.id, fingerprint="ABCD", approve=True))],
    ),
    (
        "/invitations/answer",
        {"id": INVITATION.id, "fingerprint": "ABCD", "answer": "decline"},
        "/invitations",
        [(INVITATION.id, JoinerAnswer(id=INVITATION.id, fingerprint="ABCD", approve=False))],
    ),
    (
        "/join",
        {"invitation": "Hello,\ntuishare-invite-v1:a\nb-c\n"},
        "/people/alice",
        [InvitationText(text="tuishare-invite-v1:ab-c")],
    ),
    ("/join/cancel", {"id": "ef" * 16}, "/invitations", [("ef" * 16, InvitationNamed(id="ef" * 16))]),
    (
        "/folders/new",
        {"path": "~/drop", "recipients": "bob"},
        "/folders",
        [DropChange(path="~/drop", users=("bob",), transport="tls")],
    ),
    (
        "/folders/change",
        {"path": DROP, "recipients": "bob", "plain": "yes"},
        "/folders",
        [DropChange(path=DROP, users=("bob",), transport="plain")],
    ),
    ("/folders/remove", {"path": DROP}, "/folders", [DropNamed(path=DROP)]),
    (
        "/settings",
        {
            "name": "alicia",
            "notifications.desktop": "true",
            "before.inbox": "/in",
            "folders.inbox": "/new",
            "before.outbox": "/out",
            "folders.outbox": "/out",
        },
        "/settings",
        [SettingChange(key="name", value="alicia"), SettingChange(key="folders.inbox", value="/new")],
    ),
    (
        "/settings/file",
        {"text": 'name = "x"\n', "stamp": "ab12"},
        "/settings/file",
        [SettingsText(text='name = "x"\n', stamp="ab12")],
    ),
]


@pytest.mark.parametrize(
    ("path", "fields", "target", "orders"), FORMS, ids=[f"{n}-{form[0]}" for n, form in enumerate(FORMS)]
)
async def test_a_form_reaches_the_agent_as_it_was_filled_in(
    site: Site, owner: Browser, path: str, fields: Any, target: str, orders: list[object]
) -> None:
    answer = await owner.post(path, fields)
    assert site.agent.orders == orders, answer.words
    if path == "/shares/new":
        assert (answer.status, answer.location) == (303, "/shares/new")  # the scripted agent calls it “new”
    elif target:
        assert (answer.status, answer.location) == (303, target)
        followed = await owner.get(target.partition("/order")[0])
        assert followed.status in {200, 404}
    else:
        assert answer.status == 200


async def test_a_key_and_an_invitation_are_shown_once(site: Site, owner: Browser) -> None:
    assert "11" * 32 in (await owner.post("/users/new", {"name": "carol"})).words
    assert "22" * 32 in (await owner.post("/people/dora%20d/key")).words
    made = await owner.post("/invitations/new", {"name": "gil", "groups": "crew", "ends": "1d", "ask": "yes"})
    assert "tuishare-invite-v1:abc" in made.words
    assert "█" in made.text
    new = site.agent.orders[-1]
    assert isinstance(new, NewInvitation)
    assert (new.name, new.groups, new.uses, new.ask) == ("gil", ("crew",), 1, True)


async def test_a_card_is_compared_before_it_is_added(site: Site, owner: Browser) -> None:
    answer = await owner.post("/users/look", {"card": "here:\ntuishare-card-v1:a\nbc\n"})
    assert site.agent.orders == [CardText(card="tuishare-card-v1:abc")]
    assert CARD_SEEN.words in answer.words
    assert "You already have this card, as bob" in answer.words
    assert 'value="Bob"' in answer.text


async def test_one_who_asks_to_join_is_shown_with_their_words(site: Site, owner: Browser) -> None:
    asks = msgspec.structs.replace(JOINER, state=JoinerState.ASKS, user="")
    site.agent.invited = [msgspec.structs.replace(INVITATION, joiners=(asks,))]
    site.agent.joining = [Joining(id="ef" * 16, until=NOW, error="They are away")]
    words = (await owner.get("/invitations")).words
    for expected in ("asks to join", "a b c d", "192.0.2.7", "Approve", "Decline", "They are away"):
        assert expected in words


async def test_an_inviter_who_is_away_is_called_again(site: Site, owner: Browser) -> None:
    site.agent.answer_to_join = Joining(id="ef" * 16, until=NOW, error="They do not answer")
    answer = await owner.post("/join", {"invitation": "tuishare-invite-v1:ab"})
    assert answer.status == 200
    assert "Your agent calls again" in answer.words


REFUSED: list[tuple[str, Any, str]] = [
    ("/shares/new", {"path": "/x"}, "No recipient is selected"),
    ("/shares/new", {"recipients": "bob"}, "Nothing is named"),
    (
        "/shares/new",
        {"path": "/x", "recipients": "bob", "until": "yesterday"},
        "neither a date nor a duration",
    ),
    ("/shares/a1/revoke", {}, "No recipient is selected"),
    ("/shares/a1/order/explode", {}, "no such action"),
    ("/downloads/w1/approve", {}, "were not compared"),
    ("/downloads/d1/files", {"total": "-1"}, "not understood"),
    ("/downloads/d1/files", {"total": "3", "wanted": "١"}, "not understood"),
    ("/envelopes/open", {}, "No file is named"),
    ("/users/look", {"card": "hello"}, "begins with tuishare-card-v1:"),
    ("/users/new", {"card": "x"}, "No name is given"),
    ("/users/new", {"name": "x" * 300}, "1 to 256"),
    ("/invitations/new", {"uses": "0"}, "number from 1 to 1,000"),
    ("/invitations/new", {"uses": "3", "name": "bob"}, "cannot have one name"),
    ("/invitations/new", {"ends": "soon"}, "neither a date nor a duration"),
    ("/invitations/cancel", {"id": "x"}, "no invitation"),
    ("/join", {"invitation": "hello"}, "begins with tuishare-invite-v1:"),
    ("/folders/new", {"path": "/x"}, "No recipient is selected"),
    ("/folders/new", {"recipients": "bob"}, "No folder is named"),
    ("/settings", {"name": "x" * 5000}, "too long"),
    ("/people/nobody", {"groups": "x"}, "no such user"),
    ("/people/none/remove", {}, "no such thing"),
]


@pytest.mark.parametrize(
    ("path", "fields", "words"), REFUSED, ids=[f"{n}-{r[0]}" for n, r in enumerate(REFUSED)]
)
async def test_a_form_that_cannot_be_is_explained_and_keeps_what_was_typed(
    site: Site, owner: Browser, path: str, fields: Any, words: str
) -> None:
    answer = await owner.post(path, fields)
    assert answer.status in {400, 404}
    assert words in answer.words
    assert not [order for order in site.agent.orders if not isinstance(order, PathNamed | CardText)]


async def test_what_was_typed_stays_in_the_form(owner: Browser) -> None:
    answer = await owner.post(
        "/shares/new", [("path", "/x"), ("recipients", "bob"), ("note", "<b>"), ("until", "soon")]
    )
    assert 'value="/x"' in answer.text
    assert 'value="&lt;b&gt;"' in answer.text
    assert 'value="bob" checked' in answer.text
    assert 'value="@crew" checked' not in answer.text


class StubbornAgent(ScriptedAgent):
    async def change_setting(self, change: SettingChange) -> Reloaded:
        if change.key == "limits.upload":
            raise BadInput("That is no size", hint="Write 5MiB.")
        if change.key == "limits.download":
            raise NotImplementedError
        return await super().change_setting(change)


async def test_a_setting_that_is_refused_is_named_and_a_failure_is_one_sentence(folder: Path) -> None:
    async with serving(folder, agent=StubbornAgent()) as site:
        owner = await site.browser(Role.OWNER)
        answer = await owner.post("/settings", {"name": "alicia", "limits.upload": "fast"})
        assert answer.status == 400
        assert "limits.upload: That is no size. Write 5MiB." in answer.words
        assert 'value="fast"' in answer.text
        answer = await owner.post("/settings", {"limits.download": "fast"})
        assert answer.status == 500
        assert "NotImplemented" not in answer.words


async def test_what_is_not_there_is_not_found(owner: Browser) -> None:
    for path in (
        *(
            "/shares/zz",
            "/shares/zz/revoke",
            "/downloads/zz",
            "/downloads/d1/approve",
            "/people/zz",
            "/groups/zz",
        ),
        *(
            "/introductions/zz",
            "/folders/change?path=/zz",
            "/browse?for=zz",
            "/shares/a1/order/zz",
            "/people/bob/key",
        ),
    ):
        assert (await owner.get(path)).status == 404, path


async def test_browsing_asks_for_folders_where_only_folders_count(site: Site, owner: Browser) -> None:
    await owner.get("/browse?for=drop&path=/a%20b")
    await owner.get("/browse?for=share")
    assert site.agent.orders == [
        FolderQuery(path="/a b", folders_only=True, nearest=True),
        FolderQuery(path="~", folders_only=False, nearest=True),
    ]


async def test_an_operator_is_not_offered_what_only_the_owner_may(site: Site) -> None:
    operator = await site.browser(Role.OPERATOR)
    for path, absent in (
        ("/people", ("Invite", "Add a user")),
        ("/people/bob", ("Remove", "Revoke everywhere", "New card")),
        ("/card", ("Replace my keys",)),
        ("/groups/crew", ("Introduce",)),
        ("/downloads/w1/approve", ("Approve always",)),
        ("/shares", ("Settings", "Doctor")),
    ):
        answer = await operator.get(path)
        assert answer.status == 200
        assert [word for word in absent if word in answer.words] == []


async def test_a_name_that_is_hostile_is_text_everywhere(folder: Path) -> None:
    name = "<img src=x onerror=alert(1)>\u202e\x1b[2J"
    download: Download = msgspec.structs.replace(DOWNLOAD, name=name, note=name, sender=name, detail=name)
    shown = msgspec.structs.replace(
        SHOWN, downloads=(download,), shares=(msgspec.structs.replace(SHOWN.shares[0], name=name, note=name),)
    )
    async with serving(folder, agent=ScriptedAgent(shown)) as site:
        browser = await site.browser(Role.OWNER)
        for path in (
            "/shares",
            "/shares/a1",
            "/shares/a1/order/delete",
            "/downloads",
            "/downloads/d1",
            "/people/bob",
        ):
            text = (await browser.get(path)).text
            assert "<img" not in text
            assert "\x1b" not in text
            assert "\u202e" not in text


async def test_the_agent_is_started_by_the_command_that_serves_the_page(site: Site, owner: Browser) -> None:
    assert (await owner.post("/agent/start")).location == "/shares"
    assert site.desk.starts == 1
