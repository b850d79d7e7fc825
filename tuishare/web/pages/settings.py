"""Settings: the common ones as fields, and the settings file."""

from __future__ import annotations

from typing import Final

from tuishare.api.messages import Reloaded, SettingChange, SettingsText
from tuishare.errors import BadInput, TuishareError
from tuishare.presentation.settings_fields import DESKTOP, SETTINGS, read_settings
from tuishare.web.pages.common import describe_reload
from tuishare.web.visit import Moved, Page, Visit

_VALUE: Final = 4096


async def show_settings(visit: Visit) -> Page:
    """Show a field for each common setting, and the agent's folders."""
    file = await visit.agent.settings()
    status = await visit.agent.status()
    folders = {"inbox": status.inbox, "outbox": status.outbox, "downloads": status.downloads}
    return Page(
        "settings",
        {"settings": SETTINGS, "desktop": DESKTOP, "before": read_settings(file.text), "folders": folders},
    )


async def change_settings(visit: Visit) -> Moved:
    """Send the changed settings, one by one, so that the comments of the file stay.

    Raises:
        BadInput: a value is too long.
        TuishareError: from the agent; what was accepted before stays.
    """
    before = read_settings((await visit.agent.settings()).text)
    typed = {each.key: visit.form.text(each.key) or each.default for each in SETTINGS}
    typed[DESKTOP.key] = str(visit.form.selected(DESKTOP.key)).lower()
    changed = {key: value for key, value in typed.items() if value != before[key]}
    for name in ("inbox", "outbox", "downloads"):
        path = visit.form.text(f"folders.{name}")
        if path and path != visit.form.text(f"before.{name}"):
            changed[f"folders.{name}"] = path
    restart: list[str] = []
    for key, value in changed.items():
        if len(value) > _VALUE:
            raise BadInput(f"{key} is too long", hint=f"Use at most {_VALUE:,} characters.")
        try:
            restart += (await visit.agent.change_setting(SettingChange(key=key, value=value))).restart
        except TuishareError as error:
            if key not in error.detail:
                error.detail = f"{key}: {error.detail}"
            raise
    if not changed:
        return Moved("/settings", "Nothing was changed.")
    return Moved("/settings", describe_reload(Reloaded(restart=tuple(restart))))


async def show_file(visit: Visit) -> Page:
    """Show the settings file as text."""
    return Page("settings-file", {"file": await visit.agent.settings()})


async def write_file(visit: Visit) -> Moved:
    """Replace the settings file; the agent checks it first."""
    text = visit.form.exact("text")
    stamp = visit.form.text("stamp")
    if len(text) > 1_000_000 or len(stamp) > 128:
        raise BadInput("The file is too long", hint="Use at most a million characters.")
    reloaded = await visit.agent.write_settings(SettingsText(text=text, stamp=stamp))
    return Moved("/settings/file", describe_reload(reloaded))
