"""The file system: atomic writes, fsync, private files.

Owns atomic publishing, fsync and the checks of private files. Must not know what files hold.
"""
