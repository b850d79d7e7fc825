"""The daemon and only composition root.

Owns the life cycle and wires the other rooms together. Its own rooms, each of which knows only those below it:

- `clients`: what clients of the API see and order
- `shares` and `downloads`: the drop and the inbox pipeline
- `folders`: events, scans, and when an entry is complete
- `network`: addresses, trackers and the way to them
- `state`: what survives a restart
- `process`: the agent as a process among others

Must not draw anything and must not know who is on the other end of the API. What works without an agent, such as
sealing and the store, also serves the commands.
"""
