"""The file system: atomic writes, fsync, private files, folders to choose from.

Owns atomic publishing, fsync, the checks of private files, and the bounds of looking around. Must not know what
files hold.
"""
