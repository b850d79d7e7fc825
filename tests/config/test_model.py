"""The settings: template, defaults, strictness."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from tuishare.agent.config_reload import LIVE
from tuishare.config.model import Config, load_config
from tuishare.errors import BadConfiguration
from tuishare.home_paths import Places, find_places
from tuishare.net.endpoints import Endpoint
from tuishare.net.ssh_place import SshPlace

PERIOD = "[[limits.schedule]]\nfrom = '08:00'\nuntil = '18:00'\n"
TEMPLATE = Path(__file__).parents[2] / "config" / "tuishare.toml"


@pytest.fixture
def places(tmp_path: Path) -> Places:
    found = find_places({"TUISHARE_HOME": str(tmp_path / "home")})
    found.prepare()
    return found


def load(places: Places, text: str) -> Config:
    places.config_file.write_text(text)
    return load_config(places)


def test_a_missing_file_means_defaults_under_the_home(places: Places) -> None:
    config = load_config(places)
    assert config.folders.inbox_path == places.files / "inbox"
    assert config.network.listen == ":50007"
    assert config.name


def test_the_template_as_shipped_means_the_defaults(places: Places) -> None:
    assert load(places, TEMPLATE.read_text()) == load_config_without_file(places)


def load_config_without_file(places: Places) -> Config:
    places.config_file.unlink()
    return load_config(places)


def test_every_setting_of_the_template_is_valid_when_uncommented(places: Places) -> None:
    text = TEMPLATE.read_text()
    text = re.sub(r"^# (?=\w+ = |\[\[)", "", text, flags=re.MULTILINE)
    config = load(places, text)
    assert config.name == "alice"
    assert config.network.public_host == "studio.example.org"
    assert config.drop[0].users == ["bob", "@crew"]
    documented = set(re.findall(r"^(\w+) = ", text, flags=re.MULTILINE))
    tables = [getattr(config, name) for name in config.__struct_fields__]
    parts = [table for table in tables if isinstance(table, msgspec.Struct)]
    parts += [*config.drop, *config.limits.schedule]
    fields = {"name"} | {f for part in parts for f in part.__struct_encode_fields__}
    assert documented == fields - {"schedule"}


def test_what_the_template_does_not_call_an_example_is_the_default(places: Places) -> None:
    blocks = re.split(r"^#?\n", TEMPLATE.read_text(), flags=re.MULTILINE)
    lines = [
        block if "For example:\n" in block else re.sub(r"^# (?=\w+ = |\[\[)", "", block, flags=re.MULTILINE)
        for block in blocks
    ]
    config = load(places, "\n".join(lines))
    assert config.folders.inbox_path == Path("~/tuishare/inbox").expanduser()
    defaults = load_config_without_file(places)
    assert msgspec.structs.replace(config, folders=defaults.folders) == defaults


def test_the_template_tells_what_waits_for_a_restart(places: Places) -> None:
    config = load_config(places)
    head = TEMPLATE.read_text().split("\n\n")[0]
    named = set(re.findall(r"\b[a-z]+\.[a-z_]+", head.split("Those of")[1]))
    for table in re.findall(r"\[(\w+)\]", head.split("Those of")[1]):
        named |= {f"{table}.{field}" for field in getattr(config, table).__struct_fields__}
    settings = {"name", "drop"}
    for name in config.__struct_fields__:
        if isinstance(part := getattr(config, name), msgspec.Struct):
            settings |= {f"{name}.{field}" for field in part.__struct_fields__}
    assert named == settings - LIVE


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = \n", r"line 1"),
        ("\n[network]\nlissten = ':1'\n", r"line 3, key network\.lissten: .*there is no such setting"),
        ("[settle]\nquiet = 'long'\n", r"line 2, key settle\.quiet: expected a number"),
        ("[settle]\nquiet = -1\n", r"settle\.quiet: expected seconds"),
        ("[settle]\nquiet = nan\n", r"settle\.quiet: expected seconds"),
        ("[limits]\n\nupload = '5 parsecs'\n", r"line 3, key limits\.upload: '5 parsecs' is not a size"),
        ("[limits]\nactive_downloads = -1\n", r"key limits\.active_downloads: expected 0 or more"),
        (
            PERIOD + "[[limits.schedule]]\nfrom = '8:00'\n" + "until='9:00'\n",
            r"line 5, key limits\.schedule\.from",
        ),
        (PERIOD + "days = ['mondays']\n", r"line 4, key limits\.schedule\.days"),
        (
            PERIOD + "[[limits.schedule]]\nuntil = '08:00'\n",
            r"limits\.schedule: .*missing required field `from`",
        ),
        (
            PERIOD + "[[limits.schedule]]\nfrom='08:00'\nuntil='24:00'\n",
            r"line 6, key limits\.schedule\.until",
        ),
        (
            "[notifications]\nwebhook = 'http://host/x'\n",
            r"key notifications\.webhook: this is no address of a webhook",
        ),
        (
            "[notifications]\nwebhook = 'https://a b/'\n",
            r"key notifications\.webhook: this is no address of a webhook",
        ),
        (
            "[notifications]\nwebhook = 'https://host/x'\n",
            r"key notifications\.webhook_secret: a webhook needs a secret of at least 16 characters",
        ),
        ("[network]\nproxy = 'ftp://x:1'\n", r"line 2, key network\.proxy: This is not a proxy"),
        ("[inbox]\nquota = 'much'\n", r"line 2, key inbox\.quota: 'much' is not a size"),
        ("[inbox]\nwaiting_size = '1X'\n", r"line 2, key inbox\.waiting_size: '1X' is not a size"),
        ("[inbox]\nrejected_size = ''\n", r"key inbox\.rejected_size: '' is not a size"),
        ("[inbox]\nwaiting = -1\n", r"key inbox\.waiting: expected 0 or more"),
        ("[inbox]\nwaiting_per_sender = -1\n", r"key inbox\.waiting_per_sender: expected 0 or more"),
        ("[inbox]\nrejected = -1\n", r"key inbox\.rejected: expected 0 or more"),
        ("[inbox]\nenvelopes_per_minute = -1\n", r"key inbox\.envelopes_per_minute: expected 0 or more"),
        ("[downloads]\nseed_ratio = nan\n", r"key downloads\.seed_ratio: expected 0 or more"),
        ("[downloads]\nseed_days = nan\n", r"key downloads\.seed_days: expected 0 or more"),
        ("[downloads]\nreserve = -5\n", r"key downloads\.reserve: expected 0 or more"),
        (
            "[tracker]\ntrusted_proxies = ['192.0.2.7', 'x']\n",
            r"line 2, key tracker\.trusted_proxies: 'x' is no",
        ),
        ("[folders]\ninbox = 'relative'\n", r"folders\.inbox: expected an absolute path"),
        ("[folders]\ninbox = '~nobody-of-that-name/x'\n", r"folders\.inbox: expected an absolute path"),
        ("[[drop]]\npath = '/tmp/x'\nusers = []\n", r"at least one user"),
        ("[[drop]]\npath = '/tmp/x'\nusers = 'bob'\n", r"line 3, key drop\.users: expected a list"),
        ("[[drop]]\npath='/tmp/x'\nusers=['b']\ntransport='plain'\n", r"needs network\.listen_plain"),
        ("[[drop]]\npath='/tmp/x'\nusers=['b']\n[[drop]]\npath='/tmp/x/y'\nusers=['b']\n", r"overlap"),
    ],
)
def test_a_mistake_is_named_with_its_place(places: Places, text: str, said: str) -> None:
    with pytest.raises(BadConfiguration, match=said) as caught:
        load(places, text)
    assert str(places.config_file) in caught.value.detail


def test_a_drop_folder_that_holds_our_keys_is_refused(places: Places) -> None:
    with pytest.raises(BadConfiguration, match="overlap"):
        load(places, f"[[drop]]\npath = '{places.config.parent}'\nusers = ['bob']\n")


def test_text_that_is_not_utf8_is_refused(places: Places) -> None:
    places.config_file.write_bytes(b'name = "\xff"')
    with pytest.raises(BadConfiguration, match="UTF-8"):
        load_config(places)


def test_links_in_a_circle_are_no_reason_to_fail(places: Places, tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to("circle")
    config = load(places, f"[[drop]]\npath = '{tmp_path / 'circle'}'\nusers = ['bob']\n")
    assert config.drop[0].path == str(tmp_path / "circle")


def test_an_ssh_server_is_one_way_to_be_reached(places: Places) -> None:
    network = load(places, "[network]\nreach = 'ssh://alice@server.example'\nreach_port = 21000").network
    assert (network.ssh_reach, network.reach_by_hub) == (
        SshPlace("alice", Endpoint("server.example", 22)),
        False,
    )
    for given, host, port in (
        ("ssh://a-b@192.0.2.7:2222", "192.0.2.7", 2222),
        ("ssh://a@[2001:db8::1]/", "2001:db8::1", 22),
    ):
        place = load(places, f"[network]\nreach = '{given}'").network.ssh_reach
        assert place is not None
        assert place.endpoint == Endpoint(host, port)
    for reach, by_hub in (("hub", True), ("off", False)):
        network = load(places, f"[network]\nreach = '{reach}'").network
        assert (network.ssh_reach, network.reach_by_hub) == (None, by_hub)
    behind = load(places, "[network]\nreach = 'ssh://a@b'\nproxy = 'socks5://p:1'").network
    assert (behind.ssh_reach, behind.reach_by_hub) == (None, False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("reach = 'yes'", "key network.reach: 'yes' is no way to be reached"),
        ("reach = 'ssh://server.example'", "no way to be reached"),
        ("reach = 'ssh://a:secret@server.example'", "no way to be reached"),
        ("reach = 'ssh://-oProxyCommand@server.example'", "no way to be reached"),
        ("reach = 'ssh://a@server.example:0'", "no way to be reached"),
        ("reach_port = 80", "key network.reach_port: expected 0 or 1024 to 65533"),
        ("reach_host_key = 'MD5:00'", "no fingerprint of a host key"),
    ],
)
def test_another_way_to_be_reached_is_refused(places: Places, text: str, said: str) -> None:
    with pytest.raises(BadConfiguration, match=re.escape(said)):
        load(places, f"[network]\n{text}")
