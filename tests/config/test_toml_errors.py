"""Where in a file a mistake is."""

from __future__ import annotations

import msgspec
import pytest

from tuishare.config.toml_errors import describe_reason, name_place

TEXT = """\
name = "alice"
[network]
listen = ":1"
[[drop]]
path = "/a"
[limits]
schedule = [{from = "1"}]
[[drop]]
path = "/b"
"""


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("$.name", "line 1, key name: "),
        ("$.network.listen", "line 3, key network.listen: "),
        ("$.network", "line 2, key network: "),
        ("$.drop[0].path", "line 5, key drop.path: "),
        ("$.drop[1].path", "line 9, key drop.path: "),
        ("$.drop[2].path", "key drop.path: "),
        ("$.limits.schedule[0].from", "key limits.schedule.from: "),
        ("$", ""),
    ],
)
def test_a_place_is_named(place: str, said: str) -> None:
    assert name_place(place, TEXT) == said


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        (dict[str, int], {"a": "x"}, "expected a whole number, got text"),
        (dict[str, bool], {"a": 1}, "expected true or false, got a whole number"),
        (list[float], ["x"], "expected a number, got text"),
        (list[str], {}, "expected a list, got a table"),
    ],
)
def test_types_have_words_that_people_use(kind: type, given: object, said: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(given, kind)
    assert describe_reason(caught.value, kind) == said
