"""The link: how the agents of two users who know each other hand envelopes over by themselves.

Owns the link key, address records, receipts, invitations, the messages of a link, the SSH server and client that
carry them, and the conversation; SPEC.md describes the formats. Must not decide what is accepted, keep envelopes or
records, or choose when to call: the agent does.

What imports asyncssh (0.3 s) is imported only where a link is made: `connection`, `server`, `client`.
"""
