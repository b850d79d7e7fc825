"""The commands about settings: ``drop …``, ``config …``, ``reload``.

Owns names, help and defaults; the work is in `tuishare.cli.drops`, `tuishare.cli.settings` and `tuishare.cli.reload`,
imported by the command that needs it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tuishare.cli.options import AsJson, TransportChoice

drop = typer.Typer(help="Folders whose entries are shared automatically.", no_args_is_help=True)
config = typer.Typer(help="Show and change the settings.", no_args_is_help=True)

_Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder.", readable=False)]


def reload(as_json: AsJson = False) -> None:
    """Reload settings and user book in the running agent."""
    from tuishare.cli.reload import reload_agent

    reload_agent(as_json=as_json)


@drop.command("add")
def drop_add(
    path: _Folder,
    to: Annotated[list[str], typer.Option("--to", metavar="USER|@GROUP", help="May be repeated.")] = [],  # noqa: B006
    transport: Annotated[
        TransportChoice | None,
        typer.Option(help="tls (default): only ticket holders; plain: any BitTorrent client."),
    ] = None,
) -> None:
    """Share everything in a folder, now and later; for a drop folder, change its recipients."""
    from tuishare.cli.drops import add_drop

    add_drop(path, tuple(to), None if transport is None else transport.word)


@drop.command("list")
def drop_list(as_json: AsJson = False) -> None:
    """List the drop folders."""
    from tuishare.cli.drops import list_drops

    list_drops(as_json=as_json)


@drop.command("remove")
def drop_remove(path: _Folder) -> None:
    """Stop sharing a folder; its files stay."""
    from tuishare.cli.drops import remove_drop_folder

    remove_drop_folder(path)


@config.command("path")
def config_path() -> None:
    """Print the path of the settings file."""
    from tuishare.cli.settings import print_path

    print_path()


@config.command("show")
def config_show(as_json: AsJson = False) -> None:
    """Show all settings, defaults included."""
    from tuishare.cli.settings import show_config

    show_config(as_json=as_json)


@config.command("check")
def config_check() -> None:
    """Check the settings file."""
    from tuishare.cli.settings import check_config_file

    check_config_file()


@config.command("init")
def config_init() -> None:
    """Create a commented settings file."""
    from tuishare.cli.settings import install_template

    install_template()


@config.command("set")
def config_set(
    key: Annotated[str, typer.Argument(help="For example network.public_host.")],
    value: Annotated[str, typer.Argument(help="Without quotes.")],
) -> None:
    """Change one setting; the file keeps its comments and order."""
    from tuishare.cli.settings import change_setting

    change_setting(key, value)
