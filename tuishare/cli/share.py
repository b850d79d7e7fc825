"""``tuishare share``: share a file or folder outside the drop folders.

Owns the options and the output; the agent does the work.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tuishare.api.messages import NewShare
from tuishare.cli.agent import ask_agent
from tuishare.cli.json_output import print_json
from tuishare.cli.terminal import say
from tuishare.config.expiry import parse_expiry
from tuishare.config.model import Transport
from tuishare.errors import BadInput
from tuishare.fs.atomic import require_text
from tuishare.presentation.problems import no_recipients
from tuishare.sanitize import for_display

_NOTE: Final = 500  # characters; the same limit as in envelopes


@dataclass(frozen=True, slots=True)
class ShareOptions:
    """The options of the command line; `expires` as typed, or empty."""

    path: Path
    users: tuple[str, ...]
    transport: Transport = "tls"
    note: str = ""
    expires: str = ""


def share_path(options: ShareOptions, *, as_json: bool) -> None:
    """Share a file or folder; print the id of the share.

    Raises:
        BadInput: no recipients were given, or an option is invalid.
        NotFound: the path, a user or a group does not exist.
        Refused: it is in a drop folder, is being hashed or sealed, or a present recipient was not named.
    """
    new = _make_order(options)
    taken = ask_agent(lambda client: client.share(new))
    if as_json:
        print_json(taken)
    else:
        print(taken.id, flush=True)
    say(f"Sharing “{for_display(Path(new.path).name)}” with {', '.join(new.recipients)}.")


def _make_order(options: ShareOptions) -> NewShare:
    if not options.users:
        raise no_recipients()
    if len(options.note) > _NOTE:
        raise BadInput(f"The note has {len(options.note):,} characters", hint=f"A note has at most {_NOTE}.")
    path = os.path.abspath(options.path)  # “..” as in the shell, without following links
    require_text(path)  # a request carries UTF-8 only
    return NewShare(
        path=path,
        recipients=options.users,
        transport=options.transport,
        note=options.note,
        not_after=parse_expiry(options.expires, time.time()) if options.expires else 0,
    )
