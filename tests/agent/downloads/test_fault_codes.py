"""What a sender is told: by codes alone, and only what they caused or can mend."""

from __future__ import annotations

import errno
from datetime import UTC, datetime, timedelta

import pytest

from tuishare.agent.downloads.fault_codes import RefusedByUser, fault_of, fault_of_false_data
from tuishare.agent.downloads.quotas import WaitingRoomFull
from tuishare.core.faults import Fault, read_fault
from tuishare.core.opened_envelope import ShareExpired
from tuishare.core.records import DownloadRecord, DownloadStep
from tuishare.envelope import Damaged, NotForUs
from tuishare.errors import DiskRefused, Refused, SystemFailed, TuishareError
from tuishare.swarm import Credentials, create_authority
from tuishare.swarm.certificates import check_credentials

RECORD = DownloadRecord(
    "1", "x", 1, DownloadStep.DOWNLOADING, contacts=("192.0.2.7:50007", "[2001:db8::7]:50007", "studio:1")
)


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (DiskRefused("full", full=True), Fault.NO_SPACE),
        (SystemFailed("full", errno=errno.ENOSPC), Fault.NO_SPACE),
        (SystemFailed("no permission", errno=errno.EACCES), None),
        (ShareExpired("old"), Fault.SHARE_EXPIRED),
        (NotForUs(), Fault.UNREADABLE),
        (Damaged(), Fault.UNREADABLE),
        (WaitingRoomFull("x", RECORD), Fault.APPROVAL),
        (RefusedByUser("x"), Fault.REFUSED),
        (Refused("another reason"), None),
    ],
)
def test_an_error_has_a_code_or_is_kept_private(error: TuishareError, fault: Fault | None) -> None:
    assert fault_of(error) is fault


@pytest.mark.parametrize(("years", "fault"), [(-30, Fault.TICKET_NOT_YET_VALID), (30, Fault.TICKET_EXPIRED)])
def test_a_clock_that_a_ticket_does_not_fit_is_told(years: int, fault: Fault) -> None:
    now = datetime.now(UTC)
    authority = create_authority(now)
    leaf = authority.issue(now)
    credentials = Credentials(authority.certificate, leaf.certificate, leaf.key)
    with pytest.raises(Refused) as refused:
        check_credentials(credentials, now + timedelta(days=365 * years))
    assert fault_of(refused.value) is fault


@pytest.mark.parametrize(
    ("banned", "fault"),
    [
        ((), Fault.FALSE_DATA),
        (("192.0.2.7",), Fault.FALSE_DATA_OF_SENDER),
        (("192.0.2.9", "2001:db8::7"), Fault.FALSE_DATA_OF_SENDER),
        (("192.0.2.9",), Fault.FALSE_DATA_OF_OTHERS),
    ],
)
def test_the_source_of_false_data_is_the_sender_or_another(banned: tuple[str, ...], fault: Fault) -> None:
    assert fault_of_false_data(RECORD, banned) is fault


def test_a_code_of_a_later_version_is_another_problem() -> None:
    assert (read_fault(""), read_fault("quota"), read_fault("moon-phase")) == (None, Fault.QUOTA, Fault.OTHER)
