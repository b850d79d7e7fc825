"""The commands about invitations: ``invite …`` and ``join``.

Owns names, help and defaults; the work is in `tuishare.cli.invitations`.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import typer
from typer.core import TyperGroup

from tuishare.cli.options import AsJson


class _DefaultGroup(TyperGroup):
    """A group in which one command needs no name: ``invite NAME``, ``join STRING``."""

    default_command: ClassVar[str]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = [self.default_command, *args]
        return super().parse_args(ctx, args)


class _InviteGroup(_DefaultGroup):
    default_command = "new"


class _JoinGroup(_DefaultGroup):
    default_command = "use"


invite = typer.Typer(
    help="Make a string by which one person and you become known to each other.", cls=_InviteGroup
)
join = typer.Typer(help="Use an invitation that you received.", cls=_JoinGroup)

_Invitation = Annotated[str, typer.Argument(metavar="INVITATION", help="Its id, or the beginning of that.")]
_Who = Annotated[
    str,
    typer.Argument(
        metavar="[NAME]", help="The name on their card, or its fingerprint, if several ask to join."
    ),
]


def register(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.add_typer(invite, name="invite")
    app.add_typer(join, name="join")


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
    uses: Annotated[
        int, typer.Option(min=1, max=1000, help="How many may join by it; more than one are not verified.")
    ] = 1,
    ask: Annotated[bool, typer.Option("--ask", help="You approve each of them first.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print an invitation; `invite NAME` does the same."""
    from tuishare.cli.invitations import InviteOptions
    from tuishare.cli.invitations import invite as make

    make(InviteOptions(name, tuple(to), expires, uses, ask), as_json=as_json)


@invite.command("approve")
def approve(
    id_: _Invitation,
    who: _Who = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show who asks to join by an invitation, and let them in after a confirmation."""
    from tuishare.cli.invitations import answer

    answer(id_, who, approve=True, agreed=yes, as_json=as_json)


@invite.command("decline")
def decline(id_: _Invitation, who: _Who = "", as_json: AsJson = False) -> None:
    """Never let in one who asks to join by an invitation."""
    from tuishare.cli.invitations import answer

    answer(id_, who, approve=False, agreed=True, as_json=as_json)


@invite.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the invitations that you gave out, who used them, and who tried."""
    from tuishare.cli.invitations import list_invitations

    list_invitations(as_json=as_json)


@invite.command("cancel")
def cancel(id_: _Invitation, as_json: AsJson = False) -> None:
    """Cancel an invitation; the users whom it has added are revoked everywhere and removed."""
    from tuishare.cli.invitations import cancel_invitation

    cancel_invitation(id_, as_json=as_json)


@join.command("use")
def use(
    invitation: Annotated[
        str, typer.Argument(metavar="STRING|FILE|-", help="The invitation: text, file, or - for stdin.")
    ],
    as_json: AsJson = False,
) -> None:
    """Use an invitation: its sender and you become known to each other; `join STRING` does the same."""
    from tuishare.cli.invitations import join as redeem

    redeem(invitation, as_json=as_json)


@join.command("list")
def list_joins_(as_json: AsJson = False) -> None:
    """List the invitations whose senders your agent calls again."""
    from tuishare.cli.invitations import list_joins

    list_joins(as_json=as_json)


@join.command("cancel")
def cancel_join_(
    id_: Annotated[str, typer.Argument(metavar="JOIN", help="Its id, or the beginning of that.")],
    as_json: AsJson = False,
) -> None:
    """Call the sender of an invitation no longer."""
    from tuishare.cli.invitations import cancel_join

    cancel_join(id_, as_json=as_json)
