"""What the steps of shares and downloads say about themselves."""

from __future__ import annotations

import pytest

from tuishare.core.records import DownloadStep, ShareStep


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("is_active", {ShareStep.HASHING, ShareStep.SEALING, ShareStep.SEEDING}),
        ("has_ended", {ShareStep.WITHDRAWN, ShareStep.FORGOTTEN, ShareStep.DELETING}),
        ("is_removed", {ShareStep.FORGOTTEN, ShareStep.DELETING}),
    ],
)
def test_the_steps_of_a_share(name: str, steps: set[ShareStep]) -> None:
    assert {step for step in ShareStep if getattr(step, name)} == steps


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        (
            "is_unfinished",
            {DownloadStep.QUEUED, DownloadStep.DOWNLOADING, DownloadStep.DELIVERING, DownloadStep.PROBLEM},
        ),
        ("is_fetching", {DownloadStep.QUEUED, DownloadStep.DOWNLOADING, DownloadStep.PROBLEM}),
        ("has_all_data", {DownloadStep.DELIVERING, DownloadStep.COMPLETE}),
    ],
)
def test_the_steps_of_a_download(name: str, steps: set[DownloadStep]) -> None:
    assert {step for step in DownloadStep if getattr(step, name)} == steps
