"""Changing the settings: one thing changes, all else stays, and never to something that would not load."""

from __future__ import annotations

import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tuishare.config.editing import (
    edit_config,
    put_drop,
    read_config,
    remove_drop,
    replace_config,
    set_value,
    settable_keys,
)
from tuishare.config.model import Config, load_config
from tuishare.errors import BadConfiguration, BadInput, NotFound, Refused
from tuishare.home_paths import Places, find_places

TEMPLATE = (Path(__file__).parents[2] / "config" / "tuishare.toml").read_text()


@pytest.fixture
def places(tmp_path: Path) -> Places:
    found = find_places({"TUISHARE_HOME": str(tmp_path / "home")})
    found.prepare()
    return found


def test_a_setting_comes_below_the_comment_that_explains_it() -> None:
    changed = set_value(TEMPLATE, "network.public_host", "studio.example.org")
    assert '\n# public_host = "studio.example.org"\npublic_host = "studio.example.org"\n' in changed
    assert changed.replace('\npublic_host = "studio.example.org"', "") == TEMPLATE


def test_every_setting_of_the_template_can_be_set_to_what_it_is(places: Places) -> None:
    before = load_config(places)
    values = {"name": before.name} | {
        f"{table}.{key}": getattr(getattr(before, table), key)
        for table, key in (name.split(".") for name in settable_keys() if "." in name)
    }
    text = TEMPLATE
    for key, value in values.items():
        text = set_value(text, key, str(value).lower() if isinstance(value, bool) else str(value))
    assert edit_config(places, lambda _: text) == before
    comments = [line for line in TEMPLATE.splitlines() if line.startswith("#")]
    assert [line for line in text.splitlines() if line.startswith("#")] == comments


def test_a_value_is_replaced_with_its_comment_kept() -> None:
    text = '[network]\nlisten = ":1" # my port\npublic_host = "a"\n'
    assert set_value(text, "network.listen", ":2") == text.replace(":1", ":2")


def test_a_table_that_is_missing_is_made() -> None:
    assert set_value('name = "x"\n', "settle.quiet", "3") == 'name = "x"\n\n[settle]\nquiet = 3.0\n'


def test_the_name_stands_before_all_tables() -> None:
    assert set_value("[settle]\nquiet = 3.0\n", "name", "alice").startswith('name = "alice"\n')


def test_a_comment_of_another_table_is_not_taken_for_ours() -> None:
    text = "[settle]\n# listen = 1\n"
    assert set_value(text, "network.listen", ":1") == f'{text}\n[network]\nlisten = ":1"\n'


def test_what_a_person_types_cannot_break_out_of_its_quotes(places: Places) -> None:
    value = 'a"\n[network]\nlisten = ":1"\\'
    assert (
        edit_config(places, lambda text: set_value(text, "network.public_host", value)).network.listen
        == ":50007"
    )
    assert load_config(places).network.public_host == value


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("network.lissten", ":1", "There is no setting 'network.lissten'"),
        ("drop", "x", "There is no setting"),
        ("tracker.others", "https://x/announce", "tracker.others is a list"),
        ("network", "x", "There is no setting"),
        ("settle.quiet", "long", "settle.quiet: expected a number"),
        ("network.share_addresses", "perhaps", "network.share_addresses: expected true or false"),
    ],
)
def test_a_key_or_value_that_is_none_is_said(key: str, value: str, said: str) -> None:
    with pytest.raises(BadInput, match=said) as caught:
        set_value(TEMPLATE, key, value)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("key", "value"), [("settle.quiet", "-1"), ("settle.quiet", "nan"), ("folders.inbox", "not/absolute")]
)
def test_an_edit_that_would_not_load_leaves_the_file_untouched(places: Places, key: str, value: str) -> None:
    places.config_file.write_text(TEMPLATE)
    before = places.config_file.stat()
    with pytest.raises(BadInput, match=key) as caught:
        edit_config(places, lambda text: set_value(text, key, value))
    assert caught.value.hint == "Nothing was changed."
    assert places.config_file.stat() == before


def test_a_file_that_is_broken_is_not_edited(places: Places) -> None:
    places.config_file.write_text("name = \n")
    with pytest.raises(BadConfiguration, match="line 1"):
        edit_config(places, lambda text: set_value(text, "name", "x"))
    assert places.config_file.read_text() == "name = \n"


def test_text_that_is_not_utf8_is_refused(places: Places) -> None:
    with pytest.raises(BadInput, match="UTF-8"):
        edit_config(places, lambda text: set_value(text, "name", "\udcff"))
    assert not places.config_file.exists()


def test_an_edit_keeps_the_mode_and_a_new_file_is_private(places: Places) -> None:
    edit_config(places, lambda text: set_value(text, "name", "alice"))
    assert stat.S_IMODE(places.config_file.stat().st_mode) == 0o600
    places.config_file.chmod(0o644)
    edit_config(places, lambda text: set_value(text, "name", "bob"))
    assert stat.S_IMODE(places.config_file.stat().st_mode) == 0o644


def test_edits_at_the_same_time_are_all_kept(places: Places) -> None:
    ready = threading.Barrier(8)

    def add(number: int) -> None:
        ready.wait(10)
        folder = places.files / f"drop {number}"
        edit_config(places, lambda text: put_drop(text, folder, ["bob"], None))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(add, range(8)))
    assert len(load_config(places).drop) == 8


@pytest.mark.parametrize("text", [TEMPLATE, "", 'drop = [{path = "/srv/a", users = ["eve"]}]\n'])
def test_drop_folders_come_and_go(places: Places, text: str) -> None:
    places.config_file.write_text(text)
    former = load_config(places).drop
    one, two = (places.files / name for name in ("one", "two"))
    edit_config(places, lambda text: put_drop(text, one, ["bob"], None))
    edit_config(places, lambda text: put_drop(text, two, ["@crew", "eve"], "tls"))
    config = edit_config(places, lambda text: put_drop(text, one, ["carol"], None))
    assert [(drop.path, drop.users) for drop in config.drop[len(former) :]] == [
        (str(one), ["carol"]),
        (str(two), ["@crew", "eve"]),
    ]
    for path in (one, two):
        config = edit_config(places, lambda text, path=path: remove_drop(text, path))  # type: ignore[misc]
    assert config.drop == former
    kept = places.config_file.read_text()
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        line for line in kept.splitlines() if line.startswith("#")
    ]


def test_a_folder_is_found_however_it_is_written(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(places.files))
    text = '[[drop]]\npath = "~/one" # the first\nusers = ["bob"]\ntransport = "tls"\n'
    assert put_drop(text, places.files / "one", ["eve"], None) == text.replace("bob", "eve")
    assert remove_drop(text, places.files / "one").strip() == ""


def test_the_transport_changes_only_when_it_is_named() -> None:
    text = '[[drop]]\npath = "/a"\nusers = ["bob"]\ntransport = "plain"\n'
    assert put_drop(text, Path("/a"), ["bob"], None) == text
    assert put_drop(text, Path("/a"), ["bob"], "tls") == text.replace("plain", "tls")


def test_a_folder_that_is_no_drop_folder_cannot_be_removed() -> None:
    with pytest.raises(NotFound, match="is not a drop folder"):
        remove_drop(TEMPLATE, Path("/a"))


def test_a_text_that_was_read_can_be_replaced_once(places: Places) -> None:
    assert read_config(places)[0] == ""
    text, stamp = read_config(places)
    assert replace_config(places, text + 'name = "a"\n', stamp=stamp).name == "a"
    with pytest.raises(Refused, match="changed in the meantime"):
        replace_config(places, text + 'name = "b"\n', stamp=stamp)
    assert replace_config(places, 'name = "c"\n').name == "c"
    assert places.config_file.read_text() == 'name = "c"\n'


def test_a_file_is_replaced_when_everything_speaks_for_it(places: Places) -> None:
    def mind(config: Config) -> None:
        raise BadConfiguration(f"nobody may be called {config.name}")

    places.config_file.write_bytes(b"name = 7\n")
    for text in ("name = 8\n", 'name = "\ud800"\n'):
        with pytest.raises(BadInput):
            replace_config(places, text)
    with pytest.raises(BadInput, match="may be called x"):
        replace_config(places, 'name = "x"\n', check=mind)
    assert places.config_file.read_bytes() == b"name = 7\n"
    places.config_file.write_bytes(b"\xff")
    with pytest.raises(BadConfiguration, match="not UTF-8"):
        read_config(places)


def test_what_helps_is_said_with_a_refused_value(places: Places) -> None:
    with pytest.raises(BadInput, match="not a size") as caught:
        edit_config(places, lambda text: set_value(text, "limits.upload", "quick"))
    assert caught.value.hint.startswith("Nothing was changed. Write ")
    assert "Correct the file" not in caught.value.hint
