"""People: users, groups, introductions, and the agent's own card."""

from __future__ import annotations

from typing import Final

from tuishare.api.messages import (
    CardInfo,
    CardText,
    GroupChange,
    Introduction,
    IntroductionAccepted,
    IntroductionNamed,
    NewUser,
    Snapshot,
    User,
    UserChange,
    UserKind,
    UserNamed,
    UsersToIntroduce,
)
from tuishare.errors import BadInput, NotFound
from tuishare.presentation.consequences import (
    KEY_REPLACED,
    KEYS_REPLACED,
    KEYS_STOLEN,
    REVOKE_CANNOT,
    REVOKE_DOES,
    USER_REMOVED,
)
from tuishare.presentation.formats import format_count
from tuishare.presentation.pasted_input import CARD_PREFIX, find_card, split_groups
from tuishare.presentation.row_models import Group, Person, list_people
from tuishare.web.live_list import LiveList
from tuishare.web.pages.common import require_member
from tuishare.web.visit import LiveStream, Moved, Page, Visit, path_of


def _key(person: Person) -> str:
    match person:
        case Group(name=name):
            return f"@{name}"
        case Introduction(id=id_):
            return f"?{id_}"
        case _:
            return person.name


PEOPLE: Final = LiveList("person_row", list_people, _key, lambda person: person.name, into="rows")


async def list_users(visit: Visit) -> Page:
    """Show introductions, users and groups."""
    return PEOPLE.show(visit, await visit.agent.snapshot(), "people", "/people/live", {})


async def follow_people(visit: Visit) -> LiveStream:
    """Keep the list current."""
    return PEOPLE.follow(visit)


async def show_card(visit: Visit) -> Page:
    """Show the agent's own card."""
    return Page("card", {"people": await visit.agent.people()})


async def ask_new_keys(visit: Visit) -> Page:
    """Ask before the agent's own keys are replaced."""
    people = await visit.agent.people()
    return _question(
        visit,
        "Replace your keys?",
        "your present card",
        [people.words, people.fingerprint],
        f"{KEYS_REPLACED} {KEYS_STOLEN}",
        yes="Replace",
        back="/card",
    )


async def replace_keys(visit: Visit) -> Moved:
    """Replace the agent's own keys."""
    fingerprint = (await visit.agent.rotate_identity()).id
    return Moved("/card", f"Your new card's fingerprint is {fingerprint}.")


async def ask_new_user(visit: Visit) -> Page:
    """Ask for a card or key; show the content of a card that was pasted."""
    card = find_card(visit.form.exact("card"))
    seen: CardInfo | None = None
    if card and card.startswith(CARD_PREFIX) and not visit.error:
        seen = await visit.agent.card_seen(CardText(card=card))
    return Page("new-user", {"seen": seen, "card": card})


async def look_at_card(visit: Visit) -> Page:
    """Show what a pasted card says, to be compared before the user is added.

    Raises:
        BadInput: it is no card.
    """
    if not find_card(visit.form.exact("card")).startswith(CARD_PREFIX):
        raise BadInput(f"A card begins with {CARD_PREFIX}", hint="Paste the whole card.")
    return await ask_new_user(visit)


async def add_user(visit: Visit) -> Moved | Page:
    """Add a user; a key that was made is shown this once.

    Raises:
        BadInput: a field is missing.
        TuishareError: from the agent.
    """
    form = visit.form
    if not form.text("name"):
        raise BadInput("No name is given", hint="Type your name for this user.")
    new = NewUser(
        name=require_member(form.text("name")),
        card=find_card(form.exact("card")),
        key=form.text("key"),
        groups=split_groups(form.text("groups")),
        verified=form.selected("verified"),
    )
    added = await visit.agent.add_user(new)
    if added.key:
        return Page("new-key", {"name": added.name, "key": added.key})
    return Moved(path_of("people", added.name), f"Added {added.name}{', verified' if new.verified else ''}.")


async def show_user(visit: Visit) -> Page:
    """Show one user, and ask for changes."""
    snapshot = await visit.agent.snapshot()
    user = _find_user(snapshot, visit)
    link = next((link for link in snapshot.links if link.user == user.name), None)
    shares = [
        (share, delivery)
        for share in sorted(snapshot.shares, key=lambda share: -share.added)
        for delivery in share.deliveries
        if delivery.user == user.name
    ]
    return Page("user", {"user": user, "link": link, "shares": shares[:20], "more": len(shares[20:])})


async def change_user(visit: Visit) -> Moved:
    """Change groups, trust or card of a user; what was not changed is not sent."""
    user, form = _find_user(await visit.agent.snapshot(), visit), visit.form

    def chosen(field: str, before: bool) -> bool | None:
        asked, now = f"ask-{field}" in form, form.selected(field)
        return now if asked and now is not before else None

    groups = split_groups(form.text("groups"))
    change = UserChange(
        name=user.name,
        groups=None if groups == user.groups else groups,
        verified=chosen("verified", user.verified),
        accept_raw=chosen("raw", user.accept_raw),
        admitted=chosen("admitted", user.admitted),
        introduces=chosen("introduces", user.introduces),
        card=find_card(form.exact("card")) or None,
        fingerprint=form.text("fingerprint"),
    )
    if change == UserChange(name=user.name, fingerprint=change.fingerprint):
        return Moved(path_of("people", user.name), "Nothing was changed.")
    await visit.agent.change_user(change)
    return Moved(path_of("people", user.name), f"Changed {user.name}.")


async def ask_remove_user(visit: Visit) -> Page:
    """Ask before a user is removed."""
    user = _find_user(await visit.agent.snapshot(), visit)
    facts = []
    if user.shares:
        facts.append(f"They still have tickets for {format_count(user.shares, 'share')}: revoke these first.")
    back = path_of("people", user.name)
    return _question(visit, "Remove this user?", user.name, facts, USER_REMOVED, yes="Remove", back=back)


async def remove_user(visit: Visit) -> Moved:
    """Remove a user."""
    name = require_member(visit.params["user"])
    await visit.agent.remove_user(UserNamed(name=name))
    return Moved("/people", f"Removed {name}.")


async def ask_revoke_user(visit: Visit) -> Page:
    """Ask before a user is revoked everywhere."""
    user = _find_user(await visit.agent.snapshot(), visit)
    facts = [f"from {format_count(user.shares, 'share')}"]
    lost = f"{REVOKE_DOES} {REVOKE_CANNOT}"
    back = path_of("people", user.name)
    return _question(visit, "Revoke everywhere?", user.name, facts, lost, yes="Revoke everywhere", back=back)


async def revoke_user(visit: Visit) -> Moved:
    """Revoke a user everywhere."""
    name = require_member(visit.params["user"])
    await visit.agent.revoke_user(UserNamed(name=name))
    return Moved(path_of("people", name), f"Revoked {name} everywhere.")


async def ask_new_key(visit: Visit) -> Page:
    """Ask before the key of a user is replaced.

    Raises:
        NotFound: there is no such user with a key.
    """
    user = _find_user(await visit.agent.snapshot(), visit)
    if user.kind is not UserKind.KEY:
        raise NotFound("This user has a card, not a key", hint="A card is replaced by pasting the new one.")
    back = path_of("people", user.name)
    return _question(visit, "Make a new key?", user.name, [], KEY_REPLACED, yes="Make a new key", back=back)


async def make_key(visit: Visit) -> Page:
    """Replace the key of a user, and show the new one this once."""
    added = await visit.agent.new_key(UserNamed(name=require_member(visit.params["user"])))
    return Page("new-key", {"name": added.name, "key": added.key})


async def show_group(visit: Visit) -> Page:
    """Show a group, and ask whether its members are introduced to each other."""
    return Page("group", {"group": _find_group(await visit.agent.snapshot(), visit)})


async def change_group(visit: Visit) -> Moved:
    """Choose whether new members are introduced by themselves."""
    name = require_member(visit.params["group"])
    await visit.agent.change_group(GroupChange(name=name, introduce=visit.form.selected("introduce")))
    return Moved(path_of("groups", name), f"Changed @{name}.")


async def introduce(visit: Visit) -> Moved:
    """Introduce the present members to each other."""
    name = require_member(visit.params["group"])
    introduced = await visit.agent.introduce(UsersToIntroduce(names=(f"@{name}",)))
    left_out = f" Not verified: {', '.join(introduced.left_out)}." if introduced.left_out else ""
    return Moved(
        path_of("groups", name), f"{len(introduced.users)} users are introduced to each other.{left_out}"
    )


async def show_introduction(visit: Visit) -> Page:
    """Show whom a user introduces, and ask whether they become a user."""
    return Page("introduction", {"introduction": _find_introduction(await visit.agent.snapshot(), visit)})


async def accept_introduction(visit: Visit) -> Moved:
    """Make the introduced a user, not verified."""
    form = visit.form
    introduction = _find_introduction(await visit.agent.snapshot(), visit)
    accepted = await visit.agent.accept_introduction(
        IntroductionAccepted(
            id=introduction.id,
            name=form.text("name"),
            groups=split_groups(form.text("groups")),
            admitted=form.selected("admitted"),
        )
    )
    if form.selected("always"):
        await visit.agent.change_user(UserChange(name=introduction.introducer, introduces=True))
    return Moved(
        path_of("people", accepted.id),
        f"{accepted.id} is a user now, introduced by {introduction.introducer}.",
    )


async def decline_introduction(visit: Visit) -> Moved:
    """Decline an introduction."""
    introduction = _find_introduction(await visit.agent.snapshot(), visit)
    await visit.agent.decline_introduction(IntroductionNamed(id=introduction.id))
    return Moved("/people", f"Declined: {introduction.name}.")


def _question(
    visit: Visit, heading: str, name: str, facts: list[str], consequence: str, *, yes: str, back: str
) -> Page:
    values = {"heading": heading, "name": name, "facts": facts, "consequence": consequence}
    return Page("question", {**values, "yes": yes, "back": back, "action": visit.request.rel_url.raw_path})


def _find_user(snapshot: Snapshot, visit: Visit) -> User:
    """Return the user of the path.

    Raises:
        NotFound: there is none.
    """
    for user in snapshot.people.users:
        if user.name == visit.params["user"]:
            return user
    raise NotFound("There is no such user", hint="They may have been removed meanwhile.")


def _find_group(snapshot: Snapshot, visit: Visit) -> Group:
    """Return the group of the path.

    Raises:
        NotFound: there is none.
    """
    for person in list_people(snapshot):
        if isinstance(person, Group) and person.name == visit.params["group"]:
            return person
    raise NotFound("There is no such group", hint="A group is there as long as a user is in it.")


def _find_introduction(snapshot: Snapshot, visit: Visit) -> Introduction:
    """Return the introduction of the path.

    Raises:
        NotFound: there is none.
    """
    for introduction in snapshot.people.introductions:
        if introduction.id == visit.params["introduction"]:
            return introduction
    raise NotFound("There is no such introduction", hint="It may have been answered meanwhile.")
