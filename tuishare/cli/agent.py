"""``tuishare status`` and ``stop``, and requests to the agent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from tuishare.api.client import AgentClient
from tuishare.api.connection import START_HINT
from tuishare.api.error_body import AgentNotRunning
from tuishare.api.messages import Folder, Snapshot, Status
from tuishare.cli.json_output import print_json
from tuishare.cli.spawn_agent import spawn_agent
from tuishare.cli.systemd import UNIT
from tuishare.cli.terminal import print_rows, say
from tuishare.errors import SystemFailed
from tuishare.home_paths import find_places
from tuishare.presentation.formats import NOTHING, format_rate, format_size, format_timestamp
from tuishare.presentation.states import (
    describe_reachability,
    explain_others,
    explain_poll_reason,
    name_folder_state,
)

_T = TypeVar("_T")
_STOP_SECONDS = 30.0


def ask_agent(question: Callable[[AgentClient], Coroutine[Any, Any, _T]]) -> _T:
    """Send one request, or several, to the agent of this home.

    Raises:
        AgentUnreachable: no agent answers.
    """

    async def ask() -> _T:
        async with AgentClient.of_home(find_places()) as client:
            return await question(client)

    try:
        return asyncio.run(ask())
    except AgentNotRunning as error:
        if error.hint != START_HINT:
            raise
        raise AgentNotRunning(error.detail, hint=_how_to_start()) from error


def _how_to_start() -> str:
    from tuishare.cli.installed_service import is_installed

    if is_installed():
        return f"Start its service with: systemctl --user start {UNIT}"
    return "Start it with: tuishare agent & (or for good: tuishare service install)"


def print_status(*, as_json: bool) -> None:
    """Print the agent's status, or the whole snapshot as JSON."""
    snapshot = ask_agent(AgentClient.snapshot)
    if as_json:
        print_json(snapshot)
        return
    print_rows(("what", "value"), _status_rows(snapshot))


def _status_rows(snapshot: Snapshot) -> list[tuple[str, str]]:
    status = snapshot.status
    folders = [
        (f"drop folder, {name_folder_state(folder.state)}", _describe_folder(folder))
        for folder in status.drop_folders
    ]
    return [
        ("agent", f"{status.name}, version {status.version}, process {status.pid}"),
        ("running since", format_timestamp(status.started, seconds=True)),
        ("fingerprint", status.fingerprint),
        ("TLS port", str(status.listen_tls or NOTHING)),
        ("plain port", str(status.listen_plain or NOTHING)),
        ("tracker port", str(status.listen_tracker or NOTHING)),
        ("link port", str(status.listen_link or NOTHING)),
        ("from outside", _describe_reach(status)),
        ("up", format_rate(status.rate_up)),
        ("down", format_rate(status.rate_down)),
        ("inbox", "; ".join(filter(None, [status.inbox, explain_others(status)]))),
        ("outbox", status.outbox),
        ("received files", status.downloads),
        ("free", format_size(status.free_bytes)),
        ("shares", str(len(snapshot.shares))),
        ("downloads", str(len(snapshot.downloads))),
        *folders,
        *((f"problem: {problem.title}", problem.detail) for problem in status.problems),
    ]


def _describe_folder(folder: Folder) -> str:
    words = f"{folder.path} → {', '.join(folder.users)}"
    return f"{words}; {explain_poll_reason(folder.poll_reason)}" if folder.poll_reason else words


def _describe_reach(status: Status) -> str:
    words = describe_reachability(status.reachable)
    if status.reachable is False or not status.public_address:
        return words
    by_hub = " (by hub)" if status.public_address == status.hub_address else ""
    return f"{words}; announced as {status.public_address}{by_hub}"


def stop() -> None:
    """Stop the agent and wait until its process has ended.

    Raises:
        SystemFailed: it still runs after 30 seconds.
    """

    async def ask(client: AgentClient) -> int:
        await (
            client.status()
        )  # an agent that does not answer is told of sooner than by a command, which may take long
        return (await client.stop()).pid

    pid = ask_agent(ask)
    deadline = time.monotonic() + _STOP_SECONDS
    while Path(f"/proc/{pid}").exists() and not _is_zombie(pid):
        if time.monotonic() > deadline:
            raise SystemFailed(f"The agent (process {pid}) is still stopping", hint="Check its log.")
        time.sleep(0.05)
    say("The agent has stopped.")


def _is_zombie(pid: int) -> bool:
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True


async def start_in_background() -> None:
    """Start an agent that continues after this command, and wait until it answers.

    Raises:
        SystemFailed: it ended at once; its log has the reason.
    """
    places = find_places()
    places.prepare()
    await spawn_agent(places).until_answering()
