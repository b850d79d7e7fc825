"""The wording of one share or download: its state, its sender, and the progress of each recipient.

Pure; names and details in the result are untrusted text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from tuishare.api.messages import (
    Delivery,
    DeliveryState,
    Download,
    DownloadState,
    HandoverState,
    ReceiptState,
    Share,
    ShareState,
)
from tuishare.presentation.formats import format_part, format_percent, format_rate, format_span
from tuishare.presentation.links import describe_handover, describe_silence
from tuishare.presentation.states import name_download_state, name_share_state


def describe_share_state(share: Share) -> str:
    """Return the state of a share, with the progress of hashing."""
    word = name_share_state(share.state)
    return f"{word} {format_percent(share.progress)}" if share.state is ShareState.HASHING else word


def explain_share_state(share: Share) -> str:
    """Return the problem of a share that has one, otherwise its state."""
    if share.state is ShareState.PROBLEM and share.detail:
        return share.detail
    return describe_share_state(share)


def describe_download_state(download: Download) -> str:
    """Return the state of a download in two words; one whose sender does not answer cannot be downloading."""
    return "sender away" if download.unanswered is not None else name_download_state(download.state)


def describe_unanswered(download: Download, now: float) -> str:
    """Return that the sender of a download cannot be reached; empty where they can.

    Args:
        download: as the agent sees it.
        now: Unix seconds.
    """
    calls = download.unanswered
    if calls is None:
        return ""
    return f"waiting: {describe_silence(name_sender(download), calls.addresses, calls.tried, now)}"


def explain_download_state(download: Download) -> str:
    """Return why a download has a problem or was rejected, otherwise its state."""
    word = describe_download_state(download)
    if download.state is DownloadState.PROBLEM and download.detail:
        return download.detail
    return (
        f"{word}: {download.detail}" if download.state is DownloadState.REJECTED and download.detail else word
    )


def name_sender(download: Download) -> str:
    """Return the name of a download's sender."""
    return download.sender or "unknown"


def describe_origin(download: Download) -> str:
    """Return the origin of a download as part of a sentence."""
    return f"from {download.sender}" if download.sender else "from an unknown sender"


def describe_end(not_after: int, now: float) -> str:
    """Return when a share or download ends; empty for never.

    Args:
        not_after: Unix seconds; 0: never.
        now: Unix seconds.
    """
    if not not_after:
        return ""
    return f"ends in {format_span(not_after - now)}" if not_after > now else "has ended"


def describe_delivery(
    delivery: Delivery, write_time: Callable[[int], str], now: float, *, percent: bool = False
) -> tuple[str, ...]:
    """Return the progress of one recipient with one share, most important first.

    Args:
        delivery: of that recipient.
        write_time: writes Unix seconds as text.
        now: Unix seconds.
        percent: say how much of it they have, while it arrives.
    """
    match delivery.state:
        case DeliveryState.NOT_OPENED:
            return _describe_unopened(delivery, write_time, now)
        case DeliveryState.DOWNLOADING:
            steps = [*_handed_over(delivery, write_time)]
            steps += ["opened"] if steps else []
            steps += [format_percent(delivery.progress)] if percent else []
            return (*([" → ".join(steps)] if steps else []), *_describe_flow(delivery, write_time))
        case DeliveryState.COMPLETE:
            complete = _since("complete", delivery.completed, write_time) or ("complete",)
            return (" → ".join((*_handed_over(delivery, write_time), *complete)),)
        case DeliveryState.REVOKED:
            kept = f"keeps {format_percent(delivery.progress)} already downloaded"
            revoked = _since("revoked", delivery.revoked, write_time) or ("revoked",)
            return (*revoked, kept) if delivery.progress else revoked
        case _:
            assert_never(delivery.state)


def _describe_flow(delivery: Delivery, write_time: Callable[[int], str]) -> tuple[str, ...]:
    if delivery.rate:
        return (format_rate(delivery.rate), f"{format_span(delivery.left / delivery.rate)} left")
    return ("waiting", *_since("last seen", delivery.seen, write_time))


def _describe_unopened(delivery: Delivery, write_time: Callable[[int], str], now: float) -> tuple[str, ...]:
    way = describe_handover(delivery.user, delivery.handover, write_time, now)
    match delivery.handover.state:
        case HandoverState.BY_HAND:
            return ("not opened yet", *_since("sealed", delivery.sealed, write_time))
        case HandoverState.HANDED_OVER:
            return (way, "not opened yet")
        case HandoverState.REFUSED | HandoverState.WAITING:
            return (way,)
        case _:
            assert_never(delivery.handover.state)


def describe_reports(delivery: Delivery, write_time: Callable[[int], str]) -> tuple[str, ...]:
    """Return what a recipient's agent tells: what keeps it from the payload, and what it has signed last.

    That it has signed what the state says anyway, that everything has arrived, needs no time of its own.
    """
    if delivery.state is DeliveryState.REVOKED:
        return ()
    handover = delivery.handover
    problem = (handover.problem.words,) if handover.problem is not None else ()
    if handover.receipt is None:
        return problem
    if handover.receipt is ReceiptState.COMPLETE and delivery.state is DeliveryState.COMPLETE:
        return (*problem, "with receipt")
    return (*problem, f"receipt: {handover.receipt} {write_time(handover.at)}")


def _handed_over(delivery: Delivery, write_time: Callable[[int], str]) -> tuple[str, ...]:
    """Return that the envelope was handed over by link, or nothing."""
    handover = delivery.handover
    if handover.state is not HandoverState.HANDED_OVER:
        return ()
    at = 0 if handover.receipt is ReceiptState.COMPLETE else handover.at  # that is when they had all of it
    return _since("handed over", at, write_time) or ("handed over",)


def is_stuck(delivery: Delivery) -> bool:
    """Return whether the envelope does not reach a recipient now: it is refused, or their agent does not answer."""
    handover = delivery.handover
    silent = handover.state is HandoverState.WAITING and bool(handover.tried or handover.detail)
    return delivery.state is DeliveryState.NOT_OPENED and (silent or handover.state is HandoverState.REFUSED)


def describe_delivered(share: Share) -> str:
    """Return how many recipients have all of a share, and how many its envelope does not reach; empty for none."""
    complete, recipients = count_delivered(share)
    if not recipients:
        return ""
    stuck = sum(map(is_stuck, share.deliveries))
    part = format_part(complete, recipients)
    return f"{part}, {stuck:,} not reached" if stuck else part


def describe_holding(delivery: Delivery) -> str:
    """Return how much of a share a recipient has, as part of a sentence."""
    match delivery.state:
        case DeliveryState.NOT_OPENED:
            return "has not opened it"
        case DeliveryState.DOWNLOADING:
            return f"has {format_percent(delivery.progress)}"
        case DeliveryState.COMPLETE:
            return "has all of it"
        case DeliveryState.REVOKED:
            return "revoked"
        case _:
            assert_never(delivery.state)


def count_delivered(share: Share) -> tuple[int, int]:
    """Return how many recipients have all of a share, and how many recipients it has; revoked ones do not count."""
    states = [delivery.state for delivery in share.deliveries]
    return states.count(DeliveryState.COMPLETE), len(states) - states.count(DeliveryState.REVOKED)


def _since(word: str, moment: int, write_time: Callable[[int], str]) -> tuple[str, ...]:
    """Return a state with its time, or nothing where the time is unknown."""
    return (f"{word} {write_time(moment)}",) if moment else ()
