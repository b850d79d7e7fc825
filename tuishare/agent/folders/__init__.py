"""Folders: file events, scans, fingerprints, and when an entry is complete.

Owns the observation of files. Must not know what is done with them.
"""
