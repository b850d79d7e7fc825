"""The settings file: its model, editing it with comments kept, and mistakes with file, line and key.

Owns ``config.toml``, and what rates, schedules, sizes and dates mean in it. Must not act on a setting.
"""
