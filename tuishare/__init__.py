"""tuishare: private file sharing for people who know each other.

The rooms, outermost first: ``cli``, ``tui`` and ``agent``, ``api``, ``tracker`` and ``swarm``, ``torrents``,
``envelope`` and ``people``, ``config``, ``paths``, ``errors``. A room imports only rooms to its right.
"""

__version__ = "0.1.0"
