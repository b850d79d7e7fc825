"""The commands about people: ``card`` and ``user …``.

Owns names, help and defaults; the work is in `tuishare.cli.cards` and `tuishare.cli.users`, imported when it is asked
for.
"""

from __future__ import annotations

from typing import Annotated

import typer

from tuishare.cli.options import AsJson, KeyFile, KeyText
from tuishare.errors import BadInput

user = typer.Typer(help="Who may receive from you, and whose files you take.", no_args_is_help=True)

_Name = Annotated[str, typer.Argument(metavar="NAME", help="Your name for this user.")]
_Groups = Annotated[list[str], typer.Option("--group", "-g", metavar="GROUP", help="May be repeated.")]


def card(as_json: AsJson = False) -> None:
    """Print your card: give it to those who want to send you something or get something from you."""
    from tuishare.cli.cards import print_card

    print_card(as_json=as_json)


@user.command("add")
def add(
    name: _Name,
    card: Annotated[
        str | None, typer.Argument(metavar="[CARD|FILE|-]", help="His card: text, file, or - for stdin.")
    ] = None,
    key: KeyText = None,
    key_file: KeyFile = None,
    new_key: Annotated[bool, typer.Option("--new-key", help="No card: make a key and print it.")] = False,
    group: _Groups = [],  # noqa: B006
    verified: Annotated[
        bool, typer.Option("--verified", help="You have compared his fingerprint already.")
    ] = False,
) -> None:
    """Add somebody, by his card (best) or by a key that both of you have."""
    from tuishare.cli.cards import read_card
    from tuishare.cli.secrets import read_key
    from tuishare.cli.users import add_user
    from tuishare.people import UserDraft

    if sum((card is not None, key is not None or key_file is not None, new_key)) > 1:
        raise BadInput("A card, a key and --new-key exclude each other", hint="Give one of them.")
    # TUISHARE_KEY is meant for whoever gave neither.
    own_key = None if card is not None or new_key else read_key(key, key_file)
    if card is None and own_key is None and not new_key:
        raise BadInput(
            "Neither a card nor a key was given",
            hint="Paste the card after the name, or use --key-file or --new-key.",
        )
    add_user(
        UserDraft(
            name=name,
            card=None if card is None else read_card(card),
            key=own_key,
            groups=tuple(group),
            verified=verified,
        )
    )


@user.command("list")
def list_(as_json: AsJson = False) -> None:
    """Show everybody you know; keys are not shown."""
    from tuishare.cli.users import list_users

    list_users(as_json=as_json)


@user.command("remove")
def remove(name: _Name) -> None:
    """Forget somebody."""
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
    """Confirm that a card is really his; without a fingerprint, you are shown it and asked."""
    from tuishare.cli.users import verify_user

    verify_user(name, " ".join(fingerprint or ()))


@user.command("replace")
def replace(
    name: _Name,
    card: Annotated[str, typer.Argument(metavar="CARD|FILE|-", help="Text, file, or - for stdin.")],
) -> None:
    """Know somebody by his new card, or by what `user rotate` printed for him."""
    from tuishare.cli.cards import read_text
    from tuishare.cli.users import replace_user

    replace_user(name, read_text(card))


@user.command("accept-raw")
def accept_raw(
    name: _Name,
    no: Annotated[bool, typer.Option("--no", help="Do not take them any more.")] = False,
) -> None:
    """Take files in the prototype's raw form, which have no sender, that the key of somebody opens."""
    from tuishare.cli.users import accept_raw

    accept_raw(name, accepted=not no)


@user.command("rotate")
def rotate(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Somebody with a key.")] = None,
    ourselves: Annotated[bool, typer.Option("--self", help="Replace your own keys and card.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Replace a key: of somebody who has one, or with --self all of your own."""
    from tuishare.cli.rotate import rotate_key, rotate_ourselves

    if (name is not None) == ourselves:
        raise BadInput("Say whose key is to be replaced", hint="Name somebody with a key, or use --self.")
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
    """Put somebody into groups, or take him out; @GROUP stands for all who are in it when something is shared.

    What is shared already stays for whom it was sealed: `tuishare again` seals it for those who are in it now.
    """
    from tuishare.cli.users import regroup_user

    regroup_user(name, join=add, leave=remove)
