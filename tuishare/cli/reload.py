"""``tuishare reload``, and what every command does that changes what a running agent has read.

Owns the words about when a change counts.
"""

from __future__ import annotations

import msgspec

from tuishare.api.client import AgentClient
from tuishare.api.failures import ProtocolMismatch
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


def take_effect() -> None:
    """Let a change count at once where an agent runs, and say when it counts where none does."""
    try:
        reloaded = ask_agent(AgentClient.reload)
    except ProtocolMismatch as error:
        warn(error.detail)
    except AgentUnreachable:
        say("It counts when the agent starts.")
    except TuishareError as error:
        warn(f"the running agent did not take it up: {error.detail}")
    else:
        say("The agent takes it up now.")
        _tell_restart(reloaded)


def _tell_restart(reloaded: Reloaded) -> None:
    if reloaded.restart:
        say(f"After a restart (`tuishare stop`, then start it again) also: {', '.join(reloaded.restart)}.")
