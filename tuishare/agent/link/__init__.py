"""Links as the agent uses them: sealed envelopes reach the inboxes of their recipients by themselves.

Owns who is called and when, what waits to be handed over, what is taken, and the address records of this agent and of
its users. The conversation itself is in `tuishare.link`. Must not seal, open or judge an envelope: what arrives goes
into the inbox, like a file that was carried there.

Everything is recorded before its side effect: whatever ends the agent, each envelope is handed over, and once only.
"""
