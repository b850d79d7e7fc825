"""The proof is made at every start, and it can fail."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from tuishare.swarm import check_no_resumption

_USED_BEFORE = """
import libtorrent
libtorrent.load_torrent_buffer(
    b"d4:infod6:lengthi1e4:name1:x12:piece lengthi16384e6:pieces20:" + bytes(20) + b"ee")
import asyncio
from tuishare.errors import SystemFailed
from tuishare.swarm import Engine, EngineSettings
async def start(**settings):
    try:
        await (await Engine.start(EngineSettings(**settings))).close()
    except SystemFailed as error:
        return error.detail
    return "started"
print(asyncio.run(start(listen_tls="127.0.0.1:0")))
print(asyncio.run(start(listen_tls=None, listen_plain="127.0.0.1:0")))
"""


def test_the_guard_holds_here_and_the_proof_is_quick() -> None:
    started = time.monotonic()
    check_no_resumption()
    assert time.monotonic() - started < 2


def test_without_the_guard_no_engine_starts_for_tls() -> None:
    done = subprocess.run([sys.executable, "-c", _USED_BEFORE], capture_output=True, text=True, check=True)
    tls, plain = done.stdout.splitlines()
    assert tls.startswith("TLS sessions can be resumed")
    assert plain == "started"


@pytest.mark.parametrize("missing", ["NumTickets = 0", "Options = -SessionTicket"])
def test_half_a_guard_is_noticed(missing: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each of the two lines closes one version of TLS; the proof misses neither."""
    folder = tmp_path_factory.mktemp("half")
    code = (
        "import pathlib, sys\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "import importlib.util, tuishare\n"
        "source = pathlib.Path(tuishare.__file__).parent / 'swarm' / 'openssl.cnf'\n"
        "(folder / 'openssl.cnf').write_text(source.read_text().replace(sys.argv[2], ''))\n"
        "real = pathlib.Path.with_name\n"
        "pathlib.Path.with_name = lambda self, name: folder / name if name == 'openssl.cnf' else real(self, name)\n"
        "import tuishare.swarm\n"
        "tuishare.swarm.check_no_resumption()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder), missing], capture_output=True, text=True, check=False
    )
    assert "TLS sessions can be resumed" in done.stderr
