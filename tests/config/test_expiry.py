from __future__ import annotations

from contextlib import suppress
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuishare.config.expiry import parse_expiry
from tuishare.errors import BadInput

NOW = 1_795_435_000.7  # 2026-11-23, seconds


@pytest.mark.parametrize(
    ("text", "later"), [("1h", 3600), ("12H", 43_200), (" 30d ", 2_592_000), ("2 w", 1_209_600)]
)
def test_a_length_of_time(text: str, later: int) -> None:
    assert parse_expiry(text, NOW) == int(NOW) + later


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Kiritimati"])
@pytest.mark.parametrize("day", ["2026-12-31", "2027-03-28", "2028-02-29"])
def test_a_day_counts_to_its_end_where_we_are(monkeypatch: pytest.MonkeyPatch, zone: str, day: str) -> None:
    import time

    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        moment = parse_expiry(day, NOW)
        assert datetime.fromtimestamp(moment).astimezone().isoformat().startswith(f"{day}T23:59:59")
        assert datetime.fromtimestamp(moment + 1).astimezone().isoformat()[:10] != day
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("text", ["0h", "0d", "2026-11-21", "1970-01-01", "0001-01-01"])
def test_what_is_over(text: str) -> None:
    with pytest.raises(BadInput, match="past"):
        parse_expiry(text, NOW)


@pytest.mark.parametrize("text", ["40000d", "999999w", "2128-01-01", "9999-12-30"])
def test_what_is_too_far_away(text: str) -> None:
    with pytest.raises(BadInput, match="too far away") as caught:
        parse_expiry(text, NOW)
    assert "earlier date" in caught.value.hint


@pytest.mark.parametrize(
    "text", ["", "d", "30", "-1d", "1.5d", "30m", "1y", "2026-13-01", "2026-02-30", "20261231", "9999-12-31",
             "2026-12-31T10:00", "٣d", "1234567d", "tomorrow"]
)  # fmt: skip
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(BadInput, match="neither a date nor a duration"):
        parse_expiry(text, NOW)


@given(st.one_of(st.text(max_size=30), st.from_regex(r"\d{1,7}[hdw]"), st.from_regex(r"\d{4}-\d\d-\d\d")))
def test_any_text_is_a_moment_to_come_or_refused(text: str) -> None:
    with suppress(BadInput):
        assert NOW < parse_expiry(text, NOW) < NOW + 101 * 366 * 86_400
