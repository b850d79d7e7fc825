"""Shared by agent and commands: records, database, sealing, opening, our own addresses, the home lock.

Owns what works without a running agent. Must not start an event loop or a thread of its own.
"""
