"""The commands about this machine: ``service …``, ``desktop …``, ``doctor``, ``backup`` and ``restore``.

Owns names, help and defaults; the work is in `tuishare.cli.service`, `tuishare.cli.desktop.install`,
`tuishare.cli.doctor.report` and `tuishare.cli.backup`, imported by the command that needs it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tuishare.cli.exit_codes import Exit
from tuishare.cli.options import AsJson

PassphraseFile = Annotated[
    str | None,
    typer.Option("--passphrase-file", metavar="FILE", help="File with the passphrase, - for stdin."),
]
service = typer.Typer(help="Run the agent as a systemd user service.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.add_typer(service, name="service")
    app.add_typer(_make_desktop(app), name="desktop")
    app.command()(doctor)
    app.command()(backup)
    app.command()(restore)


def _make_desktop(app: typer.Typer) -> typer.Typer:
    """Make the commands that write man pages, and so have to know all commands."""
    desktop = typer.Typer(
        help="Install “Share with…” for file managers, man pages and completion, for you alone.",
        no_args_is_help=True,
    )

    @desktop.command("install")
    def install() -> None:
        """Open envelopes by a click, share from the file manager; find man pages and completion."""
        from tuishare.cli.desktop.install import install_desktop
        from tuishare.cli.manual.command_tree import read_commands

        install_desktop(read_commands(app, "tuishare"))

    @desktop.command("uninstall")
    def uninstall() -> None:
        """Remove what `desktop install` wrote."""
        from tuishare.cli.desktop.install import uninstall_desktop
        from tuishare.cli.manual.command_tree import read_commands

        uninstall_desktop(read_commands(app, "tuishare"))

    return desktop


def doctor(
    share: Annotated[
        str,
        typer.Option(
            metavar="ID", help="Privacy report of this share: what it discloses, to whom, and the evidence."
        ),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Check this home and this machine. Exits 0 if nothing is wrong."""
    from tuishare.cli.doctor.report import diagnose, prove

    if not (prove(share, as_json=as_json) if share else diagnose(as_json=as_json)):
        raise typer.Exit(Exit.FAILED)


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write; age opens it, too.")],
    passphrase_file: PassphraseFile = None,
) -> None:
    """Write identity, users, settings and shares into one file that is encrypted by a passphrase."""
    from tuishare.cli.backup import back_up

    back_up(file, passphrase_file)


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that `tuishare backup` has written.")],
    passphrase_file: PassphraseFile = None,
) -> None:
    """Put a backup into this home, which must be empty."""
    from tuishare.cli.backup import restore as restore_home

    restore_home(file, passphrase_file)


@service.command("install")
def service_install() -> None:
    """Install and start the service; systemd then starts it with your session."""
    from tuishare.cli.service import install_service

    install_service()


@service.command("uninstall")
def service_uninstall() -> None:
    """Stop the service and remove it; settings, users and files stay."""
    from tuishare.cli.service import uninstall_service

    uninstall_service()


@service.command("status")
def service_status() -> None:
    """Show the state of the service. Exits 0 while it runs."""
    from tuishare.cli.service import print_service

    if not print_service():
        raise typer.Exit(Exit.FAILED)
