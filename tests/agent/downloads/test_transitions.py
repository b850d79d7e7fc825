"""The steps of a download: every step meets every event, and the table says what follows; and how one begins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.agent.download_pipelines import judge
from tests.agent.homes import Home, fill, seal_manifest, share_of
from tuishare.agent.downloads import transitions
from tuishare.agent.downloads.files import DownloadFiles
from tuishare.agent.downloads.transitions import (
    TRANSITIONS,
    ArrivedEnvelope,
    DownloadEvent,
    new_download,
    supersede,
)
from tuishare.config.model import load_config
from tuishare.core.records import DownloadRecord, DownloadStep, IllegalTransition, TrackerAddress
from tuishare.envelope import Announce, Ticket
from tuishare.errors import Refused

ARRIVAL = ArrivedEnvelope("x.torrent.encrypted", b"d" * 32)
RECORD = DownloadRecord("id", "x", 1, DownloadStep.DOWNLOADING)
NEWER = replace(RECORD, envelope="y", generation=2, contacts=("192.0.2.1:7",), leaf_key=b"k")
CALLS: dict[DownloadEvent, Callable[[DownloadRecord], DownloadRecord]] = {
    DownloadEvent.HELD: lambda record: transitions.hold(record, "Not verified", "Verify.", conflict="other"),
    DownloadEvent.ADMITTED: transitions.admit,
    DownloadEvent.APPROVED: transitions.approve,
    DownloadEvent.RENEWED: lambda record: transitions.adopt_tickets(record, NEWER),
    DownloadEvent.QUEUED: lambda record: transitions.enqueue(record, "No slot"),
    DownloadEvent.STARTED: transitions.start,
    DownloadEvent.FETCHED: lambda record: transitions.begin_delivery(record, "/d/x"),
    DownloadEvent.PLACE_TAKEN: lambda record: transitions.choose_other_place(record, "/d/x (2)"),
    DownloadEvent.DELIVERED: lambda record: transitions.mark_complete(record, "seen", 9),
    DownloadEvent.FAILED: lambda record: transitions.fail(record, "It failed", "Try again."),
    DownloadEvent.RETRIED: transitions.retry,
    DownloadEvent.YIELDED: lambda record: transitions.yield_to(
        record, "other", "It rests", "Forget the other."
    ),
    DownloadEvent.CONFLICT_ENDED: transitions.clear_conflict,
    DownloadEvent.PAUSED: transitions.pause,
    DownloadEvent.RESUMED: transitions.resume,
}


def test_every_event_has_its_function() -> None:
    assert set(CALLS) == set(DownloadEvent)


@pytest.mark.parametrize("event", DownloadEvent)
@pytest.mark.parametrize("step", DownloadStep)
def test_every_step_with_every_event(step: DownloadStep, event: DownloadEvent) -> None:
    fetched = replace(RECORD, step=step, staging="/d/s")
    delivering, complete = replace(fetched, path="/d/x"), replace(fetched, path="/d/x", staging="")
    # Whatever failed may have been anywhere: its place is chosen when delivery begins, and that empties the staging.
    records = {
        DownloadStep.DELIVERING: [delivering],
        DownloadStep.COMPLETE: [complete],
        DownloadStep.PROBLEM: [fetched, delivering, complete],
    }.get(step, [fetched])
    expected = TRANSITIONS.targets(step, event)
    if expected:
        assert {CALLS[event](record).step for record in records} == expected
        return
    for record in records:
        with pytest.raises(IllegalTransition):
            CALLS[event](record)


@pytest.mark.parametrize(("step", "event", "targets"), TRANSITIONS)
def test_a_problem_stays_with_the_step_that_had_it(
    step: DownloadStep, event: DownloadEvent, targets: frozenset[DownloadStep]
) -> None:
    failed = replace(RECORD, step=step, problem="It failed", hint="Try again.")
    after = CALLS[event](failed)
    assert after.step in targets
    if event in {DownloadEvent.HELD, DownloadEvent.QUEUED, DownloadEvent.YIELDED, DownloadEvent.FAILED}:
        return  # these say why
    if after.step is not step or event is DownloadEvent.CONFLICT_ENDED:
        assert (after.problem, after.hint) == ("", "")
    else:
        assert (after.problem, after.hint) == ("It failed", "Try again.")


def test_a_failed_delivery_is_not_downloaded_again() -> None:
    delivering = transitions.begin_delivery(replace(RECORD, staging="/d/s"), "/d/x")
    again = transitions.retry(transitions.fail(delivering, "It is full", "Make space."))
    assert (again.step, again.path, again.problem) == (DownloadStep.DELIVERING, "/d/x", "")
    complete = transitions.mark_complete(delivering, "seen", 9)
    assert transitions.retry(transitions.fail(complete, "It cannot be seeded", "")) == complete
    assert transitions.retry(transitions.fail(RECORD, "It is gone", "")).step is DownloadStep.DOWNLOADING


def test_what_is_complete_forgets_how_it_got_there() -> None:
    delivering = transitions.begin_delivery(replace(RECORD, staging="/d/s", replaces="/d/x"), "/d/x")
    done = transitions.mark_complete(delivering, "seen", 9)
    assert (done.step, done.path, done.fingerprint, done.completed) == (
        DownloadStep.COMPLETE,
        "/d/x",
        "seen",
        9,
    )
    assert (done.staging, done.replaces, done.replaces_fingerprint) == ("", "", "")


def test_what_rests_for_another_download_says_so_unless_it_needs_no_swarm() -> None:
    rests = transitions.yield_to(RECORD, "other", "It rests", "")
    assert (rests.step, rests.conflict, rests.problem) == (DownloadStep.QUEUED, "other", "It rests")
    alone = transitions.clear_conflict(rests)
    assert (alone.step, alone.conflict, alone.problem) == (DownloadStep.QUEUED, "", "")
    delivering = transitions.begin_delivery(RECORD, "/d/x")
    assert transitions.yield_to(delivering, "other", "It rests", "") == replace(delivering, conflict="other")


def test_new_tickets_leave_the_step_and_the_files_alone() -> None:
    done = replace(RECORD, step=DownloadStep.COMPLETE, path="/d/x", paused=True)
    renewed = transitions.adopt_tickets(done, NEWER)
    assert (renewed.step, renewed.path, renewed.paused) == (DownloadStep.COMPLETE, "/d/x", True)
    assert (renewed.envelope, renewed.generation, renewed.contacts) == ("y", 2, ("192.0.2.1:7",))
    assert renewed.leaf_key == b"k"


def test_approving_ends_every_reason_to_wait() -> None:
    held = transitions.hold(
        replace(RECORD, step=DownloadStep.WAITING, paused=True), "Why", "How", conflict="other"
    )
    approved = transitions.approve(held)
    assert (approved.step, approved.paused, approved.conflict) == (DownloadStep.DOWNLOADING, False, "")
    assert (approved.problem, approved.hint) == ("", "")


def begun(alice: Home, bob: Home, data: bytes) -> DownloadRecord:
    return new_download(judge(alice, bob, data), ARRIVAL, DownloadFiles(load_config(bob.places).folders), 7)


def test_a_record_says_all_that_the_envelope_said(alice: Home, bob: Home) -> None:
    share = share_of(fill(alice.drop / "film.mkv"), generation=3)
    url = "https://tracker.example.org/announce/{passkey}"
    ticket = Ticket(b"p" * 32, share.leaf_certificate, share.leaf_key)
    data = seal_manifest(
        alice,
        share,
        bob.user(),
        ticket=ticket,
        contacts=("192.0.2.1:7",),
        announce=(Announce(url, b"k" * 32),),
    )
    record = begun(alice, bob, data)
    assert (record.envelope, record.envelope_hash, record.added) == (ARRIVAL.envelope, ARRIVAL.digest, 7)
    assert (record.sender, record.signer, record.share) == ("alice", alice.identity.signer, share.id)
    assert (record.name, record.generation, record.info_hash) == ("film.mkv", 3, share.info_hash)
    assert record.contacts == ("192.0.2.1:7",)
    assert record.trackers == (
        TrackerAddress(url.replace("{passkey}", (b"p" * 32).hex()), (b"k" * 32).hex()),
    )
    assert (record.root_certificate, record.leaf_key) == (share.root_certificate, share.leaf_key)
    assert record.staging.endswith(f"{record.id}-3")
    assert record.step is TRANSITIONS.initial


def test_a_ticket_that_cannot_work_is_refused(alice: Home, bob: Home) -> None:
    share = share_of(fill(alice.drop / "x"))
    with pytest.raises(Refused, match="certificate"):
        begun(alice, bob, seal_manifest(alice, share, bob.user(), ticket=Ticket(bytes(32), None, None)))


def test_a_new_generation_replaces_what_was_delivered_or_was_to_be_replaced() -> None:
    done = replace(RECORD, step=DownloadStep.COMPLETE, path="/d/x", fingerprint="s")
    under_way = replace(RECORD, replaces="/d/y", replaces_fingerprint="t")
    assert supersede(RECORD, None) == RECORD
    for former, wanted in ((done, ("/d/x", "s")), (under_way, ("/d/y", "t"))):
        record = supersede(RECORD, former)
        assert (record.replaces, record.replaces_fingerprint) == wanted


def test_a_choice_of_files_is_of_that_content_alone() -> None:
    chosen = replace(RECORD, info_hash="a" * 64, unwanted=(0, 2))
    assert supersede(replace(RECORD, info_hash="a" * 64), chosen).unwanted == (0, 2)
    assert supersede(replace(RECORD, info_hash="b" * 64), chosen).unwanted == ()
