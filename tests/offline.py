"""Runs tests where there is no network but the loopback address, and counts what would have left the machine.

    python -m tests.offline                                 # the whole suite
    python -m tests.offline tests/test_web.py -k sources    # what pytest takes

In a network namespace of its own (`unshare`, which needs root or user namespaces), whose default route leads to an
interface that leads nowhere and counts packets, DNS queries among them. First one packet is sent there, and has to be
counted. Prints one line of JSON; exit code 1 when a test failed or a packet left, 2 where there are no namespaces.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_OUTSIDE, _PORT = "192.0.2.1", 53  # of the range for documentation
_SET_UP = (
    "ip link set lo up", "ip link add out0 type veth peer name out1", "sysctl -qw net.ipv6.conf.out0.disable_ipv6=1",
    "sysctl -qw net.ipv6.conf.out1.disable_ipv6=1", "ip address add 10.99.0.1/24 dev out0",
    "ip link set out0 up arp off", "ip link set out1 up arp off", "ip route add default dev out0",
)  # fmt: skip


def packets() -> int:
    """How many have left so far; of this namespace, whatever is mounted at /sys."""
    line = next(n for n in Path("/proc/self/net/dev").read_text("utf-8").splitlines() if n.strip().startswith("out0:"))
    return int(line.split(":")[1].split()[9])


def inside(arguments: Sequence[str]) -> int:
    """Set the namespace up, see that it counts, run the tests."""
    for command in _SET_UP:
        subprocess.run(command.split(), check=True)
    before = packets()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sent:
        sent.sendto(b"counted", (_OUTSIDE, _PORT))
    seen = packets() - before
    if seen != 1:
        sys.stdout.write(f"a packet was sent and {seen} were counted: nothing would be proven\n")
        return 1
    code = subprocess.run([sys.executable, "-m", "pytest", *arguments], check=False).returncode
    left = packets() - before - seen
    sys.stdout.write(json.dumps({"exit code of the tests": code, "packets out": left}) + "\n")
    return 1 if code or left else 0


def main(arguments: Sequence[str]) -> int:
    """Exit code 1 when a test failed or a packet left."""
    if arguments[:1] == ["--inside"]:
        return inside(arguments[1:])
    unshare = ["unshare", "--net", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode:
        sys.stdout.write("this machine allows no network namespaces; run it as root\n")
        return 2
    again = [*unshare, sys.executable, "-m", "tests.offline", "--inside", *arguments]
    return subprocess.run(again, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
