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
    Link,
    ReceiptState,
    ShareState,
)
from tuishare.core.faults import Fault
from tuishare.presentation.transfers import (
    count_delivered,
    describe_delivery,
    describe_end,
    describe_holding,
    describe_link,
    describe_reports,
    describe_share_state,
    explain_download_state,
    explain_share_state,
    name_sender,
)


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
        (DeliveryState.DOWNLOADING, {"rate": 2_000_000, "left": 7_000_000}, ("2.0 MB/s", "3 s left")),
        (DeliveryState.DOWNLOADING, {"seen": 8}, ("waiting", "last seen t8")),
        (DeliveryState.COMPLETE, {"completed": 9}, ("complete t9",)),
        (DeliveryState.COMPLETE, {}, ("complete",)),
        (DeliveryState.REVOKED, {"revoked": 5}, ("revoked t5", "keeps 61 % already downloaded")),
        (DeliveryState.REVOKED, {"progress": 0.0}, ("revoked",)),
    ],
)
def test_how_far_a_recipient_is(
    state: DeliveryState, fields: dict[str, float], parts: tuple[str, ...]
) -> None:
    delivery = msgspec.structs.replace(Delivery(user="bob", state=state, progress=0.61), **fields)
    assert describe_delivery(delivery, "t{}".format) == parts


@pytest.mark.parametrize(
    ("handover", "parts"),
    [
        (Handover(), ("not opened yet", "sealed t7")),
        (Handover(state=HandoverState.HANDED_OVER, at=8), ("handed over t8", "not opened yet")),
        (Handover(state=HandoverState.HANDED_OVER), ("not opened yet",)),
        (Handover(state=HandoverState.REFUSED, at=8, detail="quota"), ("refused: quota",)),
        (Handover(state=HandoverState.REFUSED), ("refused",)),
        (Handover(state=HandoverState.WAITING), ("waiting to be handed over",)),
        (Handover(state=HandoverState.WAITING, detail="no space"), ("waiting: no space",)),
        (
            Handover(state=HandoverState.WAITING, addresses=2, tried=9),
            ("waiting: bob's agent does not answer (2 addresses, tried t9)",),
        ),
        (
            Handover(state=HandoverState.WAITING, addresses=1, tried=9),
            ("waiting: bob's agent does not answer (1 address, tried t9)",),
        ),
    ],
)
def test_how_far_an_envelope_is(handover: Handover, parts: tuple[str, ...]) -> None:
    delivery = Delivery(user="bob", state=DeliveryState.NOT_OPENED, progress=0.0, sealed=7, handover=handover)
    assert describe_delivery(delivery, "t{}".format) == parts


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"since": 5}, "open since t5"),
        ({"error": "It does not answer", "tried": 6}, "It does not answer (tried t6)"),
        ({"error": "The other side ended the link"}, "The other side ended the link"),
        ({"addresses": 2}, "not called yet"),
        ({}, "no address known: one envelope has to be carried by hand"),
    ],
)
def test_the_state_of_a_link(fields: dict[str, Any], words: str) -> None:
    assert describe_link(Link(user="bob", **fields), "t{}".format) == words


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
    revoked = msgspec.structs.replace(delivery, state=DeliveryState.REVOKED)
    assert describe_reports(revoked, "t{}".format) == ()
    assert len({fault.words for fault in Fault}) == len(Fault)
