"""``tuishare wait``: end when a share or download has come so far.

Owns what counts as having arrived. Follows the agent's event stream; does not poll.
"""

from __future__ import annotations

import asyncio
import contextlib
from enum import StrEnum

from tuishare.api.client import AgentClient
from tuishare.api.messages import DownloadState, Share, ShareState, Snapshot
from tuishare.api.snapshot_diff import apply
from tuishare.cli.agent import ask_agent
from tuishare.cli.lookup import Entries, Entry
from tuishare.errors import NotFound, SystemFailed
from tuishare.sanitize import for_display


class Milestone(StrEnum):
    """How far an entry has to come."""

    SEEDING = "seeding"
    COMPLETE = "complete"


def wait_for(word: str, milestone: Milestone, timeout: float | None) -> None:
    """Wait until a download is complete, or a share is seeded, or complete at all its recipients.

    An entry that does not exist yet is waited for.

    Args:
        word: its id, the beginning of it, or its name.
        milestone: how far it has to come.
        timeout: seconds; None: for ever.

    Raises:
        SystemFailed: it has not come so far in time, or has a problem that does not pass by itself.
        BadInput: several entries are meant.
        AgentUnreachable: no agent answers.
    """
    latest: list[Entry] = []

    async def follow(client: AgentClient) -> None:
        snapshot: Snapshot | None = None
        async with contextlib.aclosing(client.events()) as events:
            async for event in events:
                snapshot = event if isinstance(event, Snapshot) else apply(_known(snapshot), event)
                with contextlib.suppress(NotFound):
                    latest[:] = [Entries(snapshot.shares, snapshot.downloads).find(word)]
                    if _has_arrived(latest[0], milestone):
                        return
                    _require_hope(latest[0])

    async def limited(client: AgentClient) -> None:
        async with asyncio.timeout(timeout):
            await follow(client)

    try:
        ask_agent(limited)
    except TimeoutError as error:
        state = _describe(latest[0]) if latest else "it is not there yet"
        raise SystemFailed(
            f"“{for_display(word)}” is not {milestone} after {timeout:g} s: {state}",
            hint=f"tuishare show {for_display(word)}; tuishare status",
        ) from error


def _known(snapshot: Snapshot | None) -> Snapshot:
    assert snapshot is not None, "changes follow a snapshot"
    return snapshot


def _has_arrived(entry: Entry, milestone: Milestone) -> bool:
    if not isinstance(entry, Share):
        return entry.state is DownloadState.COMPLETE
    if entry.state is not ShareState.SEEDING:
        return False
    return milestone is Milestone.SEEDING or all(
        delivery.completed or delivery.revoked for delivery in entry.deliveries
    )


def _require_hope(entry: Entry) -> None:
    again = 0 if isinstance(entry, Share) else entry.again_at
    if entry.state in {ShareState.PROBLEM, DownloadState.PROBLEM} and not again:
        raise SystemFailed(f"“{for_display(entry.name)}” has a problem: {entry.detail}", hint=entry.hint)


def _describe(entry: Entry) -> str:
    from tuishare.presentation.transfers import describe_download_state, describe_share_state

    state = describe_share_state(entry) if isinstance(entry, Share) else describe_download_state(entry)
    return f"{state}; {entry.detail}" if entry.detail else state
