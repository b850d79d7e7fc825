"""What happens in folders: events, scans, and when an entry is complete.

Owns looking at files, never what is made of them.
"""
