"""What we receive: from an envelope in the inbox to a payload in its place, and what becomes of it.

Owns the records of downloads while the agent runs. Must not know shares.
"""
