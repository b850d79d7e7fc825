"""What clients of the API see and order, translated to and from the pipelines.

Owns no state of its own. Must not know who the clients are.
"""
