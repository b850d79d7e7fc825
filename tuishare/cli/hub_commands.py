"""The commands about a hub: ``hub …``.

Owns names, help and defaults; the work is in `tuishare.cli.hub`.
"""

from __future__ import annotations

from typing import Annotated

import typer

from tuishare.cli.options import AsJson

hub = typer.Typer(
    help="Run a hub: an always-on machine that keeps envelopes for agents that are off-line.",
    no_args_is_help=True,
)


@hub.command("init")
def init(
    address: Annotated[
        str, typer.Argument(metavar="HOST:PORT", help="Where members and their contacts reach this hub.")
    ],
) -> None:
    """Make a hub on this machine, with its settings file; prints the path of that file."""
    from tuishare.cli.hub import init_hub

    init_hub(address)


@hub.command("run")
def run(verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")] = False) -> None:
    """Run the hub in the foreground (what systemd runs)."""
    from tuishare.cli.hub import run_foreground

    run_foreground(verbose=verbose)


@hub.command("invite")
def invite(
    name: Annotated[str, typer.Argument(help="Your name for the member.")],
    days: Annotated[int, typer.Option(min=1, max=365, help="How long the string may be used.")] = 7,
    as_json: AsJson = False,
) -> None:
    """Print a string by which one agent becomes a member of the hub that runs here."""
    from tuishare.cli.hub import invite_member

    invite_member(name, days, as_json=as_json)


@hub.command("join")
def join(
    string: Annotated[
        str,
        typer.Argument(metavar="STRING|FILE|-", help="Of the operator of a hub: text, file, or - for stdin."),
    ],
    as_json: AsJson = False,
) -> None:
    """Become a member of a hub: it keeps for you what comes while your agent is off-line."""
    from tuishare.cli.hub import join_hub

    join_hub(string, as_json=as_json)


@hub.command("status")
def status(as_json: AsJson = False) -> None:
    """Show how the hub is that runs here."""
    from tuishare.cli.hub import print_status

    print_status(as_json=as_json)


@hub.command("members")
def members(as_json: AsJson = False) -> None:
    """List the members of the hub, and what waits in their mailboxes."""
    from tuishare.cli.hub import print_members

    print_members(as_json=as_json)


@hub.command("remove")
def remove(
    name: Annotated[str, typer.Argument(help="Of a member, or of a string that was not used yet.")],
    as_json: AsJson = False,
) -> None:
    """Remove a member with everything in the mailbox, or cancel a string."""
    from tuishare.cli.hub import remove_member

    remove_member(name, as_json=as_json)
