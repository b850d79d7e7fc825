"""The full-screen dashboard.

Owns what is drawn and which keys do what. It knows the agent only through `tuishare.api`, runs in its own process
without threads, and must not read the agent's files. Untrusted text passes through `tuishare.tui.cell_text`
before it is shown (threat T14).
"""
