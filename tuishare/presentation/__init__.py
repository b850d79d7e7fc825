"""The words for what the agent says: pure functions from messages of the API to text.

Owns how states, ages, sizes, rates, times, problems, deliveries and trust are worded, once for all front ends:
commands, dashboard and web page. Must not draw: glyphs, colours, cell widths and markup belong to the front end, which
also makes names and details safe that others chose (threat T14). Reads no clock: the present moment is an argument.
"""
