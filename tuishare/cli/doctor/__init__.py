"""``tuishare doctor``: checks of this home and this machine.

Owns the checks and how their results are printed. Must not change anything.
"""
