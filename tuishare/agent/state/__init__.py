"""What survives a restart: the database, its records, and what is done when the disk refuses or the file is damaged.

Owns writing and reading. Must not decide anything.
"""
