"""The main screen and the dialogs above it.

A screen composes widgets and owns its keys; it must not follow the agent.
"""
