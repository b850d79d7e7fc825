"""The web page: a front end of the agent for a browser.

Owns accounts, sessions, log-in, the table of pages with the roles that may use them, templates and live updates. It
knows the agent through `tuishare.api` only and has no keys. Must not import libtorrent, open the agent's database, or
show anything without a session, except how to log in.
"""
