"""What desktops, shells and ``man`` look for below ``share``: MIME types, desktop entries, scripts, pages, completion.

Owns these files, as they lie below ``share``, and their installation for one user. The Debian package installs the same
for all users. Must not start or know an agent: everything works by commands.
"""
