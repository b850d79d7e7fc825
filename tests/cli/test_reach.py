"""``tuishare reach key``: the line for an authorized_keys file."""

from __future__ import annotations

from tests.cli.homes import Person


def test_the_line_permits_three_ports_and_stays_the_same(alice: Person) -> None:
    alice.places.config_file.write_text("[network]\nreach = 'ssh://bob@server.example'\nreach_port = 21000\n")
    first, second = alice.run("reach", "key"), alice.run("reach", "key")
    assert (first.code, first.out) == (0, second.out)
    permits = ",".join(f'permitlisten="{port}"' for port in (21_000, 21_001, 21_002))
    assert first.out.startswith(f"restrict,port-forwarding,{permits} ssh-ed25519 AAAA")
    assert "~bob/.ssh/authorized_keys at server.example" in first.err
    assert alice.places.reach_key_file.stat().st_mode & 0o777 == 0o600


def test_without_a_port_there_is_nothing_to_permit(alice: Person) -> None:
    alice.places.config_file.write_text(
        "[network]\nlisten = ':0'\n[tracker]\nlisten = ''\n[link]\nenabled = false\n"
    )
    assert alice.run("reach", "key").failed(3, "There is no port that an SSH server could forward")
