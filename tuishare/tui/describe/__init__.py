"""The text about the selected entry, as Textual content.

Owns what is said of each and in which order. Pure; every foreign text is cleaned here.
"""
