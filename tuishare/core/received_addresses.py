"""What an envelope names, and which of it is used: contacts and trackers of a sender (threat T4).

Owns what the settings add to the rules of `tuishare.net.addresses`, and how a refusal is said: with host and port and
nothing else, because an announce URL holds a passkey. Pure. Addresses of names, and those of this machine, are judged
where they are called, because they change.
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

_MOST_SAID = 4


def rules_for(
    config: Config, transport: Transport, contacts: Iterable[str], *, any_host: bool = False
) -> TrackerRules:
    """Say which trackers may be asked because of an envelope.

    Args:
        config: the settings; they name trackers besides the sender's own.
        transport: of the swarm.
        contacts: ``host:port`` where the sender seeds, as received.
        any_host: see `TrackerRules`.
    """
    hosts = tuple(endpoint.host for endpoint in read_contacts(contacts))
    listed, chosen = tuple(config.inbox.trackers), tuple(config.tracker.others)
    return TrackerRules(transport, hosts, listed, chosen, any_host)


def read_contacts(contacts: Iterable[str]) -> tuple[Endpoint, ...]:
    """Read the contacts of an envelope; one that is malformed costs only itself."""
    found: list[Endpoint] = []
    for contact in contacts:
        with contextlib.suppress(BadInput):
            found.append(parse_endpoint(contact))
    return tuple(found)


def find_refused(
    contacts: Iterable[str], trackers: Iterable[TrackerAddress], rules: TrackerRules
) -> tuple[str, ...]:
    """Say what is never used of what an envelope names, and why: one clause each, fit to be shown."""
    unique = tuple(dict.fromkeys(contacts))
    found = [
        *_refused_contacts(unique),
        *_refused_trackers(trackers, rules),
        *(
            [f"only the first {MOST_CONTACTS} of {len(unique)} addresses are called"]
            if len(unique) > MOST_CONTACTS
            else []
        ),
    ]
    return tuple(dict.fromkeys(found))


def tell_refused(clauses: tuple[str, ...]) -> str:
    """Make one sentence of what is not used; a long list is cut."""
    more = len(clauses) - _MOST_SAID
    shown = "; ".join(clauses[:_MOST_SAID]) + (f"; and {more} more" if more > 0 else "")
    return f"Not used of what the envelope names: {shown}"


def show_tracker(url: str) -> str:
    """Return host and port of a tracker, which may be shown, unlike the rest of its announce URL."""
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
