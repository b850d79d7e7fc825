"""Shares: from an entry of a drop folder to a seeded share, and how that ends.

`repository` indexes and saves the records, `transitions` says which step follows which, `admission` takes entries,
`queue` decides what runs when, `pipeline` does the work, `commands` carries out what users order; `downloads` has the
same plan. Owns the records of shares and their recipients while the agent runs. Must not know downloads.
"""
