"""Mailboxes on a hub, as hub and agents speak about them.

Owns the messages, the enrolment string, and the client; ../../hub/SPEC.md describes the formats. Must not seal or open
a parcel, and must not keep one: the agent and the hub do.
"""
