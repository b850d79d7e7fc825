"""The commands about introductions that others make: ``introductions …``.

Owns names, help and defaults; the work is in `tuishare.cli.introductions`.
"""

from __future__ import annotations

from typing import Annotated

import typer

from tuishare.cli.options import AsJson

introductions = typer.Typer(
    help="Users whom others introduce to you: accept or decline them.", invoke_without_command=True
)

_Chosen = Annotated[list[str], typer.Argument(metavar="NAME|ID...", help="Name, or beginning of an id.")]


@introductions.callback()
def default(context: typer.Context) -> None:
    """Users whom others introduce to you: accept or decline them. Without a command: list them."""
    if context.invoked_subcommand is None:
        from tuishare.cli.introductions import list_introductions

        list_introductions(given=False, as_json=False)


@introductions.command("list")
def list_(
    given: Annotated[
        bool, typer.Option("--given", help="Those that you make, and what became of them.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List whom others introduce to you."""
    from tuishare.cli.introductions import list_introductions

    list_introductions(given=given, as_json=as_json)


@introductions.command("accept")
def accept(
    chosen: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME|ID]...", help="Name, or beginning of an id.")
    ] = None,
    name: Annotated[str, typer.Option("--as", metavar="NAME", help="Your name for them.")] = "",
    to: Annotated[
        list[str], typer.Option("--to", metavar="@GROUP", help="They join it; may be repeated.")
    ] = [],  # noqa: B006
    trust: Annotated[bool, typer.Option("--trust", help="What they send needs no approval.")] = False,
    always_from: Annotated[
        str,
        typer.Option(
            "--always-from", metavar="USER", help="Accept whom this user introduces, now and later."
        ),
    ] = "",
) -> None:
    """Accept introductions: the introduced become users, not verified until you compare fingerprints."""
    from tuishare.cli.introductions import accept

    accept(chosen or (), name=name, groups=to, admitted=trust, always_from=always_from)


@introductions.command("decline")
def decline(chosen: _Chosen) -> None:
    """Decline introductions, also when the same user makes them again."""
    from tuishare.cli.introductions import decline

    decline(chosen)


@introductions.command("ask")
def ask(user: Annotated[str, typer.Argument(metavar="USER", help="Whose introductions.")]) -> None:
    """Ask about each introduction by a user again, after --always-from."""
    from tuishare.cli.introductions import follow

    follow(user, introduces=False)
