"""Taking somebody out of a share whatever it is doing: he never gets a ticket again, and everybody else does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.agent.homes import Home, fill, is_idle, make_home
from tests.agent.share_pipelines import Press, publishing_at
from tests.waiting import wait_until
from tuishare.agent.shares import outbox, pipeline
from tuishare.agent.shares.commands import ShareCommands
from tuishare.core.records import ShareRecord, ShareStep
from tuishare.envelope import CardKey, NotForUs, OpeningKey, UserKey, open_envelope
from tuishare.errors import SystemFailed, TuishareError
from tuishare.fs.atomic import publish
from tuishare.people import User

KEY = bytes(range(32))


@pytest.fixture
def carol(root: Path, alice: Home, bob: Home) -> Home:
    home = make_home(root, "carol")
    alice.know(bob.user(), home.user())
    return home


@dataclass
class Desk:
    """A sender at work, with one share."""

    press: Press
    commands: ShareCommands
    path: Path

    @property
    def share(self) -> ShareRecord:
        return self.press.find(self.path)

    @property
    def holders(self) -> set[str]:
        """Whom the tracker would answer."""
        return set(self.press.queue._repository.deliveries.passkeys(self.share.id).values())

    async def revoke(self, user: str = "bob") -> None:
        await self.commands.revoke(self.share.id, user)

    async def served(self) -> ShareRecord:
        queue = self.press.queue

        def done() -> bool:
            due = queue._repository.deliveries.needs_reissue(self.share)
            there = self.press.served == {self.share.info_hash}
            return is_idle(queue) and self.share.step is ShareStep.SEEDING and there and not due

        await wait_until(done, seconds=30)
        assert self.share.sealed == self.share.generation
        return self.share

    async def accept(self, *users: str) -> None:
        await self.press.accept(self.path, users=users or ("bob", "carol"))


@asynccontextmanager
async def at_work(alice: Home) -> AsyncIterator[Desk]:
    async with publishing_at(alice) as press:
        yield Desk(press, press.parts.commands, alice.drop / "x")


def card(home: Home) -> CardKey:
    return CardKey(home.identity.private_key)


def opens(envelope: bytes, key: OpeningKey) -> bool:
    try:
        open_envelope(envelope, [key])
    except NotForUs:
        return False
    return True


def newest(alice: Home) -> bytes:
    (envelope,) = alice.outbox.iterdir()
    return envelope.read_bytes()


class Stop:
    """Lets one piece of work wait until it may go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str, *, after: bool) -> None:
        self.reached, self.go_on = threading.Event(), threading.Event()
        module = outbox if name == "publish" else pipeline
        self._work: Callable[..., Any] = getattr(module, name)
        self._after = after
        monkeypatch.setattr(module, name, self)

    def __call__(self, *args: Any, **more: Any) -> Any:
        done = self._work(*args, **more) if self._after else None
        if not self.go_on.is_set():
            self.reached.set()
            assert self.go_on.wait(30)
        return done if self._after else self._work(*args, **more)


@pytest.mark.parametrize(
    ("work", "after"),
    [
        ("make_torrent", True),
        ("seal_share", False),
        ("seal_share", True),
        ("publish", False),
        ("publish", True),
    ],
)
async def test_while_new_content_is_made(
    alice: Home, bob: Home, carol: Home, monkeypatch: pytest.MonkeyPatch, work: str, after: bool
) -> None:
    async with at_work(alice) as desk:
        fill(desk.path)
        await desk.accept()
        former = await desk.served()
        (alice.outbox / former.envelope).unlink()
        fill(desk.path)
        stop = Stop(monkeypatch, work, after=after)
        await desk.accept()
        await wait_until(stop.reached.is_set)
        revoking = asyncio.create_task(desk.revoke())
        await wait_until(lambda: desk.holders <= {"carol"} and not desk.press.served)
        done, _ = await asyncio.wait({revoking}, timeout=10.0 if work != "publish" else 0.5)
        # An envelope whose writing has begun is waited for: it must not replace the next one.
        assert bool(done) is (work != "publish")
        stop.go_on.set()
        await revoking
        share = await desk.served()
        assert share.root_certificate != former.root_certificate
        assert share.generation == 3
        assert desk.holders == {"carol"}
        assert [opens(newest(alice), card(home)) for home in (bob, carol)] == [False, True]


async def test_an_envelope_that_is_ready_is_given_to_nobody_who_was_taken_out_meanwhile(
    alice: Home, bob: Home, carol: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[bytes] = []

    def note(path: Path, data: bytes, **more: Any) -> None:
        given.append(data)
        publish(path, data, **more)

    async with at_work(alice) as desk:
        fill(desk.path)
        await desk.accept()
        await desk.served()
        fill(desk.path)
        monkeypatch.setattr(outbox, "publish", note)
        stop = Stop(monkeypatch, "seal_share", after=True)
        await desk.accept()
        await wait_until(stop.reached.is_set)
        await desk.revoke()
        stop.go_on.set()
        await desk.served()
    assert [opens(data, card(bob)) for data in given] == [False]


async def test_while_it_enters_the_swarm_nobody_is_served_by_the_old_authority(
    alice: Home, bob: Home, carol: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_work(alice) as desk:
        fill(desk.path)
        await desk.accept()
        former = await desk.served()
    stop = Stop(monkeypatch, "walk_payload", after=True)
    async with at_work(alice) as desk:
        await wait_until(stop.reached.is_set)
        roots: list[bytes] = []
        enter = desk.press.queue._repository.start_seeding

        async def note(share: ShareRecord) -> None:
            roots.append(share.root_certificate)
            await enter(share)

        monkeypatch.setattr(desk.press.queue._repository, "start_seeding", note)
        await desk.revoke()
        stop.go_on.set()
        share = await desk.served()
        assert share.generation == 2
        assert roots == [share.root_certificate] != [former.root_certificate]


async def test_it_is_renewed_while_something_else_is_hashed_for_hours(
    alice: Home, bob: Home, carol: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_work(alice) as desk:
        fill(desk.path)
        await desk.accept()
        await desk.served()
        stop = Stop(monkeypatch, "make_torrent", after=True)
        other = fill(alice.drop / "film")
        await desk.press.accept(other)
        await wait_until(stop.reached.is_set)
        await desk.revoke()
        await wait_until(lambda: desk.share.sealed == 2)
        assert desk.press.served == {desk.share.info_hash}
        stop.go_on.set()
        await desk.press.until(other, ShareStep.SEEDING)


async def test_two_in_a_row_make_one_renewal_after_another(alice: Home, bob: Home, carol: Home) -> None:
    """Whoever is downloading must not begin anew because the first one never went out."""
    dan = User("dan", key=KEY)
    alice.know(bob.user(), carol.user(), dan)
    async with at_work(alice) as desk:
        fill(desk.path)
        await desk.accept("bob", "carol", "dan")
        await desk.served()
        for user in ("bob", "carol"):
            await desk.revoke(user)
        share = await desk.served()
        assert open_envelope(newest(alice), [UserKey(KEY)]).manifest.kind == share.kind == "renew"
        assert not any(opens(newest(alice), card(home)) for home in (bob, carol))


async def rest_in(desk: Desk, step: ShareStep, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bring the share, which is being served, there."""
    admission = desk.press.admission
    match step:
        case ShareStep.SETTLING:
            await admission.stop_if_changed(desk.path, "another")
        case ShareStep.WITHDRAWN:
            await desk.commands.withdraw(desk.path)
        case _:
            await admission.record_error(desk.path, SystemFailed("It cannot be read"))
            monkeypatch.setattr(admission, "knows", lambda *_: False)
    assert desk.share.step is step


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("step", [ShareStep.SETTLING, ShareStep.WITHDRAWN, ShareStep.PROBLEM])
async def test_while_it_rests(
    alice: Home, bob: Home, carol: Home, monkeypatch: pytest.MonkeyPatch, step: ShareStep, restarted: bool
) -> None:
    async with at_work(alice) as desk:
        fill(desk.path)
        await desk.accept()
        former = await desk.served()
        await rest_in(desk, step, monkeypatch)
        if restarted:  # right after it was recorded
            await desk.press.queue._repository.deliveries.revoke(desk.share, "bob")
        else:
            await desk.revoke()
            if step is ShareStep.PROBLEM:
                await desk.served()  # a problem is tried again at once
            else:
                assert desk.share.step is step
                assert desk.press.served == set()
    async with at_work(alice) as desk:
        await desk.commands.finish()
        await desk.accept()
        share = await desk.served()
        assert (share.kind, share.info_hash) == ("renew", former.info_hash)
        assert share.root_certificate != former.root_certificate
        assert desk.holders == {"carol"}
        assert [opens(newest(alice), card(home)) for home in (bob, carol)] == [False, True]


async def test_asking_again_and_again_does_not_hold_up_what_follows(
    alice: Home, bob: Home, carol: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_work(alice) as desk:
        fill(desk.path)
        await desk.accept()
        await desk.served()
        stop = Stop(monkeypatch, "seal_share", after=False)
        await desk.revoke()
        await wait_until(stop.reached.is_set)
        work = desk.press.queue._at_work[desk.share.id]
        await desk.revoke()
        assert desk.press.queue._at_work[desk.share.id] is work
        stop.go_on.set()
        assert (await desk.served()).generation == 2


async def test_the_last_one(alice: Home, bob: Home) -> None:
    async with at_work(alice) as desk:
        fill(desk.path)
        await desk.accept("bob")
        former = await desk.served()
        await desk.revoke()
        share = await desk.served()
        assert (share.generation, share.problem, desk.holders) == (2, "", set())
        assert share.root_certificate != former.root_certificate
        assert not opens(newest(alice), card(bob))
        assert opens(newest(alice), card(alice))


async def test_again_and_again_and_after_sharing_again(alice: Home, bob: Home, carol: Home) -> None:
    async with at_work(alice) as desk:
        fill(desk.path)
        await desk.accept()
        await desk.served()
        for _ in range(2):
            await desk.revoke()
            assert (await desk.served()).generation == 2
        await desk.commands.share_again(desk.share.id)
        await desk.served()
        assert desk.holders == {"carol"}
        assert [opens(newest(alice), card(home)) for home in (bob, carol)] == [False, True]
        await desk.revoke()
        assert (await desk.served()).generation == 3


def removed(alice: Home, _bob: Home, carol: Home) -> None:
    alice.know(carol.user(groups=("crew",)))


def written_otherwise(alice: Home, bob: Home, carol: Home) -> None:
    alice.know(carol.user(groups=("crew",)), bob.user(name="BOB", groups=("crew",)))


def renamed(alice: Home, bob: Home, carol: Home) -> None:
    alice.know(carol.user(groups=("crew",)), bob.user(name="robert", groups=("crew",)))


@pytest.mark.parametrize("users", [("bob", "carol"), ("@crew",)], ids=["by name", "by group"])
@pytest.mark.parametrize("change", [removed, written_otherwise, renamed])
@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
async def test_somebody_who_is_in_the_user_book_no_longer_or_otherwise(
    alice: Home,
    bob: Home,
    carol: Home,
    change: Callable[[Home, Home, Home], None],
    before: bool,
    users: tuple[str, ...],
) -> None:
    alice.know(bob.user(groups=("crew",)), carol.user(groups=("crew",)))
    async with at_work(alice) as desk:
        fill(desk.path)
        await desk.accept(*users)
        await desk.served()
        if before:
            change(alice, bob, carol)
        await desk.revoke()
        share = await desk.served()
        if not before:
            change(alice, bob, carol)
        await desk.commands.reissue(share.id)
        await desk.served()
        assert [opens(newest(alice), card(home)) for home in (bob, carol)] == [False, True]


async def test_somebody_with_a_key(alice: Home, bob: Home) -> None:
    alice.know(bob.user(), User("carl", key=KEY))
    async with at_work(alice) as desk:
        fill(desk.path)
        await desk.accept("bob", "carl")
        await desk.served()
        assert opens(newest(alice), UserKey(KEY))
        await desk.revoke("carl")
        await desk.served()
        assert [opens(newest(alice), key) for key in (card(bob), UserKey(KEY))] == [True, False]


async def test_a_new_key_lets_nobody_in_again(alice: Home, bob: Home) -> None:
    newer = bytes(reversed(KEY))
    alice.know(bob.user(groups=("crew",)), User("carl", key=KEY, groups=("crew",)))
    async with at_work(alice) as desk:
        fill(desk.path)
        await desk.accept("@crew")
        await desk.served()
        await desk.revoke("carl")
        share = await desk.served()
        alice.know(bob.user(groups=("crew",)), User("carl", key=newer, groups=("crew",)))
        await desk.commands.reissue(share.id)
        await desk.served()
        assert [opens(newest(alice), key) for key in (card(bob), UserKey(newer))] == [True, False]


async def test_whoever_never_had_a_ticket_is_not_found(alice: Home, bob: Home) -> None:
    async with at_work(alice) as desk:
        fill(desk.path)
        await desk.accept("bob")
        before = await desk.served()
        with pytest.raises(TuishareError, match="not for that user"):
            await desk.revoke("carol")
        assert desk.share == replace(before)
