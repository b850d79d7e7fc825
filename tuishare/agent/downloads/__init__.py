"""Downloads: from an envelope in the inbox to a payload in its place, and how that is seeded.

`repository` indexes and saves the records, `transitions` says which step follows which, `admission` takes opened
envelopes, `queue` decides what runs when, `pipeline` does the work, `commands` carries out what users order; `shares`
has the same plan. Owns the records of downloads while the agent runs. Must not know shares.
"""
