from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.api.samples import DOWNLOAD, NOW, SHARE
from tuishare.api.messages import (
    Delivery,
    DeliveryState,
    DownloadState,
    Handover,
    HandoverState,
    ReceiptState,
    Share,
    ShareState,
    Unanswered,
)
from tuishare.core.faults import Fault
from tuishare.presentation.transfers import (
    count_delivered,
    describe_delivered,
    describe_delivery,
    describe_end,
    describe_holding,
    describe_reports,
    describe_share_state,
    describe_unanswered,
    explain_download_state,
    explain_share_state,
    name_sender,
)

HANDED = Handover(state=HandoverState.HANDED_OVER, at=4)
REFUSED = Handover(state=HandoverState.REFUSED, detail="quota")
WAITING = Handover(state=HandoverState.WAITING)
SILENT = Handover(state=HandoverState.WAITING, addresses=2, tried=9)


def test_hashing_shows_how_far_it_is() -> None:
    hashing = msgspec.structs.replace(SHARE, state=ShareState.HASHING, progress=0.649)
    assert describe_share_state(hashing) == "hashing 64 %"
    assert describe_share_state(SHARE) == "seeding"


def test_a_problem_takes_the_place_of_its_state_where_it_is_explained() -> None:
    share = msgspec.structs.replace(SHARE, state=ShareState.PROBLEM, detail="changed on disk")
    assert describe_share_state(share) == "problem"
    assert explain_share_state(share) == "changed on disk"
    assert explain_share_state(msgspec.structs.replace(share, detail="")) == "problem"
    assert explain_share_state(msgspec.structs.replace(SHARE, detail="a remark")) == "seeding"


@pytest.mark.parametrize(
    ("state", "detail", "words"),
    [
        (DownloadState.PROBLEM, "the disk is full", "the disk is full"),
        (DownloadState.PROBLEM, "", "problem"),
        (DownloadState.REJECTED, "too large", "rejected: too large"),
        (DownloadState.REJECTED, "", "rejected"),
        (DownloadState.WAITING, "a remark", "needs approval"),
    ],
)
def test_what_is_wrong_with_a_download(state: DownloadState, detail: str, words: str) -> None:
    assert explain_download_state(msgspec.structs.replace(DOWNLOAD, state=state, detail=detail)) == words


@pytest.mark.parametrize(
    ("state", "fields", "parts"),
    [
        (DeliveryState.NOT_OPENED, {}, ("not opened yet",)),
        (DeliveryState.NOT_OPENED, {"sealed": 7}, ("not opened yet", "sealed t7")),
        (DeliveryState.NOT_OPENED, {"handover": HANDED}, ("handed over t4", "not opened yet")),
        (DeliveryState.NOT_OPENED, {"handover": REFUSED}, ("refused: quota",)),
        (
            DeliveryState.DOWNLOADING,
            {"rate": 2 * 10**6, "left": 7 * 10**6},
            ("2.0 MB/s", "3 s left"),
        ),
        (DeliveryState.DOWNLOADING, {"seen": 8}, ("waiting", "last seen t8")),
        (DeliveryState.DOWNLOADING, {"handover": HANDED}, ("handed over t4 → opened", "waiting")),
        (DeliveryState.COMPLETE, {"completed": 9}, ("complete t9",)),
        (DeliveryState.COMPLETE, {"completed": 9, "handover": HANDED}, ("handed over t4 → complete t9",)),
        (DeliveryState.COMPLETE, {}, ("complete",)),
        (DeliveryState.REVOKED, {"revoked": 5}, ("revoked t5", "keeps 61 % already downloaded")),
        (DeliveryState.REVOKED, {"progress": 0.0}, ("revoked",)),
    ],
)
def test_how_far_a_recipient_is(state: DeliveryState, fields: dict[str, Any], parts: tuple[str, ...]) -> None:
    delivery = msgspec.structs.replace(Delivery(user="bob", state=state, progress=0.61), **fields)
    assert describe_delivery(delivery, "t{}".format, 21) == parts


def test_how_much_has_arrived_stands_among_the_steps() -> None:
    delivery = Delivery(user="bob", state=DeliveryState.DOWNLOADING, progress=0.43, handover=HANDED)
    words = describe_delivery(delivery, "t{}".format, 21, percent=True)
    assert words == ("handed over t4 → opened → 43 %", "waiting")


def test_what_a_recipient_holds() -> None:
    words = [describe_holding(Delivery(user="bob", state=state, progress=0.61)) for state in DeliveryState]
    assert words == ["has not opened it", "has 61 %", "has all of it", "revoked"]


def test_revoked_recipients_do_not_count() -> None:
    states = (DeliveryState.COMPLETE, DeliveryState.DOWNLOADING, DeliveryState.REVOKED)
    deliveries = tuple(Delivery(user=state, state=state, progress=0.5) for state in states)
    assert count_delivered(msgspec.structs.replace(SHARE, deliveries=deliveries)) == (1, 2)
    assert count_delivered(msgspec.structs.replace(SHARE, deliveries=())) == (0, 0)


@pytest.mark.parametrize(("left", "words"), [(3600, "ends in 1 h"), (-1, "has ended"), (0, "has ended")])
def test_when_it_ends(left: int, words: str) -> None:
    assert describe_end(NOW + left, NOW) == words
    assert describe_end(0, NOW) == ""


def test_a_sender_that_is_not_known_is_called_so() -> None:
    assert name_sender(DOWNLOAD) == "bob"
    assert name_sender(msgspec.structs.replace(DOWNLOAD, sender="")) == "unknown"


def test_what_a_recipients_agent_tells_stands_beside_the_delivery() -> None:
    handover = Handover(
        state=HandoverState.HANDED_OVER, at=8, receipt=ReceiptState.RECEIVED, problem=Fault.NO_SPACE
    )
    delivery = Delivery(user="bob", state=DeliveryState.NOT_OPENED, progress=0, handover=handover)
    assert describe_reports(delivery, "t{}".format) == ("has no space for it", "receipt: received t8")
    handover = Handover(state=HandoverState.HANDED_OVER, at=9, receipt=ReceiptState.COMPLETE)
    complete = Delivery(user="bob", state=DeliveryState.COMPLETE, progress=1, handover=handover)
    assert describe_reports(complete, "t{}".format) == ("with receipt",)
    revoked = msgspec.structs.replace(delivery, state=DeliveryState.REVOKED)
    assert describe_reports(revoked, "t{}".format) == ()
    assert len({fault.words for fault in Fault}) == len(Fault)


def test_how_many_are_not_reached() -> None:
    def share(*handovers: Handover) -> Share:
        waiting = Delivery(user="bob", state=DeliveryState.NOT_OPENED, progress=0.0)
        deliveries = [msgspec.structs.replace(waiting, handover=handover) for handover in handovers]
        done = Delivery(user="carol", state=DeliveryState.COMPLETE, progress=1.0, handover=REFUSED)
        return msgspec.structs.replace(SHARE, deliveries=(done, *deliveries))

    assert describe_delivered(share(Handover(), HANDED)) == "1 of 3"
    assert describe_delivered(share(REFUSED, SILENT, HANDED)) == "1 of 4, 2 not reached"
    assert describe_delivered(msgspec.structs.replace(SHARE, deliveries=())) == ""


def test_what_a_person_has_to_carry() -> None:
    delivery = Delivery(user="bob", state=DeliveryState.NOT_OPENED, progress=0.0)
    carried = [
        handover
        for handover in (Handover(), HANDED, REFUSED, SILENT, WAITING)
        if msgspec.structs.replace(delivery, handover=handover).must_be_carried
    ]
    assert carried == [Handover(), SILENT]
    opened = msgspec.structs.replace(delivery, state=DeliveryState.DOWNLOADING)
    assert not opened.must_be_carried


def test_a_download_whose_sender_is_away_is_not_downloading() -> None:
    away = msgspec.structs.replace(
        DOWNLOAD, sender="alice", unanswered=Unanswered(addresses=2, tried=9), progress=0.0
    )
    assert explain_download_state(away) == "sender away"
    assert describe_unanswered(away, 21) == (
        "waiting: alice's agent does not answer (2 addresses, tried 12 s ago)"
    )
    assert describe_unanswered(DOWNLOAD, 21) == ""
