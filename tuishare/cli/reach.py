"""``tuishare reach …``: being reachable by an SSH server.

Owns what is printed.
"""

from __future__ import annotations

from tuishare.cli.offline_home import open_home
from tuishare.cli.terminal import say
from tuishare.core.own_addresses import ssh_reach_ports
from tuishare.errors import BadConfiguration
from tuishare.link.link_key import load_or_create_link_key


def print_key() -> None:
    """Print the line for an authorized_keys file.

    Raises:
        BadConfiguration: settings or key are not usable, or there is no port to forward.
    """
    from tuishare.link.ssh_forwarding import authorized_keys_line

    home = open_home()
    ports = ssh_reach_ports(home.config)
    if not ports:
        raise BadConfiguration(
            "There is no port that an SSH server could forward",
            hint="Set link.listen, tracker.listen and network.listen with port numbers, or network.reach_port.",
        )
    line = authorized_keys_line(load_or_create_link_key(home.places.reach_key_file), ports)
    print(line)
    place = home.config.network.ssh_reach
    say(
        f"Put it into ~{place.user}/.ssh/authorized_keys at {place.endpoint.host}, with GatewayPorts clientspecified in"
        " its sshd_config."
        if place is not None
        else "Put it into the authorized_keys file of an account, then set network.reach to ssh://USER@HOST."
    )
