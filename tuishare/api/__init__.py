"""What the agent and its clients say to each other.

Owns the messages, the table of operations, the HTTP server on a Unix socket and the client made from that table, and
the answers that need a home's files only. Must not know how a share is made, sealed or seeded (the agent hands in an
`AgentService`), nor how anything is displayed: names travel as they are and are made safe where they are shown.
"""
