"""``tuishare reload``, and what every command does that changes what a running agent has read.

Owns the words about when a change counts.
"""

from __future__ import annotations

import msgspec

from tuishare.api.client import AgentClient
from tuishare.api.error_body import ProtocolMismatch
from tuishare.api.messages import Reloaded
from tuishare.cli.agent import ask_agent
from tuishare.cli.terminal import say, warn
from tuishare.errors import AgentUnreachable, TuishareError


def reload_agent(*, as_json: bool) -> None:
    """Have the running agent read settings and user book again.

    Raises:
        AgentUnreachable: none runs.
        BadConfiguration: a file is not usable; the agent goes on with what it had.
    """
    reloaded = ask_agent(AgentClient.reload)
    if as_json:
        print(msgspec.json.encode(reloaded).decode())
        return
    say(f"The agent has taken up: {', '.join(reloaded.applied) or 'no other settings'}.")
    _tell_restart(reloaded)


def take_effect(setting: str = "") -> None:
    """Let a change count at once where an agent runs, and say when it counts where it does not.

    Args:
        setting: the key that was changed; empty: the user book was.
    """
    try:
        reloaded = ask_agent(AgentClient.reload)
    except ProtocolMismatch as error:
        warn(error.detail)
    except AgentUnreachable:
        say("It counts when the agent starts.")
    except TuishareError as error:
        warn(f"the running agent did not take it up: {error.detail}")
    else:
        # Not what was applied: an agent may have noticed the change by itself before we asked.
        waits = setting in reloaded.restart
        if not waits:
            say("The agent takes it up now.")
        _tell_restart(reloaded, also=not waits)


def _tell_restart(reloaded: Reloaded, *, also: bool = True) -> None:
    if reloaded.restart:
        when, more = ("After", " also") if also else ("Only after", "")
        say(f"{when} a restart (`tuishare stop`, then start it again){more}: {', '.join(reloaded.restart)}.")
