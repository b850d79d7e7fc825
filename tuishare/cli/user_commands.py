"""The commands about users: ``card`` and ``user …``.

Owns names, help and defaults; the work is in `tuishare.cli.cards`, `tuishare.cli.users` and `tuishare.cli.rotate`,
imported by the command that needs it.
"""

from __future__ import annotations

from typing import Annotated

import typer

from tuishare.cli.options import AsJson, KeyFile, KeyText
from tuishare.errors import BadInput

user = typer.Typer(help="Users you share with, and whose files you accept.", no_args_is_help=True)

_Name = Annotated[str, typer.Argument(metavar="USER", help="Your name for this user.")]
_Groups = Annotated[list[str], typer.Option("--group", "-g", metavar="GROUP", help="May be repeated.")]


def card(as_json: AsJson = False) -> None:
    """Print your card; give it to the users you exchange files with."""
    from tuishare.cli.cards import print_card

    print_card(as_json=as_json)


@user.command("add")
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Your name for this user.")],
    card: Annotated[
        str | None, typer.Argument(metavar="[CARD|FILE|-]", help="Their card: text, file, or - for stdin.")
    ] = None,
    key: KeyText = None,
    key_file: KeyFile = None,
    new_key: Annotated[bool, typer.Option("--new-key", help="No card: make a key and print it.")] = False,
    group: _Groups = [],  # noqa: B006
    verified: Annotated[
        bool, typer.Option("--verified", help="You have compared their fingerprint already.")
    ] = False,
) -> None:
    """Add a user, by their card (preferred) or by a key that both of you have."""
    from tuishare.api.messages import NewUser
    from tuishare.cli.cards import read_card
    from tuishare.cli.secrets import read_key
    from tuishare.cli.users import add_user
    from tuishare.people import format_key

    if sum((card is not None, key is not None or key_file is not None, new_key)) > 1:
        raise BadInput("A card, a key and --new-key exclude each other", hint="Give one of them.")
    # TUISHARE_KEY is read only where neither was given.
    own_key = None if card is not None or new_key else read_key(key, key_file)
    if card is None and own_key is None and not new_key:
        raise BadInput(
            "Neither a card nor a key was given",
            hint="Paste the card after the name, or use --key-file or --new-key.",
        )
    add_user(
        NewUser(
            name=name,
            card="" if card is None else str(read_card(card)),
            key="" if own_key is None else format_key(own_key),
            groups=tuple(group),
            verified=verified,
        )
    )


@user.command("list")
def list_(as_json: AsJson = False) -> None:
    """List all users; keys are not shown."""
    from tuishare.cli.users import list_users

    list_users(as_json=as_json)


@user.command("remove")
def remove(name: _Name) -> None:
    """Remove a user."""
    from tuishare.cli.users import remove_user

    remove_user(name)


@user.command("verify")
def verify(
    name: _Name,
    fingerprint: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FINGERPRINT]...", help="As it was read to you: 12 words, or 32 characters."),
    ] = None,
) -> None:
    """Mark a user as verified, by the fingerprint that they read to you; without one, you are asked."""
    from tuishare.cli.users import verify_user

    verify_user(name, " ".join(fingerprint or ()))


@user.command("replace")
def replace(
    name: _Name,
    card: Annotated[str, typer.Argument(metavar="CARD|FILE|-", help="Text, file, or - for stdin.")],
) -> None:
    """Replace a user's card: by a new one, or by the line that their `user rotate --self` printed."""
    from tuishare.cli.cards import read_text
    from tuishare.cli.users import replace_user

    replace_user(name, read_text(card))


@user.command("accept-raw")
def accept_raw(
    name: _Name,
    no: Annotated[bool, typer.Option("--no", help="No longer accept them.")] = False,
) -> None:
    """Accept envelopes in the prototype's raw form, which name no sender, that a user's key opens."""
    from tuishare.cli.users import accept_raw

    accept_raw(name, accepted=not no)


@user.command("rotate")
def rotate(
    name: Annotated[str | None, typer.Argument(metavar="[USER]", help="A user with a key.")] = None,
    ourselves: Annotated[bool, typer.Option("--self", help="Replace your own keys and card.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Replace the key of a user who has one, or with --self all of your own keys."""
    from tuishare.cli.rotate import rotate_key, rotate_ourselves

    if (name is not None) == ourselves:
        raise BadInput("No key to replace was named", hint="Name a user with a key, or use --self.")
    if name is None:
        rotate_ourselves(agreed=yes)
    else:
        rotate_key(name)


@user.command("group")
def group(
    name: _Name,
    add: Annotated[list[str], typer.Option("--add", "-a", metavar="GROUP", help="May be repeated.")] = [],  # noqa: B006
    remove: Annotated[list[str], typer.Option("--remove", "-r", metavar="GROUP", help="Likewise.")] = [],  # noqa: B006
) -> None:
    """Add a user to groups, or remove them; @GROUP stands for its members at the time of sharing.

    Existing shares keep their recipients: `tuishare again` seals a share for the present members.
    """
    from tuishare.cli.users import regroup_user

    regroup_user(name, join=add, leave=remove)


@user.command("introduce")
def introduce(
    names: Annotated[
        list[str], typer.Argument(metavar="USER|@GROUP...", help="Who is introduced to each other.")
    ],
    always: Annotated[
        bool, typer.Option("--always", help="A group: also those who join it later, by themselves.")
    ] = False,
    no_longer: Annotated[bool, typer.Option("--no-longer", help="End --always.")] = False,
) -> None:
    """Introduce users to each other: the card of each, with your word, to all others. You must have verified them."""
    from tuishare.cli.introductions import introduce_group, introduce_users

    if always and no_longer:
        raise BadInput("--always and --no-longer exclude each other", hint="Give one of them.")
    if always or no_longer:
        introduce_group(names, introduce=always)
    else:
        introduce_users(names)
