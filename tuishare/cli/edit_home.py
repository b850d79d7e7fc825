"""Changes of users, drop folders and settings: by the agent where it runs, otherwise in the home's files.

Owns the choice between the two, which is made once for each command, and the sentence about when a change takes
effect. The rules are those of `tuishare.api.service.HomeService`, which the dashboard uses as well.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from tuishare.api.error_body import AgentNotRunning
from tuishare.api.messages import Reloaded
from tuishare.api.offline_service import OfflineService
from tuishare.api.service import HomeService
from tuishare.cli.agent import ask_agent
from tuishare.cli.terminal import say
from tuishare.core.home_lock import HomeInUse
from tuishare.errors import AgentUnreachable
from tuishare.home_paths import find_places

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

TIMEOUT_SECONDS: Final = 5.0
"""How long to wait for an agent that starts or stops, or for another command, which has the home locked."""
_PAUSE_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Edited(Generic[T_co]):
    """A change that was made.

    Attributes:
        answer: of the service.
        by_agent: an agent made it, so it is in force.
    """

    answer: T_co
    by_agent: bool


def edit_home(change: Callable[[HomeService], Coroutine[Any, Any, T]]) -> Edited[T]:
    """Have a change made; it is all of `change` or, where the first of several calls fails, nothing.

    Raises:
        ProtocolMismatch: an agent of another version runs; nothing has changed.
        AgentUnreachable: the agent's answer did not come; the change may have been made.
        HomeInUse: another process has the home and does not answer; nothing has changed.
        TuishareError: as the methods of `tuishare.api.service.HomeService`.
    """
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while True:
        try:
            return Edited(ask_agent(change), by_agent=True)
        except AgentNotRunning:
            pass
        try:
            with OfflineService(find_places()) as service:
                return Edited(asyncio.run(change(service)), by_agent=False)
        except HomeInUse:
            if time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE_SECONDS)


def read_home(question: Callable[[HomeService], Coroutine[Any, Any, T]]) -> T:
    """Ask the agent, or read the home's files where none answers.

    Raises:
        TuishareError: as the methods of `tuishare.api.service.HomeService`.
    """
    try:
        return ask_agent(question)
    except AgentUnreachable:
        return asyncio.run(question(OfflineService(find_places())))


def report_effect(edited: Edited[object], setting: str = "") -> None:
    """Print when a change takes effect.

    Args:
        edited: the change.
        setting: the key that was changed; empty for a user.
    """
    if not edited.by_agent:
        say("Takes effect when the agent starts.")
        return
    reloaded = edited.answer if isinstance(edited.answer, Reloaded) else Reloaded()
    is_applied = setting not in reloaded.restart
    if is_applied:
        say("Applied.")
    report_restart(reloaded, also=is_applied)


def report_restart(reloaded: Reloaded, *, also: bool = True) -> None:
    """Print which settings wait for a restart of the agent, if any; `also`: others do not."""
    if reloaded.restart:
        when, more = ("After", " also") if also else ("Only after", "")
        say(f"{when} a restart (`tuishare stop`, then start it again){more}: {', '.join(reloaded.restart)}.")
