"""Options of several commands. Owns their names and help, which are the same everywhere."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tuishare.config.model import Transport

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
KeyText = Annotated[
    str | None,
    typer.Option("--key", metavar="HEX", help="64 hex digits. Other users can see it: prefer --key-file."),
]
KeyFile = Annotated[
    str | None,
    typer.Option("--key-file", metavar="FILE", help="File with the key, - for stdin. Default: TUISHARE_KEY."),
]


class TransportChoice(StrEnum):
    """Who can join the swarm."""

    TLS = "tls"
    PLAIN = "plain"

    @property
    def word(self) -> Transport:
        """The value in settings and records."""
        return "tls" if self is TransportChoice.TLS else "plain"
