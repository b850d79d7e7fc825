"""How members reach each other: addresses and trackers.

Owns what follows from the settings for that; swarms and trackers themselves are other rooms.
"""
