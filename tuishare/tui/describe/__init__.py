"""The text about the selected entry, as Textual content.

Owns its wording and order. Pure; untrusted text is made safe here.
"""
