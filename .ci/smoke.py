"""Whether an installed tuishare works at all: ``PYTHON .ci/smoke.py DATABASE``, by the Python that has it.

Imports every module, shows the help of every command, refuses what is malformed, runs the demo, opens a copy of an old
database and draws a frame of the dashboard. Ends with 1 at the first thing that fails.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import pkgutil
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from aiohttp import web
from typer.testing import CliRunner

import tuishare
from tuishare.api.client import AgentClient
from tuishare.cli.app import app
from tuishare.cli.spawn_agent import BackgroundAgent, spawn_agent
from tuishare.core.database import Database
from tuishare.envelope.manifest import decode_manifest
from tuishare.home_paths import HOME_VARIABLE, find_places
from tuishare.net.connection_slots import ConnectionSlots, SlotLimits
from tuishare.net.http_listener import HttpListener
from tuishare.tui.app import Dashboard
from tuishare.tui.view import Connected

_NAME = "smoke-signal"
_PATIENCE = 20.0
_COMMAND = [sys.executable, "-m", "tuishare"]


def import_all(_: Path) -> None:
    """Import every module; those of the web page only where the packages of its extra are installed."""
    has_web = importlib.util.find_spec("jinja2") is not None
    for module in pkgutil.walk_packages(tuishare.__path__, f"{tuishare.__name__}.", onerror=lambda _: None):
        if not module.name.endswith(".__main__") and (has_web or not module.name.startswith("tuishare.web.")):
            importlib.import_module(module.name)
    if not has_web:
        refused = subprocess.run([*_COMMAND, "web"], capture_output=True, text=True, check=False)  # noqa: S603
        if refused.returncode != 1 or "tuishare[web]" not in refused.stderr:
            raise RuntimeError(f"the missing extra is not told: {refused.stderr}")


def explain_all(_: Path) -> None:
    """Show the help of the program, of each command and of a topic; leave out a required option."""
    names = [command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands]
    names += [group.name or "" for group in app.registered_groups]
    for words in ([], *([name] for name in names)):
        shown = CliRunner().invoke(app, [*words, "--help"])
        if shown.exit_code:
            raise RuntimeError(f"no help for {words}") from shown.exception
    for words in (["help", "start"], ["completion", "bash"]):
        if not CliRunner().invoke(app, words).stdout:
            raise RuntimeError(f"{words} have no text")
    if CliRunner().invoke(app, ["create"]).exit_code != 2:
        raise RuntimeError("a missing option is not a usage error")


def run_demo(_: Path) -> None:
    """Send a file from one agent to another."""
    subprocess.run([*_COMMAND, "demo", "--size", "1MiB"], check=True)  # noqa: S603 (our own words)


def open_old(database: Path) -> None:
    """Open a copy of an old database; see what it holds."""
    with tempfile.TemporaryDirectory() as folder:
        opened = Database(Path(shutil.copy(database, folder)))
        try:
            assert [share.name for share in opened.shares()] == ["film.mkv", "bücher"]
            assert len(opened.downloads()) == 1
        finally:
            opened.close()


def draw_frame(_: Path) -> None:
    """Draw the dashboard of an agent."""
    with tempfile.TemporaryDirectory() as folder:
        places = find_places({HOME_VARIABLE: folder})
        places.prepare()
        listen = 'listen = "127.0.0.1:0"'
        places.config_file.write_text(
            f'name = "{_NAME}"\n[network]\n{listen}\n[tracker]\n{listen}\n[link]\n{listen}\n'
        )
        agent = spawn_agent(places, places.files)
        try:
            asyncio.run(_draw(agent))
        finally:
            agent.process.terminate()
            agent.process.wait(_PATIENCE)


async def _draw(agent: BackgroundAgent) -> None:
    await agent.until_answering()
    async with AgentClient(agent.places.socket) as client:
        dashboard = Dashboard(client, client, _start_nothing)
        async with dashboard.run_test(size=(120, 40)) as pilot:
            deadline = time.monotonic() + _PATIENCE
            while not (
                isinstance(dashboard.view.connection, Connected) and _NAME in dashboard.export_screenshot()
            ):
                if time.monotonic() > deadline:
                    raise TimeoutError("the dashboard does not show the agent")
                await pilot.pause(0.05)


def refuse_malformed(_: Path) -> None:
    """Refuse a manifest that breaks a rule, and a request with too many headers."""
    try:
        decode_manifest(b"\x80")
    except ValueError:
        pass
    else:
        raise RuntimeError("an empty manifest is read")
    asyncio.run(_ask_at_length())


async def _ask_at_length() -> None:
    listener = await HttpListener.open(
        _welcome, "127.0.0.1", 0, ConnectionSlots(SlotLimits(8, 8, 8, 8, _PATIENCE))
    )
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 1_000 + b"\r\n")
        if b" 400 " not in (said := await reader.readline()):
            raise RuntimeError(f"a thousand headers are answered with {said!r}")
        writer.close()
    finally:
        await listener.close()


async def _welcome(_: web.BaseRequest) -> web.StreamResponse:
    return web.Response()


async def _start_nothing() -> None:
    raise RuntimeError("the agent is lost")


def main() -> None:
    """Do one after the other, and tell how long each took."""
    database = Path(sys.argv[1]).resolve()
    for look in (import_all, explain_all, refuse_malformed, run_demo, open_old, draw_frame):
        started = time.monotonic()
        look(database)
        print(f"{look.__name__}: {time.monotonic() - started:.1f} s", flush=True)


if __name__ == "__main__":
    main()
