"""The settings file: its model, edits that keep comments, and errors with file, line and key.

Owns ``config.toml``, and the grammar of rates, schedules, sizes and dates in it. Must not act on a setting.
"""
