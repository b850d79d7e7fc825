"""What fills the terminal: the main screen and what lies above it.

A screen puts widgets together and owns its keys; it must not follow the agent.
"""
