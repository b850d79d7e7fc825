"""Homes of people who know each other."""

from tests.agent.conftest import alice, bob, carol, mallory, root

__all__ = ["alice", "bob", "carol", "mallory", "root"]
