"""The interface between the agent and its clients.

Owns the messages, the table of operations, the HTTP server on a Unix socket and the client made from that table, and
the operations that need only a home's files. Must not know how a share is made, sealed or seeded (the agent passes in
an `AgentService`), nor how anything is displayed: names are transmitted unchanged and made safe where they are shown.
"""
