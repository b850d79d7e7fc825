"""The commands about this machine: ``service …`` and ``doctor``.

Owns names, help and defaults; the work is in `tuishare.cli.service` and `tuishare.cli.doctor.report`, imported when it
is asked for.
"""

from __future__ import annotations

from typing import Annotated

import typer

from tuishare.cli.exit_codes import Exit
from tuishare.cli.options import AsJson

service = typer.Typer(help="The agent as a systemd service of yours.", no_args_is_help=True)


def doctor(
    share: Annotated[
        str,
        typer.Option(metavar="ID", help="Only this share: what it lets out, to whom, and how that is known."),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Look for everything that can be wrong; exits 0 when nothing is."""
    from tuishare.cli.doctor.report import diagnose, prove

    if not (prove(share, as_json=as_json) if share else diagnose(as_json=as_json)):
        raise typer.Exit(Exit.FAILED)


@service.command("install")
def service_install() -> None:
    """Let systemd start the agent with your session, and start it now."""
    from tuishare.cli.service import install_service

    install_service()


@service.command("uninstall")
def service_uninstall() -> None:
    """Stop the service and remove it; settings, users and files stay."""
    from tuishare.cli.service import uninstall_service

    uninstall_service()


@service.command("status")
def service_status() -> None:
    """Show how the service is; exits 0 while it runs."""
    from tuishare.cli.service import print_service

    if not print_service():
        raise typer.Exit(Exit.FAILED)
