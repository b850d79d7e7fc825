"""The hub: an always-on helper that keeps parcels for agents that are not on-line together, and makes them reachable.

Owns the server behind ``tuishare hub run``: members, mailboxes, lent ports, their limits, the folder that holds them,
and the socket for its operator; SPEC.md describes what it speaks. A hub has no identity and opens nothing. Must not
know agents, users or envelopes: it sees mailboxes, sizes and addresses.
"""
