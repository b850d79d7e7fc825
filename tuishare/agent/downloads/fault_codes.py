"""Faults of downloads: which errors their senders have caused or can mend.

Owns the mapping from errors to codes, and the sender or the others as the source of false data. Pure. Must not tell
anyone: `tuishare.agent.link` does.
"""

from __future__ import annotations

import errno
from collections.abc import Collection

from tuishare.agent.downloads.quotas import WaitingRoomFull
from tuishare.core.faults import Fault
from tuishare.core.opened_envelope import ShareExpired
from tuishare.core.records import DownloadRecord
from tuishare.envelope import Damaged, NotForUs
from tuishare.errors import BadInput, DiskRefused, Refused, SystemFailed, TuishareError
from tuishare.net.endpoints import parse_endpoint
from tuishare.swarm import TicketExpired, TicketNotYetValid


class RefusedByUser(Refused):
    """The user does not want a download."""


def fault_of(error: TuishareError) -> Fault | None:
    """Return the fault of an error; None where it is no business of the sender's."""
    match error:
        case DiskRefused(full=True) | SystemFailed(errno=errno.ENOSPC | errno.EDQUOT):
            return Fault.NO_SPACE
        case TicketExpired():
            return Fault.TICKET_EXPIRED
        case TicketNotYetValid():
            return Fault.TICKET_NOT_YET_VALID
        case ShareExpired():
            return Fault.SHARE_EXPIRED
        case NotForUs() | Damaged():
            return Fault.UNREADABLE
        case WaitingRoomFull():
            return Fault.APPROVAL
        case RefusedByUser():
            return Fault.REFUSED
        case _:
            return None


def may_pass(error: TuishareError) -> bool:
    """Return whether an error may go without the user: permissions, folders, disks and clocks change by themselves."""
    return isinstance(error, SystemFailed | TicketNotYetValid)


def fault_of_false_data(record: DownloadRecord, banned: Collection[str]) -> Fault:
    """Return from whom a download gets false data.

    Args:
        record: of the download.
        banned: the addresses of the peers that were banned for it, as far as they are known.
    """
    if not banned:
        return Fault.FALSE_DATA
    senders = set()
    for contact in record.contacts:
        try:
            senders.add(parse_endpoint(contact).host)
        except BadInput:  # a name, or what an older version wrote
            continue
    return Fault.FALSE_DATA_OF_SENDER if senders & set(banned) else Fault.FALSE_DATA_OF_OTHERS
