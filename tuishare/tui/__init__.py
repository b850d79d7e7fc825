"""The full-screen dashboard.

Owns what a person sees and which keys answer. It knows the agent only through `tuishare.api`, runs in its own process
without threads, and must not read the agent's files. Every text that others chose passes `tuishare.tui.formats` before
it is shown (threat T14).
"""
