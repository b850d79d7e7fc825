"""No program is started but notify-send: neither by the agent, nor by a command that makes an envelope."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

LIFE = textwrap.dedent("""
    import sys

    STARTS = ("os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "pty.spawn",
              "subprocess.Popen")
    sys.addaudithook(lambda event, args: print(event, args) if event in STARTS else None)

    import asyncio, contextlib, os
    from pathlib import Path
    from tests.agent.homes import fill, introduce, make_home
    from tests.waiting import wait_until
    from tuishare.agent.daemon import Agent
    from tuishare.api.messages import DownloadState
    from tuishare.cli import main

    alice, bob = (make_home(Path(sys.argv[1]), name) for name in ("alice", "bob"))
    introduce(alice, bob)
    # With addresses to be found, and a router to be asked for.
    network = {"listen": "127.0.0.1:0", "share_addresses": True, "public_host": "alice.invalid"}
    alice.configure("bob", network=network)

    async def live():
        async with Agent.running(alice.places), Agent.running(bob.places) as receiver:
            fill(alice.drop / "film")
            envelope = alice.outbox / "film.torrent.encrypted"
            await wait_until(envelope.exists, seconds=60)
            bob.receive(envelope)
            await wait_until(
                lambda: [each.state for each in receiver.view.downloads()] == [DownloadState.COMPLETE], seconds=60
            )

    def create():
        os.environ["TUISHARE_HOME"] = str(alice.places.files)
        payload = fill(Path(sys.argv[1]) / "by hand")
        sys.argv[1:] = ["create", "--file", str(payload), "--user", "bob"]
        with contextlib.suppress(SystemExit), contextlib.redirect_stdout(None):
            main()
        assert payload.with_name("by hand.torrent.encrypted").exists()

    asyncio.run(live())
    create()
    print("done")
""")


def test_a_whole_life_without_a_child(tmp_path: Path) -> None:
    """In an interpreter of its own, because such a hook stays for ever, and imports happen once."""
    done = subprocess.run(
        [sys.executable, "-c", LIFE, str(tmp_path)],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("done\n", 0), done.stderr
