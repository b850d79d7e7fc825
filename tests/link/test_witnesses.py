"""What programs that others wrote see of a link port: OpenSSH's `ssh` and `ssh-keyscan`, and `ssh-audit`."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import asyncssh
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.link.agents import Agent
from tests.link.samples import ALICE, BOB
from tuishare.link.connection import public_key
from tuishare.link.connection_admission import LinkLimits

KEX = "mlkem768x25519-sha256"
CIPHERS = {"aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"}
MARKERS = {"ext-info-s", "kex-strict-s-v00@openssh.com"}
"""What stands among the key exchanges without being one: RFC 8308, and OpenSSH's strict key exchange."""
OPENSSH = shutil.which("ssh")
needs_openssh = pytest.mark.skipif(OPENSSH is None, reason="OpenSSH's client is not installed")


@pytest.fixture
def limits() -> LinkLimits:
    return LinkLimits(burst=1000, refusal_seconds=0.1, turn_seconds=0.0)


@pytest.fixture
def alice(alice: Agent) -> Agent:
    alice.know(Agent(BOB))
    return alice


async def run(*command: str, seconds: float = 40.0) -> tuple[int, bytes, str]:
    """Run a program to its end, with nothing to read."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(), seconds)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    return process.returncode or 0, output, errors.decode(errors="replace")


async def test_ssh_audit_sees_the_named_algorithms_alone(alice: Agent) -> None:
    program = Path(sys.executable).with_name("ssh-audit")
    if not program.exists():
        pytest.skip("ssh-audit is not installed")
    port = str(alice.endpoint.port)
    status, output, _ = await run(str(program), "-j", "--skip-rate-test", "-p", port, "127.0.0.1")
    assert status == 0
    report = json.loads(output)
    seen = {what: {each["algorithm"] for each in report[what]} for what in ("kex", "key", "enc", "mac")}
    assert seen["kex"] - MARKERS == {KEX}
    assert (seen["key"], seen["enc"]) == ({"ssh-ed25519"}, CIPHERS)
    assert len(seen["mac"]) == 1
    assert report["compression"] == ["none"]
    assert report["cves"] == []
    assert report["recommendations"] == {}
    notes = [each["notes"] for what in ("kex", "key", "enc", "mac") for each in report[what]]
    assert not any(note.keys() & {"warn", "fail"} for note in notes)
    assert report["banner"]["raw"] == "SSH-2.0-link"


@needs_openssh
async def test_ssh_sees_the_named_algorithms_alone(alice: Agent) -> None:
    _, _, errors = await run(
        *("ssh", "-vv", "-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"),
        *("-p", str(alice.endpoint.port), "link@127.0.0.1", "true"),
    )
    offered = errors.partition("peer server KEXINIT proposal")[2]

    def algorithms(what: str) -> set[str]:
        return set((re.search(rf"{what}: (\S+)", offered) or [""] * 2)[1].split(","))

    assert algorithms("KEX algorithms") - MARKERS == {KEX}
    assert algorithms("host key algorithms") == {"ssh-ed25519"}
    for direction in ("ctos", "stoc"):
        assert algorithms(f"ciphers {direction}") == CIPHERS
        assert algorithms(f"compression {direction}") == {"none"}


@needs_openssh
async def test_ssh_keyscan_gets_no_key_but_the_link_key(alice: Agent) -> None:
    program = shutil.which("ssh-keyscan")
    if program is None:
        pytest.skip("ssh-keyscan is not installed")
    port = str(alice.endpoint.port)
    _, output, errors = await run(program, "-T", "5", "-p", port, "127.0.0.1")
    lines = [line for line in output.decode().splitlines() if not line.startswith("#")]
    key = public_key(ALICE.link_key.public_key).export_public_key().decode().split()[1]
    # One that knows no ML-KEM (before OpenSSH 9.9) sees the version and nothing else.
    assert all(line.split()[1:] == ["ssh-ed25519", key] for line in lines)
    assert {line.split()[-1] for line in (output.decode() + errors).splitlines() if line.startswith("#")} == {
        "SSH-2.0-link"
    }


class Ssh:
    """OpenSSH's client with Bob's link key, past the host key check."""

    def __init__(self, agent: Agent, folder: Path) -> None:
        pem = BOB.link_key.private_key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
        (folder / "key").write_bytes(pem)
        (folder / "key").chmod(0o600)
        host_key = public_key(ALICE.link_key.public_key).export_public_key().decode()
        (folder / "hosts").write_text(f"[127.0.0.1]:{agent.endpoint.port} {host_key}")
        self._command = (
            *("ssh", "-v", "-F", "none", "-i", str(folder / "key"), "-p", str(agent.endpoint.port)),
            *("-o", "BatchMode=yes", "-o", f"UserKnownHostsFile={folder / 'hosts'}"),
            *("-o", "StrictHostKeyChecking=yes", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none"),
            *("-o", "ExitOnForwardFailure=yes", "-o", "ServerAliveInterval=1"),
        )

    async def __call__(self, *options: str, then: tuple[str, ...] = ()) -> tuple[bytes, str]:
        """Run it; it must have logged in, and must have failed."""
        status, output, errors = await run(*self._command, *options, "link@127.0.0.1", *then)
        assert "Authenticated to 127.0.0.1" in errors
        assert status in {1, 255}
        return output, errors


@pytest.fixture
async def ssh(alice: Agent, tmp_path: Path) -> Ssh:
    if OPENSSH is None:
        pytest.skip("OpenSSH's client is not installed")
    _, known, _ = await run("ssh", "-Q", "kex")
    if KEX not in known.decode().split():
        # An older OpenSSH would see no more than the list: let it in by the half of the hybrid that it knows.
        assert alice.server is not None
        alice.server._ssh.options["kex_algs"] = (KEX, "curve25519-sha256")
    return Ssh(alice, tmp_path)


@pytest.mark.parametrize(
    ("options", "then"),
    [
        ((), ("echo", "seen")),
        (("-tt",), ("echo", "seen")),
        (("-tt",), ()),
        (("-T",), ()),
        (("-s",), ("sftp",)),
        (("-s",), ("tuishare-mailbox-1",)),
        (("-o", "SetEnv=A=b", "-s"), ("tuishare-link-1",)),
    ],
    ids=["command", "command-on-terminal", "shell-on-terminal", "shell", "sftp", "subsystem", "environment"],
)
async def test_ssh_gets_no_session_but_the_subsystem(
    alice: Agent, ssh: Ssh, options: tuple[str, ...], then: tuple[str, ...]
) -> None:
    output, errors = await ssh(*options, then=then)
    assert output == b""
    assert alice.sessions == []
    if "-s" in options and then != ("tuishare-link-1",):
        assert "subsystem request failed" in errors


async def test_ssh_gets_no_forwarding(alice: Agent, ssh: Ssh) -> None:
    reached: list[object] = []
    inside = await asyncio.start_server(lambda _, writer: reached.append(writer), "127.0.0.1", 0)
    port = inside.sockets[0].getsockname()[1]
    output, errors = await ssh("-W", f"127.0.0.1:{port}")
    assert output == b""
    assert re.search("open failed", errors)
    _, errors = await ssh("-N", "-R", f"0:127.0.0.1:{port}")
    assert "remote port forwarding failed" in errors
    inside.close()
    assert reached == []
    assert alice.sessions == []


async def test_ssh_may_open_the_subsystem_and_hears_nothing_before_it_speaks(alice: Agent, ssh: Ssh) -> None:
    output, errors = await ssh("-s", then=("tuishare-link-1",))
    assert output == b""
    assert "Sending subsystem: tuishare-link-1" in errors
    assert "subsystem request failed" not in errors


async def test_variables_are_not_kept(alice: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library keeps them all, and has no option against it; a stranger could fill the memory."""
    channels: list[asyncssh.SSHServerChannel[bytes]] = []
    make = asyncssh.SSHServerConnection.create_server_channel

    def keep(
        connection: asyncssh.SSHServerConnection, *args: object, **named: object
    ) -> asyncssh.SSHServerChannel[bytes]:
        channels.append(make(connection, *args, **named))  # type: ignore[arg-type]
        return channels[-1]

    monkeypatch.setattr(asyncssh.SSHServerConnection, "create_server_channel", keep)
    connection = await asyncssh.connect(
        "127.0.0.1",
        alice.endpoint.port,
        config=None,
        username="link",
        known_hosts=None,
        client_keys=[asyncssh.generate_private_key("ssh-ed25519")],
        kex_algs=[KEX],
    )
    async with connection:
        await connection.create_session(
            asyncssh.SSHClientSession, subsystem="tuishare-link-1", env={"A": "b" * 1000}
        )
        assert channels[0].get_environment_bytes() == {}
        await asyncio.wait_for(connection.wait_closed(), 5)
    assert len(channels) == 1


async def test_a_second_channel_is_refused(alice: Agent) -> None:
    connection = await asyncssh.connect(
        "127.0.0.1",
        alice.endpoint.port,
        config=None,
        username="link",
        known_hosts=None,
        client_keys=[asyncssh.generate_private_key("ssh-ed25519")],
        kex_algs=[KEX],
    )
    async with connection:
        await connection.create_session(asyncssh.SSHClientSession, subsystem="tuishare-link-1", encoding=None)
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.create_session(
                asyncssh.SSHClientSession, subsystem="tuishare-link-1", encoding=None
            )


async def test_other_kinds_of_keys_are_not_taken(alice: Agent) -> None:
    for kind in ("ecdsa-sha2-nistp256", "ssh-rsa"):
        with pytest.raises((asyncssh.PermissionDenied, asyncssh.ConnectionLost)):
            await asyncssh.connect(
                "127.0.0.1",
                alice.endpoint.port,
                config=None,
                username="link",
                known_hosts=None,
                client_keys=[asyncssh.generate_private_key(kind)],
                kex_algs=[KEX],
            )
