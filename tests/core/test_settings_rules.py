"""Folders and settings: nothing is left behind by what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.agent.homes import Home
from tuishare.config.model import load_config
from tuishare.core.drop_marker import MARKER
from tuishare.core.settings_rules import absolute, check_deeply, delete_drop_folder, save_drop_folder
from tuishare.errors import BadConfiguration, BadInput, NotFound
from tuishare.people import UserBook, save_book


def test_a_folder_is_made_and_kept(alice: Home, bob: Home, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    assert save_drop_folder(alice.places, folder, ["bob"], None) == (bob.user(),)
    assert folder.is_dir()
    assert load_config(alice.places).drop[-1].path == str(folder)
    delete_drop_folder(alice.places, folder)
    assert folder.is_dir()
    with pytest.raises(NotFound):
        delete_drop_folder(alice.places, folder)


@pytest.mark.usefixtures("bob")
def test_the_marker_goes_with_the_folder(alice: Home, tmp_path: Path) -> None:
    marker = tmp_path / MARKER
    save_drop_folder(alice.places, tmp_path, ["bob"], None)
    assert marker.exists()
    marker.unlink()
    save_drop_folder(alice.places, tmp_path, ["bob"], None)
    assert not marker.exists()  # its disk may not be mounted
    marker.touch()
    delete_drop_folder(alice.places, tmp_path)
    assert not marker.exists()


@pytest.mark.usefixtures("bob")
@pytest.mark.parametrize("kind", ["text", "link", "folder", "none", "no folder"])
def test_what_is_no_marker_of_ours_stays(alice: Home, tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "drop"
    save_drop_folder(alice.places, folder, ["bob"], None)
    marker = folder / MARKER
    marker.unlink()
    match kind:
        case "text":
            marker.write_text("mine")
        case "link":
            marker.symlink_to("nowhere")
        case "folder":
            marker.mkdir()
        case "no folder":
            folder.rmdir()
    delete_drop_folder(alice.places, folder)
    assert os.path.lexists(marker) == (kind in {"text", "link", "folder"})


@pytest.mark.usefixtures("bob")
def test_what_is_refused_is_not_made(alice: Home, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (alice.inbox / "x" / "y", tmp_path / "file"):
        with pytest.raises(BadInput):
            save_drop_folder(alice.places, folder, ["bob"], None)
    with pytest.raises(NotFound):
        save_drop_folder(alice.places, tmp_path / "x", ["@nobody"], None)
    assert not (alice.inbox / "x").exists()
    assert not (tmp_path / "x").exists()


def test_settings_are_checked_against_the_user_book(alice: Home, bob: Home) -> None:
    config = load_config(alice.places)
    check_deeply(config, alice.places)
    save_book(alice.places.users_file, UserBook())
    with pytest.raises(BadConfiguration, match=f"no user '{bob.name}'"):
        check_deeply(config, alice.places)


@pytest.mark.parametrize(
    ("table", "key", "given"),
    [("network", "public_host", "http://a"), ("tracker", "listen", "zzz"), ("tracker", "listen_plain", ":x")],
)
def test_every_address_of_the_settings_is_checked(alice: Home, table: str, key: str, given: str) -> None:
    config = load_config(alice.places)
    config = replace(config, **{table: replace(getattr(config, table), **{key: given})})
    with pytest.raises(BadConfiguration, match=rf"config\.toml: key {table}\.{key}: '{given}' is no"):
        check_deeply(config, alice.places)


def test_a_path_is_made_absolute_and_links_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert absolute(Path("link/../x")) == tmp_path / "x"
    assert absolute(Path("~/link")) == tmp_path / "link"
