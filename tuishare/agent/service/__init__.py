"""Implements the API: translates requests and answers of clients to and from the parts of the agent.

Owns the translation, and no state of its own. Must not know who the clients are.
"""
