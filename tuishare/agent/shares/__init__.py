"""What we share: from an entry of a drop folder to a seeded share, and what becomes of it.

Owns the records of shares and their recipients while the agent runs. Must not know downloads.
"""
