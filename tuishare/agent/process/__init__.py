"""The agent as a process among others: one per home, what it tells systemd and the log.

Must not know shares or downloads.
"""
