"""The agent: the background process, and the composition root of the rooms below.

Owns the life cycle. Its own rooms, each of which knows only those below it:

- `service`: implements the API
- `link`: hands sealed envelopes over to contacts, and takes theirs
- `shares` and `downloads`: twin rooms, from a drop folder to a seeded share and from an envelope to a delivered payload
- `folders`: file events, scans, and when an entry is complete
- `network`: addresses, trackers and overload
- `state`: database, activity log, retries
- `process`: log, memory allocator, messages to systemd

Must not draw anything, and must not know the clients of the API. Code that works without an agent is in `core`.
"""
