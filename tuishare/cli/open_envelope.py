"""``tuishare open``: an envelope that came by hand goes into the inbox.

Owns the words of the command; the agent reads the file and decides what it is.
"""

from __future__ import annotations

import os
from pathlib import Path

from tuishare.api.messages import PathNamed
from tuishare.cli.agent import ask_agent
from tuishare.cli.json_output import print_json
from tuishare.cli.terminal import say
from tuishare.fs.atomic import require_text
from tuishare.sanitize import for_display


def open_envelope(file: Path, *, as_json: bool) -> None:
    """Put an envelope into the inbox.

    Raises:
        BadInput: it is something else than an envelope.
        NotFound: there is nothing at the path.
    """
    path = os.path.abspath(os.path.expanduser(file))
    require_text(path)
    accepted = ask_agent(lambda client: client.open_envelope(PathNamed(path=path)))
    if as_json:
        print_json(accepted)
        return
    say(f"{for_display(accepted.id)} is in the inbox. `tuishare list` shows what becomes of it.")
