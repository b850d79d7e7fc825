"""``tuishare reload``: the running agent reads settings and user book again."""

from __future__ import annotations

from tuishare.api.client import AgentClient
from tuishare.cli.agent import ask_agent
from tuishare.cli.edit_home import report_restart
from tuishare.cli.json_output import print_json
from tuishare.cli.terminal import say


def reload_agent(*, as_json: bool) -> None:
    """Reload settings and user book in the running agent.

    Raises:
        AgentUnreachable: no agent runs.
        BadConfiguration: a file is not usable; the agent keeps its settings.
    """
    reloaded = ask_agent(AgentClient.reload)
    if as_json:
        print_json(reloaded)
        return
    say(f"Reloaded: {', '.join(reloaded.applied) or 'no setting has changed'}.")
    report_restart(reloaded)
