"""``tuishare doctor``: checks of this home and this machine.

Owns the checks and the output of their results. Must not change anything.
"""
