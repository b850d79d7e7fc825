"""Messages of the API as text: pure functions, shared by all front ends.

Owns the wording of states, ages, sizes, rates, times, problems, deliveries and trust. Must not draw: glyphs, colours,
cell widths and markup belong to the front end, which also makes untrusted names and details safe to display (threat
T14). Reads no clock: the present moment is an argument.
"""
