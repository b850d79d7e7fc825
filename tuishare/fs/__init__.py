"""Files: written whole or not at all, flushed to disk, private where they hold secrets.

Owns atomic publishing, fsync and the checks of private files. Must not know what files hold.
"""
