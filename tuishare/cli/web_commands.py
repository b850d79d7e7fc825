"""The commands about the web page: ``web …``.

Owns names, help and defaults; the work is in `tuishare.cli.web`.
"""

from __future__ import annotations

from typing import Annotated

import typer

web = typer.Typer(
    help="Serve the web page of this home, for a browser instead of the dashboard. Stops at Ctrl-C.",
    invoke_without_command=True,
)


@web.callback()
def run(
    context: typer.Context,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")] = False,
) -> None:
    """Serve the web page of this home, for a browser instead of the dashboard. Stops at Ctrl-C."""
    if context.invoked_subcommand is None:
        from tuishare.cli.web import serve_page

        serve_page(verbose=verbose)


@web.command("link")
def link(
    forget_password: Annotated[
        bool,
        typer.Option(
            "--forget-password", help="Remove the owner's password, and end all sessions of the owner."
        ),
    ] = False,
) -> None:
    """Print a link by which the owner logs in, once, within five minutes."""
    from tuishare.cli.web import print_link

    print_link(forget_password=forget_password)
