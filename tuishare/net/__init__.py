"""The network beneath BitTorrent: addresses, endpoints, proxies, connection and rate limits.

Owns which addresses may be contacted, how many connections and descriptors may be open, and the HTTP listener that
enforces it. Must not know torrents, envelopes or users.
"""
