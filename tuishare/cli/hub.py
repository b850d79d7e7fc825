"""``tuishare hub …``: the work of these commands.

Owns the setup of a hub's process, and what its operator reads.
"""

from __future__ import annotations

import asyncio
import os

from tuishare.agent.process.log_format import start_logging
from tuishare.api.messages import HubString
from tuishare.cli.agent import ask_agent
from tuishare.cli.invitations import read_string
from tuishare.cli.json_output import print_json
from tuishare.cli.package_data import Shipped, read_shipped
from tuishare.cli.terminal import print_rows, say
from tuishare.config.units import format_size
from tuishare.hub.operator import (
    GetStatus,
    HubStatus,
    Invite,
    Invited,
    ListMembers,
    Members,
    Remove,
    Removed,
    ask_hub,
)
from tuishare.hub.settings import find_hub, write_settings
from tuishare.net.descriptors import raise_descriptor_limit
from tuishare.people.names import validate_name
from tuishare.presentation.formats import format_count, format_timestamp


def init_hub(address: str) -> None:
    """Make a hub and print the path of its settings.

    Raises:
        BadInput: the address is none.
        BadConfiguration: there is a hub already.
        SystemFailed: it cannot be written.
    """
    places = find_hub()
    write_settings(places, address, read_shipped(Shipped.HUB_TEMPLATE))
    print(places.settings_file)
    say("Start the hub with `tuishare hub run`, then make a member with `tuishare hub invite NAME`.")


def run_foreground(*, verbose: bool) -> None:
    """Run the hub until it is stopped; errors as for `tuishare.hub.process.run_hub`."""
    from tuishare.hub.process import run_hub

    raise_descriptor_limit()
    start_logging(verbose=verbose)
    os.umask(0o077)
    asyncio.run(run_hub(find_hub()))


def invite_member(name: str, days: int, *, as_json: bool) -> None:
    """Print an enrolment string.

    Raises:
        BadInput: the name is not allowed.
        AgentUnreachable: no hub runs.
        Refused: the name is taken, or there is no room for a member.
    """
    answer = ask_hub(find_hub().socket, Invite(validate_name(name), days))
    assert isinstance(answer, Invited)
    if as_json:
        print_json(answer)
        return
    print(answer.string)
    say(f"For {answer.name} alone, until {format_timestamp(answer.until)}: it is a secret until it is used.")


def join_hub(given: str, *, as_json: bool) -> None:
    """Become a member of a hub: its string, a file that holds it, or ``-`` for stdin.

    Raises:
        BadInput: it is no string of a hub.
        TuishareError: the hub is not reached, or does not take it.
    """
    text = read_string(given, "tuishare-hub-", "a string of a hub")
    joined = ask_agent(lambda client: client.join_hub(HubString(text=text)))
    if as_json:
        print_json(joined)
        return
    say(f"The hub at {joined.address} keeps for you what comes while your agent is off-line.")
    say("Your contacts learn of it by themselves, over links and with the next envelope.")


def print_members(*, as_json: bool) -> None:
    """Print the members."""
    answer = ask_hub(find_hub().socket, ListMembers())
    assert isinstance(answer, Members)
    if as_json:
        print_json(answer)
        return
    rows = [
        (
            member.name,
            "connected" if member.connected else format_timestamp(member.seen),
            f"{member.parcels:,}",
            format_size(member.size),
            f"{member.ports[0]}-{member.ports[-1]}" if member.ports else "",
            f"{member.callers:,}",
            format_size(member.forwarded),
        )
        for member in answer.members
    ]
    print_rows(("name", "last seen", "parcels", "size", "ports", "callers", "forwarded today"), rows)


def remove_member(name: str, *, as_json: bool) -> None:
    """Remove a member, or cancel a string.

    Raises:
        NotFound: there is neither.
    """
    answer = ask_hub(find_hub().socket, Remove(name))
    assert isinstance(answer, Removed)
    if as_json:
        print_json(answer)
    elif answer.member:
        say(f"{answer.name} is no member any longer; everything in the mailbox is deleted.")
    else:
        say(f"The string for {answer.name} is cancelled.")


def print_status(*, as_json: bool) -> None:
    """Print how the hub is."""
    status = ask_hub(find_hub().socket, GetStatus())
    assert isinstance(status, HubStatus)
    if as_json:
        print_json(status)
        return
    rows = (
        ("address", f"{status.address}, listening on port {status.port}"),
        ("members", f"{status.members:,}, {status.connected:,} connected"),
        ("parcels", f"{status.parcels:,} · {format_size(status.size)} of {format_size(status.limit)}"),
        ("expired", f"{format_count(status.expired, 'parcel')} since the start"),
        (
            "reach",
            f"{format_count(status.callers, 'caller')} now, {status.refused:,} refused since the start",
        ),
        ("forwarded", f"{format_size(status.forwarded)} since the start"),
        (
            "connections",
            f"{status.senders:,} that put parcels, {status.strangers:,} whose caller is not known yet",
        ),
    )
    print_rows(("what", "is"), rows)
