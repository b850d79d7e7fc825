"""Completion in shells: what can stand where the cursor is.

Owns the scripts for the shells and what they call, ``tuishare --complete LINE``. It must not keep a person waiting, so
it loads no HTTP client and no terminal library; and it must not fail aloud.
"""
