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
    Link,
    Share,
    ShareState,
)
from tuishare.presentation.formats import format_percent, format_rate, format_span
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


def explain_download_state(download: Download) -> str:
    """Return why a download has a problem or was rejected, otherwise its state."""
    word = name_download_state(download.state)
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


def describe_delivery(delivery: Delivery, write_time: Callable[[int], str]) -> tuple[str, ...]:
    """Return the progress of one recipient with one share, most important first.

    Args:
        delivery: of that recipient.
        write_time: writes Unix seconds as text.
    """
    match delivery.state:
        case DeliveryState.NOT_OPENED:
            return describe_handover(delivery, write_time)
        case DeliveryState.DOWNLOADING if delivery.rate:
            return (format_rate(delivery.rate), f"{format_span(delivery.left / delivery.rate)} left")
        case DeliveryState.DOWNLOADING:
            return ("waiting", *_since("last seen", delivery.seen, write_time))
        case DeliveryState.COMPLETE:
            return _since("complete", delivery.completed, write_time) or ("complete",)
        case DeliveryState.REVOKED:
            kept = f"keeps {format_percent(delivery.progress)} already downloaded"
            revoked = _since("revoked", delivery.revoked, write_time) or ("revoked",)
            return (*revoked, kept) if delivery.progress else revoked
        case _:
            assert_never(delivery.state)


def describe_handover(delivery: Delivery, write_time: Callable[[int], str]) -> tuple[str, ...]:
    """Return how far the envelope is on its way to a recipient who has not opened it; arguments as above."""
    handover = delivery.handover
    match handover.state:
        case HandoverState.BY_HAND:
            return ("not opened yet", *_since("sealed", delivery.sealed, write_time))
        case HandoverState.HANDED_OVER:
            return (*_since("handed over", handover.at, write_time), "not opened yet")
        case HandoverState.REFUSED:
            return (f"refused: {handover.detail}" if handover.detail else "refused",)
        case HandoverState.WAITING if handover.tried:
            tried = f"{handover.addresses} addresses" if handover.addresses != 1 else "1 address"
            silent = f"waiting: {delivery.user}'s agent does not answer ({tried}"
            return (f"{silent}, tried {write_time(handover.tried)})",)
        case HandoverState.WAITING:
            return (f"waiting: {handover.detail}" if handover.detail else "waiting to be handed over",)
        case _:
            assert_never(handover.state)


def describe_reports(delivery: Delivery, write_time: Callable[[int], str]) -> tuple[str, ...]:
    """Return what a recipient's agent tells: what keeps it from the payload, and what it has signed last."""
    if delivery.state is DeliveryState.REVOKED:
        return ()
    handover = delivery.handover
    problem = (handover.problem.words,) if handover.problem is not None else ()
    receipt = (f"receipt: {handover.receipt} {write_time(handover.at)}",) if handover.receipt else ()
    return (*problem, *receipt)


def describe_link(link: Link, write_time: Callable[[int], str]) -> str:
    """Return the state of a link; arguments as above."""
    if link.since:
        return f"open since {write_time(link.since)}"
    if link.error:
        tried = f" (tried {write_time(link.tried)})" if link.tried else ""
        return f"{link.error}{tried}"
    return "not called yet" if link.addresses else "no address known: one envelope has to be carried by hand"


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
