"""``tuishare user introduce`` and ``tuishare introductions``: users become known by another user's word.

Owns the dialogue with the user of the command. The rules are in `tuishare.agent.link`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tuishare.api.messages import (
    GivenIntroduction,
    GroupChange,
    Introduction,
    IntroductionAccepted,
    IntroductionNamed,
    Reloaded,
    UserChange,
    UsersToIntroduce,
)
from tuishare.cli.agent import ask_agent
from tuishare.cli.edit_home import Edited, edit_home, report_effect
from tuishare.cli.json_output import print_json
from tuishare.cli.terminal import print_rows, say
from tuishare.errors import BadInput, NotFound
from tuishare.people import fold_name
from tuishare.presentation.formats import format_timestamp
from tuishare.sanitize import for_display


def introduce_users(names: Sequence[str]) -> None:
    """Introduce users to each other.

    Raises:
        NotFound: there is no such user or group.
        Refused: a named user is not verified, or there are fewer than two.
    """
    introduced = ask_agent(lambda client: client.introduce(UsersToIntroduce(names=tuple(names))))
    users = introduced.users
    say(
        f"{', '.join(users[:-1])} and {users[-1]} are introduced to each other, as soon as their agents answer."
    )
    if introduced.left_out:
        say(f"Left out, because you have not verified them: {', '.join(introduced.left_out)}.")
    say(
        "Each of them decides whether to accept; `tuishare introductions list --given` shows what has arrived."
    )


def introduce_group(names: Sequence[str], *, introduce: bool) -> None:
    """Choose whether the members of groups are introduced to each other, now and as they join.

    Raises:
        BadInput: a user was named instead of a group.
        NotFound: no user is in such a group.
    """
    if users := [name for name in names if not name.startswith("@")]:
        raise BadInput(
            f"{for_display(users[0])} is not a group", hint="A group is written with an @, such as @crew."
        )
    for name in names:
        edited = _change_group(GroupChange(name=name.removeprefix("@"), introduce=introduce))
        if introduce:
            say(
                f"Members of {for_display(name)} whom you have verified are introduced to each other as they join."
            )
        else:
            say(f"New members of {for_display(name)} are no longer introduced by themselves.")
        report_effect(edited, "link.introduce")


def list_introductions(*, given: bool, as_json: bool) -> None:
    """Print whom others introduce to you, or with `given` whom you introduce to them."""
    both = ask_agent(lambda client: client.introductions())
    if as_json:
        print_json(both)
    elif given:
        print_rows(("introduced", "to", "group", "state"), [_describe_given(each) for each in both.given])
    else:
        rows = [
            (each.id[:8], each.name, each.introducer, _group(each.group), _state(each), each.fingerprint)
            for each in both.received
        ]
        print_rows(("id", "name", "introduced by", "group", "state", "fingerprint"), rows)


def accept(
    chosen: Sequence[str], *, name: str, groups: Iterable[str], admitted: bool, always_from: str
) -> None:
    """Accept introductions, by name or the beginning of their id, and those of a user from now on.

    Raises:
        BadInput: neither was given, or one name for several users.
        NotFound: there is no such introduction, or several are meant.
        Refused: the introducer is not verified.
    """
    if not chosen and not always_from:
        raise BadInput(
            "No introduction was named", hint="Give names or ids, or --always-from USER for all of theirs."
        )
    if name and len(chosen) != 1:
        raise BadInput("--as names one user", hint="Accept one introduction at a time with it.")
    joined = tuple(group.removeprefix("@") for group in groups)
    for found in _find(chosen):
        accepted = IntroductionAccepted(id=found.id, name=name, groups=joined, admitted=admitted)
        known = _accept(accepted)
        approval = "needs no approval" if admitted else "waits for your approval"
        say(
            f"{for_display(known)} is a user now, introduced by {found.introducer}; what they send {approval}."
        )
        say(f"Compare fingerprints when you meet: tuishare user verify {for_display(known)}")
    if always_from:
        follow(always_from, introduces=True)


def follow(name: str, *, introduces: bool) -> None:
    """Choose whether those whom a user introduces become users without a question.

    Raises:
        NotFound: there is no such user.
        Refused: they are not verified.
    """
    edited = edit_home(lambda home: home.change_user(UserChange(name=name, introduces=introduces)))
    known = for_display(edited.answer.id)
    if introduces:
        say(f"Those whom {known} introduces become unverified users without a question, now and later.")
        say(f"To be asked again: tuishare introductions ask {known}")
    else:
        say(f"You are asked about each introduction by {known}; users who were accepted stay.")
    report_effect(edited)


def decline(chosen: Sequence[str]) -> None:
    """Decline introductions, by name or the beginning of their id.

    Raises:
        NotFound: there is no such introduction, or several are meant.
    """
    for found in _find(chosen):
        _decline(IntroductionNamed(id=found.id))
        say(f"Declined: {for_display(found.name)}, introduced by {found.introducer}.")


def _change_group(change: GroupChange) -> Edited[Reloaded]:
    return edit_home(lambda home: home.change_group(change))


def _accept(accepted: IntroductionAccepted) -> str:
    return ask_agent(lambda client: client.accept_introduction(accepted)).id


def _decline(named: IntroductionNamed) -> None:
    ask_agent(lambda client: client.decline_introduction(named))


def _find(chosen: Sequence[str]) -> list[Introduction]:
    if not chosen:
        return []
    received = ask_agent(lambda client: client.introductions()).received
    return [_find_one(received, each) for each in dict.fromkeys(chosen)]


def _find_one(received: Sequence[Introduction], wanted: str) -> Introduction:
    named = [each for each in received if fold_name(each.name) == fold_name(wanted)]
    found = named or [each for each in received if wanted and each.id.startswith(wanted)]
    if len({each.fingerprint for each in found}) != 1:
        what = "There is no such introduction" if not found else "Several introductions are meant"
        raise NotFound(
            f"{what}: '{for_display(wanted)}'", hint="`tuishare introductions` shows them with their ids."
        )
    return found[0]


def _state(introduction: Introduction) -> str:
    if introduction.declined:
        return "declined"
    return "waits, name taken" if introduction.taken else "waits"


def _group(group: str) -> str:
    return f"@{group}" if group else ""


def _describe_given(given: GivenIntroduction) -> tuple[str, str, str, str]:
    when = f" {format_timestamp(given.at)}" if given.state != "waiting" else ""
    detail = f": {given.detail}" if given.detail else ""
    return given.introduced, given.user, _group(given.group), f"{given.state}{when}{detail}"
