"""What commands print with ``--json``: messages of the API, arrays of them, or an object of such arrays.

Owns only how they reach stdout; the form is that of `tuishare.api.json_times`, documented in ``docs/api.md``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from tuishare.api.json_times import encode_for_scripts


def print_json(
    value: msgspec.Struct | Sequence[msgspec.Struct] | Mapping[str, Sequence[msgspec.Struct]],
) -> None:
    """Print a value in one line."""
    print(encode_for_scripts(value), flush=True)
