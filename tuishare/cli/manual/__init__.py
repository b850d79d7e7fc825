"""What a person reads about the commands apart from ``--help``: man pages and the topics of ``tuishare help``.

Owns the reading of the declared commands, which completion uses as well, and the form of a man page. Must not declare
commands, nor depend on how typer represents them: what it is told is read, not what it makes of that.
"""
