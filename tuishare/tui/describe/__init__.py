"""Texts of the detail views: pure functions from messages to lines."""
