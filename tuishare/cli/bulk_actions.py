"""``tuishare pause``, ``resume``, ``again``, ``forget``, ``delete``, ``approve``, ``reject``.

Owns actions on several entries at once, and the confirmation before files are deleted. The agent knows what an action
does and whether it is possible now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from tuishare.api.client import AgentClient
from tuishare.api.messages import Accepted, DownloadAction, Share, ShareAction
from tuishare.cli.agent import ask_agent
from tuishare.cli.exit_codes import Exit, report
from tuishare.cli.json_output import print_json
from tuishare.cli.lookup import Entries, Entry, fetch_entries, name_kind, require_taken
from tuishare.cli.terminal import ask, can_ask, say
from tuishare.errors import AgentUnreachable, BadInput, Refused, TuishareError
from tuishare.presentation.actions import Action, report_action
from tuishare.presentation.formats import format_amount
from tuishare.sanitize import for_display

_NAME: Final = 80
_PATH: Final = 400


def carry_out(verb: str, words: Sequence[str], *, as_json: bool = False) -> Exit:
    """Carry out one action on every named entry; each failure is reported separately.

    `verb` is a member of `ShareAction`, `DownloadAction` or both. With `as_json` the answers of the successful ones are
    printed as one array.

    Returns:
        The greatest of the exit codes.

    Raises:
        AgentUnreachable: no agent answers.
    """
    chosen, worst = _choose(verb, words, ask_agent(fetch_entries))
    return max(worst, _order(verb, chosen, as_json=as_json))


def delete(words: Sequence[str], *, agreed: bool, as_json: bool) -> Exit:
    """Delete the named entries with their files, after a confirmation unless `agreed`.

    Raises:
        BadInput: confirmation is needed, and this is not a terminal; nothing was deleted.
        Refused: the answer was no; nothing was deleted.
    """
    if not agreed and not can_ask():
        raise BadInput("Cannot ask for confirmation: not a terminal", hint="Use --yes.")
    chosen, worst = _choose(ShareAction.DELETE, words, ask_agent(fetch_entries))
    if chosen and not agreed and not _ask(chosen):
        raise Refused("Nothing was deleted", hint="`tuishare forget` stops sharing and keeps the files.")
    return max(worst, _order(ShareAction.DELETE, chosen, as_json=as_json))


def _choose(verb: str, words: Iterable[str], entries: Entries) -> tuple[list[Entry], Exit]:
    find = _finder(verb, entries)
    chosen: dict[str, Entry] = {}
    worst = Exit.OK
    for word in words:
        try:
            entry = find(word)
            require_taken(entry, to_forget=verb == ShareAction.FORGET)
        except TuishareError as error:
            worst = max(worst, report(error))
        else:
            chosen[entry.id] = entry
    return list(chosen.values()), worst


def _finder(verb: str, entries: Entries) -> Callable[[str], Entry]:
    if verb not in set(DownloadAction):
        return entries.find_share
    if verb not in set(ShareAction):
        return entries.find_download
    return entries.find


def _order(verb: str, chosen: Iterable[Entry], *, as_json: bool) -> Exit:
    worst = Exit.OK
    taken: list[Accepted] = []

    async def order_all(client: AgentClient) -> None:
        nonlocal worst
        for entry in chosen:
            try:
                await _order_one(client, verb, entry)
            except AgentUnreachable:
                raise
            except TuishareError as error:
                worst = max(worst, report(error))
            else:
                taken.append(Accepted(id=entry.id))
                say(report_action(_action(verb, entry), f"“{for_display(entry.name, _NAME)}”"))

    try:
        ask_agent(order_all)
    finally:
        if as_json:
            print_json(taken)
    return worst


def _action(verb: str, entry: Entry) -> Action:
    return ShareAction(verb) if isinstance(entry, Share) else DownloadAction(verb)


async def _order_one(client: AgentClient, verb: str, entry: Entry) -> None:
    if isinstance(entry, Share):
        await client.order_share(entry.id, ShareAction(verb))
    else:
        await client.order_download(entry.id, DownloadAction(verb))


def _ask(chosen: Sequence[Entry]) -> bool:
    say("This will be deleted permanently:")
    for entry in chosen:
        place = for_display(entry.path, _PATH) if entry.path else "the part that has arrived"
        facts = format_amount(entry.files, entry.size, ", ")
        say(f"  {name_kind(entry)} “{for_display(entry.name, _NAME)}” ({facts}): {place}")
    return ask("Delete?")
