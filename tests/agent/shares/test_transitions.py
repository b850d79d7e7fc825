"""The steps of a share: every step meets every event, and the table says what follows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import pytest

from tests.agent.homes import fill
from tuishare.agent.folders.fingerprint import tree_fingerprint, walk_payload
from tuishare.agent.shares import transitions
from tuishare.agent.shares.transitions import TRANSITIONS, ShareEvent, ShareTarget
from tuishare.core.clock import wall_clock
from tuishare.core.records import IllegalTransition, ShareRecord, ShareStep
from tuishare.torrents import Tree, make_torrent, parse_torrent

TARGET = ShareTarget(("carol",), "plain")
KINDS: tuple[Literal["share", "renew"], ...] = ("share", "renew")


@cache
def hashed() -> tuple[Tree, bytes]:
    """A payload that is gone from the disk again, and its torrent."""
    with TemporaryDirectory() as folder:
        tree = walk_payload(fill(Path(folder) / "x"), "")
        return tree, make_torrent(tree, version=1)


CALLS: dict[ShareEvent, Callable[[ShareRecord], ShareRecord]] = {
    ShareEvent.HASHED: lambda share: transitions.after_hashing(share, *hashed(), wall_clock()),
    ShareEvent.SEALED: lambda share: transitions.after_sealing(share, ("192.0.2.1:7",)),
    ShareEvent.ENTRY_CHANGED: transitions.after_entry_change,
    ShareEvent.PAYLOAD_CHANGED: transitions.after_payload_change,
    ShareEvent.SETTLED: lambda share: transitions.after_settling(share, hashed()[0]),
    ShareEvent.RENAMED: lambda share: transitions.rename(share, hashed()[0], "y", wall_clock()),
    ShareEvent.REISSUED: lambda share: transitions.reissue(share, wall_clock()),
    ShareEvent.RECIPIENTS_CHANGED: lambda share: transitions.change_recipients(share, TARGET, wall_clock()),
    ShareEvent.FAILED: lambda share: transitions.fail(share, "It failed", "Try again."),
    ShareEvent.PAUSED: transitions.pause,
    ShareEvent.RESUMED: transitions.resume,
    ShareEvent.SHARED_AGAIN: transitions.share_again,
    ShareEvent.FORGOTTEN: lambda share: transitions.forget(share, "seen"),
    ShareEvent.DELETION_ORDERED: transitions.order_deletion,
    ShareEvent.DELETION_FAILED: lambda share: transitions.fail_deletion(share, "It is busy", ""),
    ShareEvent.WITHDRAWN: transitions.withdraw,
}


def shares(step: ShareStep) -> Iterator[ShareRecord]:
    """Shares in one step that differ in all that a transition may look at."""
    tree, torrent = hashed()
    contents = (
        {"torrent": b"", "fingerprint": "", "info_hash": ""},
        {
            "torrent": torrent,
            "fingerprint": tree_fingerprint(tree),
            "info_hash": parse_torrent(torrent).info_hash,
        },
        {"torrent": torrent, "fingerprint": "another", "info_hash": "ab" * 20},
        {"torrent": torrent, "fingerprint": "", "info_hash": parse_torrent(torrent).info_hash},
    )
    base = ShareRecord(
        "ab" * 16, "/drop/x", "x", ("bob",), "plain", 1, bytes(32), generation=3, step=step, paused=True
    )
    for content, sealed, kind, folder in product(contents, (0, 2, 3), KINDS, ("", "/drop")):
        yield replace(base, sealed=sealed, kind=kind, folder=folder, **content)  # type: ignore[arg-type]


def test_every_event_has_its_function() -> None:
    assert set(CALLS) == set(ShareEvent)


@pytest.mark.parametrize("event", ShareEvent)
@pytest.mark.parametrize("step", ShareStep)
def test_every_step_with_every_event(step: ShareStep, event: ShareEvent) -> None:
    expected = TRANSITIONS.targets(step, event)
    if not expected:
        for share in shares(step):
            with pytest.raises(IllegalTransition):
                CALLS[event](share)
        return
    # Only a share that was hashed is looked for under another name.
    usual = (share for share in shares(step) if share.torrent or event is not ShareEvent.RENAMED)
    assert {CALLS[event](share).step for share in usual} == expected


@pytest.mark.parametrize(("step", "event", "targets"), TRANSITIONS)
def test_a_problem_stays_with_the_step_that_had_it(
    step: ShareStep, event: ShareEvent, targets: frozenset[ShareStep]
) -> None:
    if event in {ShareEvent.FAILED, ShareEvent.DELETION_FAILED}:
        return
    for share in shares(step):
        if share.torrent or event is not ShareEvent.RENAMED:
            after = CALLS[event](replace(share, problem="It failed", hint="Try again."))
            assert after.step in targets
            assert after.step is step or (after.problem, after.hint) == ("", "")


def test_what_was_made_by_hand_is_left_alone() -> None:
    assert not any(TRANSITIONS.targets(ShareStep.MANUAL, event) for event in ShareEvent)


def test_a_new_share_is_hashed_first() -> None:
    share = transitions.new_share(hashed()[0], replace(TARGET, note="for you", not_after=9), wall_clock())
    assert (share.step, share.name, share.recipients) == (TRANSITIONS.initial, "x", ("carol",))
    assert (share.note, share.not_after, share.generation, share.sealed) == ("for you", 9, 1, 0)


def seeded() -> ShareRecord:
    """A share that is seeded in its third generation, as it was hashed."""
    return next(
        share
        for share in shares(ShareStep.SEEDING)
        if share.sealed == 3 and share.fingerprint == tree_fingerprint(hashed()[0])
    )


def test_the_same_content_is_no_new_generation() -> None:
    hashing = replace(seeded(), step=ShareStep.HASHING)
    again = transitions.after_hashing(hashing, *hashed(), wall_clock())
    assert (again.step, again.generation) == (ShareStep.SEEDING, 3)
    other = transitions.after_hashing(replace(hashing, info_hash="ab" * 20), *hashed(), wall_clock())
    assert (other.step, other.generation, other.kind) == (ShareStep.SEALING, 4, "share")
    first = transitions.after_hashing(replace(hashing, info_hash="", sealed=0), *hashed(), wall_clock())
    assert (first.step, first.generation) == (ShareStep.SEALING, 3)


def test_new_tickets_keep_the_content_and_replace_the_secret() -> None:
    reissued = transitions.reissue(seeded(), wall_clock())
    assert (reissued.step, reissued.generation, reissued.kind) == (ShareStep.SEALING, 4, "renew")
    assert reissued.secret != seeded().secret
    assert reissued.torrent == seeded().torrent
    # A recipient who was never told of the content needs more than a ticket.
    assert transitions.reissue(replace(seeded(), sealed=2), wall_clock()).kind == "share"
    assert transitions.reissue(replace(seeded(), sealed=2, kind="renew"), wall_clock()).kind == "renew"


def test_another_transport_needs_another_torrent() -> None:
    changed = transitions.change_recipients(replace(seeded(), transport="tls"), TARGET, wall_clock())
    assert (changed.step, changed.fingerprint, changed.recipients) == (ShareStep.HASHING, "", ("carol",))
    assert TARGET.matches(changed)
    assert not TARGET.matches(seeded())


def test_what_settles_as_it_was_is_not_hashed_again() -> None:
    tree, _ = hashed()
    settling = transitions.after_entry_change(seeded())
    assert transitions.after_settling(settling, tree).step is ShareStep.SEEDING
    assert transitions.after_settling(replace(settling, sealed=2), tree).step is ShareStep.SEALING
    assert transitions.after_settling(seeded(), tree) == seeded()
    doubted = transitions.after_payload_change(seeded())
    assert transitions.after_settling(doubted, tree).step is ShareStep.HASHING


def test_what_was_withdrawn_comes_back_as_a_new_generation() -> None:
    tree, _ = hashed()
    withdrawn = transitions.withdraw(seeded())
    restored = transitions.after_settling(withdrawn, tree)
    assert (restored.step, restored.generation, restored.kind) == (ShareStep.SEALING, 4, "renew")
    touched = transitions.after_settling(replace(withdrawn, fingerprint="another"), tree)
    assert (touched.step, touched.generation) == (ShareStep.HASHING, 4)
    recovered = transitions.after_settling(replace(withdrawn, fingerprint="", torrent=b""), tree)
    assert (recovered.step, recovered.generation) == (ShareStep.HASHING, 3)


def test_a_renamed_folder_needs_no_hashing() -> None:
    tree, _ = hashed()
    moved = transitions.rename(replace(seeded(), name="old", path="/drop/old"), tree, "new", wall_clock())
    assert (moved.step, moved.generation, moved.envelope) == (ShareStep.SEALING, 4, "new")
    assert (moved.name, moved.path) == (tree.name, str(tree.root))
    edited = transitions.rename(replace(seeded(), fingerprint="another"), tree, "new", wall_clock())
    assert (edited.step, edited.generation) == (ShareStep.HASHING, 3)


def test_what_is_forgotten_keeps_the_form_that_is_not_to_be_shared() -> None:
    forgotten = transitions.forget(replace(seeded(), folder="/drop"), "as it is now")
    assert (forgotten.step, forgotten.fingerprint, forgotten.torrent) == (
        ShareStep.FORGOTTEN,
        "as it is now",
        b"",
    )
    assert transitions.forget(replace(seeded(), folder=""), "").fingerprint == seeded().fingerprint


def test_sharing_again_seals_whatever_the_content_is() -> None:
    again = transitions.share_again(seeded())
    assert (again.step, again.sealed, again.paused) == (ShareStep.HASHING, 0, False)
    assert transitions.after_hashing(again, *hashed(), wall_clock()).step is ShareStep.SEALING
