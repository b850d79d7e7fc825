"""The command line: the commands and their options.

Owns names, help and defaults; the work of each command is in the module of its name.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

import tuishare
from tuishare.cli import (
    hub_commands,
    introduction_commands,
    invitation_commands,
    manual_commands,
    reach_commands,
    settings_commands,
    share_commands,
    system_commands,
    user_commands,
    web_commands,
)
from tuishare.cli.options import AsJson, KeyFile, KeyText, TransportChoice

app = typer.Typer(
    name="tuishare",
    help="Private file sharing for people who know each other. Without a command: the dashboard.",
    no_args_is_help=False,
    invoke_without_command=True,
    add_completion=False,  # the room completion has its own, which asks the agent
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class FormatChoice(StrEnum):
    """How the torrent is encrypted."""

    TSE1 = "tse1"
    RAW = "raw"


def _named(*names: str, help: str) -> Any:  # noqa: A002 — as in typer
    """Return an option for a path; errors about the path are reported by the command, not by the parser."""
    return typer.Option(*names, help=help, readable=False)


def _show_version(value: bool) -> None:
    if value:
        print(f"tuishare {tuishare.__version__}")
        raise typer.Exit


@app.callback()
def default(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", "-V", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Show the dashboard if no command is given."""
    del version
    if context.invoked_subcommand is None:
        from tuishare.cli.dashboard import run_dashboard

        run_dashboard()


@app.command()
def create(
    file: Annotated[Path, _named("--file", "-f", help="File or folder to share.")],
    tracker: Annotated[list[str], typer.Option(help="Tracker URL (udp, http, https); may be repeated.")] = [],  # noqa: B006
    user: Annotated[
        list[str],
        typer.Option(
            "--user",
            "-u",
            metavar="USER|@GROUP",
            help="User ID or @group; may be repeated. Unknown users get a new key.",
        ),
    ] = [],  # noqa: B006
    key: KeyText = None,
    key_file: KeyFile = None,
    piece_length: Annotated[
        str | None, typer.Option(help="Such as 256KiB; a power of two. Default: by size.")
    ] = None,
    transport: Annotated[
        TransportChoice | None,
        typer.Option(help="tls (default): only ticket holders; plain: any BitTorrent client."),
    ] = None,
    format_: Annotated[
        FormatChoice,
        typer.Option("--format", help="raw: the prototype's form: one key, plain swarm, no sender."),
    ] = FormatChoice.TSE1,
    output: Annotated[Path | None, _named("--output", "-o", help="Folder for both files.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
) -> None:
    """Make a torrent and its envelope, NAME.torrent.encrypted. Prints USER-ID<tab>KEY for each new key."""
    from tuishare.cli.create import CreateOptions
    from tuishare.cli.create import create as run
    from tuishare.cli.secrets import read_key
    from tuishare.config.units import parse_size
    from tuishare.errors import BadInput

    raw = format_ is FormatChoice.RAW
    if raw and transport is TransportChoice.TLS:
        raise BadInput("The raw form has no tickets for a TLS swarm", hint="Omit --format or --transport.")
    chosen = transport or (TransportChoice.PLAIN if raw else TransportChoice.TLS)
    run(
        CreateOptions(
            payload=file,
            trackers=tuple(tracker),
            users=tuple(user),
            key=read_key(key, key_file),
            piece_length=parse_size(piece_length) if piece_length is not None else None,
            transport=chosen.word,
            raw=raw,
            output=output,
            replace=force,
        )
    )


@app.command()
def seed(
    file: Annotated[Path, _named("--file", "-f", help="The payload.")],
    torrent: Annotated[Path, _named("--torrent", "-t", help="Its .torrent or .torrent.encrypted.")],
    listen: Annotated[
        str | None, typer.Option(metavar="[ADDRESS]:PORT", help="Default: as configured.")
    ] = None,
    key: KeyText = None,
    key_file: KeyFile = None,
) -> None:
    """Seed a payload until Ctrl-C."""
    from tuishare.cli.secrets import read_key
    from tuishare.cli.seed import seed as run

    run(file, torrent, listen=listen, key=read_key(key, key_file))


@app.command()
def download(
    torrent: Annotated[Path, _named("--torrent", "-t", help="The .torrent.encrypted.")],
    user: Annotated[str, typer.Option("--user", "-u", help="Your user ID.")] = "",
    key: KeyText = None,
    key_file: KeyFile = None,
    output: Annotated[Path, _named("--output", "-o", help="Folder for the payload.")] = Path(),
    listen: Annotated[
        str | None,
        typer.Option(metavar="[ADDRESS]:PORT", help="Default: as configured, or any free port."),
    ] = None,
    peer: Annotated[
        list[str], typer.Option(metavar="HOST:PORT", help="Peer to connect to; may be repeated.")
    ] = [],  # noqa: B006
    seed_on: Annotated[bool, typer.Option("--seed", help="Continue seeding when complete.")] = False,
) -> None:
    """Open an envelope and download its payload; exits when it is verified. Prints its path."""
    from tuishare.cli.download import DownloadOptions
    from tuishare.cli.download import download as run
    from tuishare.cli.secrets import read_key

    run(DownloadOptions(torrent, user, read_key(key, key_file), output, listen, tuple(peer), seed_on))


@app.command()
def agent(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")] = False,
) -> None:
    """Run the agent in the foreground (what systemd runs)."""
    from tuishare.cli.run_agent import run_foreground

    run_foreground(verbose=verbose)


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show the agent's status."""
    from tuishare.cli.agent import print_status

    print_status(as_json=as_json)


@app.command()
def stop() -> None:
    """Stop the agent."""
    from tuishare.cli.agent import stop as run

    run()


@app.command()
def demo(
    size: Annotated[str, typer.Option(help="Size of the demo payload.")] = "64MiB",
    tui: Annotated[bool, typer.Option("--tui", help="Show both dashboards on one screen.")] = False,
) -> None:
    """Invite, join and share between two agents in temporary homes; exits 0 only if all is received unchanged."""
    from tuishare.cli.demo import run_demo
    from tuishare.config.units import parse_size

    run_demo(parse_size(size), tui=tui)


share_commands.register(app)
app.command()(user_commands.card)
app.add_typer(user_commands.user, name="user")
invitation_commands.register(app)
app.add_typer(introduction_commands.introductions, name="introductions")
app.add_typer(hub_commands.hub, name="hub")
app.add_typer(reach_commands.reach, name="reach")
app.add_typer(web_commands.web, name="web")
app.add_typer(settings_commands.drop, name="drop")
app.add_typer(settings_commands.config, name="config")
app.command()(settings_commands.reload)
system_commands.register(app)
manual_commands.register(app)
