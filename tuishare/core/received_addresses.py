"""Received addresses: which contacts and trackers of an envelope are used (threat T4).

Owns what the settings add to the rules of `tuishare.net.addresses`, and the sentences about refused addresses, which
name host and port only, because an announce URL holds a passkey. Pure. Names, and the addresses of this machine, are
checked when a connection is made, because they change.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

from tuishare.config.model import Config, Transport
from tuishare.core.records import TrackerAddress
from tuishare.errors import BadInput
from tuishare.net.addresses import MOST_CONTACTS, TrackerRules, address_fault, read_address, tracker_names
from tuishare.sanitize import for_display
from tuishare.swarm import Endpoint, parse_endpoint

_MOST_SHOWN = 4


def rules_for(
    config: Config, transport: Transport, contacts: Iterable[str], *, any_host: bool = False
) -> TrackerRules:
    """Return which trackers of an envelope may be used.

    Args:
        config: the settings; they allow trackers besides the sender's own.
        transport: of the swarm.
        contacts: ``host:port`` where the sender seeds, as received.
        any_host: see `TrackerRules`.
    """
    hosts = tuple(endpoint.host for endpoint in read_contacts(contacts))
    listed, chosen = tuple(config.inbox.trackers), tuple(config.tracker.others)
    return TrackerRules(transport, hosts, listed, chosen, any_host)


def read_contacts(contacts: Iterable[str]) -> tuple[Endpoint, ...]:
    """Parse the contacts of an envelope; malformed ones are skipped."""
    found: list[Endpoint] = []
    for contact in contacts:
        with contextlib.suppress(BadInput):
            found.append(parse_endpoint(contact))
    return tuple(found)


def find_refused(
    contacts: Iterable[str], trackers: Iterable[TrackerAddress], rules: TrackerRules
) -> tuple[str, ...]:
    """Return one clause for each address of an envelope that is never used, with the reason; safe to show."""
    unique = tuple(dict.fromkeys(contacts))
    found = [
        *_refused_contacts(unique),
        *_refused_trackers(trackers, rules),
        *(
            [f"only the first {MOST_CONTACTS} of {len(unique)} addresses are used"]
            if len(unique) > MOST_CONTACTS
            else []
        ),
    ]
    return tuple(dict.fromkeys(found))


def describe_refused(clauses: tuple[str, ...]) -> str:
    """Return a sentence about the addresses that are not used; a long list is cut."""
    more = len(clauses) - _MOST_SHOWN
    shown = "; ".join(clauses[:_MOST_SHOWN]) + (f"; and {more} more" if more > 0 else "")
    return f"Addresses of the envelope that are not used: {shown}"


def show_tracker(url: str) -> str:
    """Return host and port of a tracker, which are safe to show, unlike the rest of its announce URL."""
    return for_display(max(tracker_names(url), key=len, default="with a strange URL"))


def _refused_contacts(contacts: Iterable[str]) -> Iterator[str]:
    for contact in contacts:
        try:
            address = read_address(parse_endpoint(contact).host)
        except BadInput:
            yield f"{for_display(contact)} is not a host and a port"
        else:
            if address and (fault := address_fault(address)):
                yield f"{contact} {fault}"


def _refused_trackers(trackers: Iterable[TrackerAddress], rules: TrackerRules) -> Iterator[str]:
    for tracker in trackers:
        if fault := rules.fault(tracker.url, pinned=bool(tracker.pin)):
            yield f"the tracker {show_tracker(tracker.url)} {fault}"
