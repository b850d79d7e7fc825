"""``tuishare links``: the links to the agents of other users.

Owns which facts the table has; `tuishare.presentation` words them. The agent's messages are printed as they are with
``--json``.
"""

from __future__ import annotations

from tuishare.cli.agent import ask_agent
from tuishare.cli.json_output import print_json
from tuishare.cli.terminal import print_rows, say
from tuishare.presentation.formats import format_timestamp
from tuishare.presentation.links import describe_last_error, describe_link


def print_links(*, as_json: bool) -> None:
    """Print the link to each verified user."""
    links = ask_agent(lambda client: client.links())
    if as_json:
        print_json(links)
        return
    if not links:
        say("There is no verified user to make a link to.")
        return
    rows = [
        (
            link.user,
            describe_link(link, format_timestamp),
            ", ".join(link.addresses),
            str(link.waiting),
            describe_last_error(link, format_timestamp),
        )
        for link in links
    ]
    print_rows(("user", "link", "addresses", "waiting", "last error"), rows)
