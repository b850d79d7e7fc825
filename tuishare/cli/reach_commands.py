"""The commands about being reachable by an SSH server: ``reach …``.

Owns names and help; the work is in `tuishare.cli.reach`.
"""

from __future__ import annotations

import typer

reach = typer.Typer(
    help="Be reachable behind a router by an SSH server that forwards ports.", no_args_is_help=True
)


@reach.command("key")
def key() -> None:
    """Print the line for the authorized_keys file of the account that network.reach names."""
    from tuishare.cli.reach import print_key

    print_key()
