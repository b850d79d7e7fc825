"""The commands about invitations: ``invite …`` and ``join``.

Owns names, help and defaults; the work is in `tuishare.cli.invitations`.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from tuishare.cli.options import AsJson


class _InviteGroup(TyperGroup):
    """``invite NAME`` makes an invitation; only the names of its other commands are taken."""

    default_command = "new"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = [self.default_command, *args]
        return super().parse_args(ctx, args)


invite = typer.Typer(
    help="Make a string by which one person and you become known to each other.", cls=_InviteGroup
)


def register(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.add_typer(invite, name="invite")
    app.command()(join)


@invite.command("new")
def new(
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="Your name for them, instead of their own.")
    ] = "",
    to: Annotated[
        list[str], typer.Option("--to", metavar="@GROUP", help="They join it; may be repeated.")
    ] = [],  # noqa: B006
    expires: Annotated[
        str, typer.Option(metavar="WHEN", help="12h, 7d, 2w, or the last day: 2026-12-31.")
    ] = "7d",
    as_json: AsJson = False,
) -> None:
    """Print an invitation for one person; `invite NAME` does the same."""
    from tuishare.cli.invitations import invite as make

    make(name, to, expires, as_json=as_json)


@invite.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the invitations that you gave out, and who used them."""
    from tuishare.cli.invitations import list_invitations

    list_invitations(as_json=as_json)


@invite.command("cancel")
def cancel(
    id_: Annotated[str, typer.Argument(metavar="INVITATION", help="Its id, or the beginning of that.")],
    as_json: AsJson = False,
) -> None:
    """Cancel an invitation; a user who has used it is revoked everywhere and removed."""
    from tuishare.cli.invitations import cancel_invitation

    cancel_invitation(id_, as_json=as_json)


def join(
    invitation: Annotated[
        str, typer.Argument(metavar="STRING|FILE|-", help="The invitation: text, file, or - for stdin.")
    ],
    as_json: AsJson = False,
) -> None:
    """Use an invitation: its sender and you become known to each other, verified on both sides."""
    from tuishare.cli.invitations import join as redeem

    redeem(invitation, as_json=as_json)
