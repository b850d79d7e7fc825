"""The agent as an operating system process: its log, its memory allocator, and its messages to systemd.

Must not know shares or downloads.
"""
