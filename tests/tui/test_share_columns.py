from __future__ import annotations

import msgspec
import pytest

from tests.api.samples import DOWNLOAD, NOW, SHARE
from tuishare.api.messages import Delivery, DeliveryState, DownloadState, ShareState
from tuishare.tui.share_columns import (
    DOWNLOAD_COLUMNS,
    SHARE_COLUMNS,
    download_progress,
    download_sign,
    download_state,
    share_delivered,
    share_sign,
    share_state,
)
from tuishare.tui.theme import TextStyle


def delivery(state: DeliveryState, progress: float) -> Delivery:
    return Delivery(user="bob", state=state, progress=progress)


COMPLETE = delivery(DeliveryState.COMPLETE, 1.0)
HALF = delivery(DeliveryState.DOWNLOADING, 0.5)
UNOPENED = delivery(DeliveryState.NOT_OPENED, 0.0)
REVOKED = delivery(DeliveryState.REVOKED, 1.0)


def test_a_state_is_told_apart_without_colour() -> None:
    signs = [share_sign(msgspec.structs.replace(SHARE, state=state)) for state in ShareState]
    words = [share_state(msgspec.structs.replace(SHARE, state=state)).text for state in ShareState]
    assert all(len(sign.text) == 1 for sign in signs)
    assert len(set(words)) == len(ShareState)
    signs = [download_sign(msgspec.structs.replace(DOWNLOAD, state=state)) for state in DownloadState]
    words = [download_state(msgspec.structs.replace(DOWNLOAD, state=state)).text for state in DownloadState]
    assert all(len(sign.text) == 1 for sign in signs)
    assert len(set(words)) == len(DownloadState)


def test_what_needs_the_person_has_the_mark() -> None:
    assert share_sign(msgspec.structs.replace(SHARE, state=ShareState.PROBLEM)).text == "!"
    for state in (DownloadState.PROBLEM, DownloadState.REJECTED):
        assert download_sign(msgspec.structs.replace(DOWNLOAD, state=state)).text == "!"


def test_a_problem_is_named() -> None:
    share = msgspec.structs.replace(SHARE, state=ShareState.PROBLEM, detail="changed on disk")
    assert share_state(share).text == "changed on disk"
    refused = msgspec.structs.replace(DOWNLOAD, state=DownloadState.REJECTED, detail="too large")
    assert download_state(refused).text == "rejected: too large"


def test_hashing_shows_how_far_it_is() -> None:
    share = msgspec.structs.replace(SHARE, state=ShareState.HASHING, progress=0.64)
    assert share_state(share).text == "hashing 64 %"


@pytest.mark.parametrize(
    ("deliveries", "text", "tone"),
    [
        ((), "–", TextStyle.QUIET),
        ((REVOKED,), "–", TextStyle.QUIET),
        ((UNOPENED,), "░░░░░ 0 of 1", TextStyle.PLAIN),
        ((COMPLETE, HALF), "███░░ 1 of 2", TextStyle.PLAIN),
        ((COMPLETE, REVOKED), "█████ 1 of 1 ✓", TextStyle.GOOD),
        ((delivery(DeliveryState.DOWNLOADING, 1.0),), "████░ 0 of 1", TextStyle.PLAIN),
    ],
)
def test_delivered_counts_those_who_have_it_all(
    deliveries: tuple[Delivery, ...], text: str, tone: TextStyle
) -> None:
    cell = share_delivered(msgspec.structs.replace(SHARE, deliveries=deliveries))
    assert (cell.text, cell.tone) == (text, tone)


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (DownloadState.LOCKED, "–"),
        (DownloadState.WAITING, "–"),
        (DownloadState.REJECTED, "–"),
        (DownloadState.DOWNLOADING, "██░░░ 43 %"),
        (DownloadState.PAUSED, "██░░░ 43 %"),
        (DownloadState.COMPLETE, "█████ 100 % ✓"),
    ],
)
def test_progress_is_shown_where_there_is_one(state: DownloadState, text: str) -> None:
    assert download_progress(msgspec.structs.replace(DOWNLOAD, state=state)).text == text


def test_one_row_of_each_table() -> None:
    share = [column.cell(SHARE, NOW).text for column in SHARE_COLUMNS]
    assert share == [
        "●", "dailies-11-21", "@crew", "38.2 GB", "seeding", "██░░░ 0 of 1", "11.9 MB/s", "–", "09:56",
    ]  # fmt: skip
    download = [column.cell(DOWNLOAD, NOW).text for column in DOWNLOAD_COLUMNS]
    assert download == [
        "◐", "contract-v3.pdf", "bob", "1.2 MB", "downloading", "██░░░ 43 %", "800 kB/s", "1 min", download[-1],
    ]  # fmt: skip


def test_what_is_not_known_is_a_dash() -> None:
    empty = msgspec.structs.replace(DOWNLOAD, size=0, rate_down=0, eta=None, sender="")
    cells = {column.key: column.cell(empty, NOW).text for column in DOWNLOAD_COLUMNS}
    assert (cells["size"], cells["down"], cells["left"], cells["from"]) == ("–", "–", "–", "unknown")


def test_at_eighty_columns_name_state_and_delivered_stay() -> None:
    assert [column.key for column in SHARE_COLUMNS if not column.wide] == [
        "sign",
        "name",
        "state",
        "delivered",
    ]


@pytest.mark.parametrize(("left", "text"), [(0, "–"), (3600, "1 h"), (86_400 * 3, "3 d"), (-5, "ended")])
def test_when_a_share_ends(left: int, text: str) -> None:
    share = msgspec.structs.replace(SHARE, not_after=NOW + left if left else 0)
    assert next(column for column in SHARE_COLUMNS if column.key == "expiry").cell(share, NOW).text == text


@pytest.mark.parametrize(("generation", "text"), [(1, "press s"), (0, "–")])
def test_a_problem_names_the_key_that_helps(generation: int, text: str) -> None:
    share = msgspec.structs.replace(SHARE, state=ShareState.PROBLEM, rate_up=0, generation=generation)
    assert next(column for column in SHARE_COLUMNS if column.key == "up").cell(share, NOW).text == text
