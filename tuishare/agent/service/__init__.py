"""Implements the API: what clients see and ask for, translated to and from the parts of the agent.

Owns no state of its own. Must not know who the clients are.
"""
