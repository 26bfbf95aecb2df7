"""The network of one job: its hosts reach each other by name and on every port, and no other job's.

On AWS "the containers can't make any outbound network calls, even to other AWS services" with EnableNetworkIsolation,
and "network isolation ... doesn't affect ... communication between containers" of a job
(https://docs.aws.amazon.com/sagemaker/latest/dg/mkt-algo-model-internet-free.html); hosts find each other by the names
in resourceconfig.json and not by their own host names
(https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html).

A job of several hosts gets a network of its own. A single host has nobody to talk to: it shares the machine's network,
or, with isolation, has none but its loopback. Where namespaces or virtual interfaces cannot be had, so do several.
"""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from trainwright.rehearsal import facade
from trainwright.rehearsal.jobs import network_holder

LOOPBACK = "127.0.0.1"
#: Of the block for tests between networks (RFC 2544), which no machine that a job may want to reach is in.
_ADDRESSES = "198.19"
GATEWAY = f"{_ADDRESSES}.0.1"
#: Ports of other machines that a job of several hosts reaches: ssh, the web, proxies, indexes and trackers.
OUTSIDE = (22, 80, 443, 3128, 5000, 8080, 8081, 8443)
_PORT_IN_URL = re.compile(r"://[^/\s:]+:(\d{1,5})\b")
_PROGRAM = (
    "import sys; sys.path.append(sys.argv.pop(1)); from trainwright.rehearsal.jobs.network_holder import main; main()"
)
_SOURCES = Path(__file__).parents[3]
LOST_NETWORKS = (
    "The hosts of a job have no network of their own: all share this machine's ports and have no eth0, and with "
    "EnableNetworkIsolation they do not reach each other."
)


@dataclass(frozen=True)
class Place:
    """Where one host stands.

    Args:
        addresses: of every host of the job, by name.
        join: the namespaces to enter, as paths; empty: the machine's network.
        nameserver: whom to ask for other names; None: whom the machine asks.
    """

    addresses: Mapping[str, str] = field(default_factory=dict)
    join: tuple[str, ...] = ()
    nameserver: str | None = None


class Network:
    """The network of a job's hosts, until `close`."""

    def __init__(self, places: Mapping[str, Place], holder: subprocess.Popen[bytes] | None = None) -> None:
        self._places, self._holder = dict(places), holder

    def place(self, host: str) -> Place:
        """Where the host stands."""
        return self._places[host]

    def close(self) -> None:
        """Take the network away; the hosts' processes have ended."""
        if self._holder is not None:
            self._holder.kill()
            self._holder.wait()
            if self._holder.stdout:
                self._holder.stdout.close()
            self._holder = None


def shared(hosts: Sequence[str]) -> Network:
    """No network of their own: every host is this machine."""
    return Network({host: Place(dict.fromkeys(hosts, LOOPBACK)) for host in hosts})


@functools.cache
def networks_work() -> bool:
    """Try once whether this machine lets a process make networks."""
    try:
        open_network(("algo-1", "algo-2"), isolated=False, account=(), outside=OUTSIDE).close()
    except OSError:
        return False
    return True


def open_network(hosts: Sequence[str], *, isolated: bool, account: Sequence[int], outside: Sequence[int]) -> Network:
    """Make a network for the hosts.

    Args:
        hosts: their names.
        isolated: EnableNetworkIsolation: neither the account nor other machines are reached.
        account: the ports of the account on this machine, which each host finds at its own localhost.
        outside: ports on which other machines are reached.

    Raises:
        OSError: this machine does not allow it.
    """
    addresses = {host: _address(number) for number, host in enumerate(hosts)}
    nameserver = None if isolated else _nameserver()
    plan: network_holder.Plan = {
        "hosts": addresses,
        "gateway": GATEWAY,
        "account": [] if isolated else list(account),
        "outside": [] if isolated else sorted(set(outside)),
        "nameserver": nameserver,
    }
    holder = facade.spawn(
        [sys.executable, "-I", "-S", "-c", _PROGRAM, str(_SOURCES), json.dumps(plan)],
        env={},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    return _opened(holder, addresses, GATEWAY if nameserver else None)


def _opened(holder: subprocess.Popen[bytes], addresses: Mapping[str, str], nameserver: str | None) -> Network:
    assert holder.stdout is not None  # noqa: S101 - it is a pipe
    assert holder.stderr is not None  # noqa: S101
    line = holder.stdout.readline()
    said = b"" if line else holder.stderr.read()
    holder.stderr.close()
    if not line:
        Network({}, holder).close()
        raise OSError(said.decode().strip() or "the hosts' network could not be made")
    found: dict[str, int] = json.loads(line)
    first = [found.pop("user")] if "user" in found else []
    places = {
        host: Place(addresses, tuple(f"/proc/{holder.pid}/fd/{at}" for at in (*first, found[host])), nameserver)
        for host in addresses
    }
    return Network(places, holder)


def outside_ports(texts: Iterable[str]) -> list[int]:
    """`OUTSIDE` and the ports of the addresses that a job is told of (``http://tracker:9000``)."""
    told = [int(port) for text in texts for port in _PORT_IN_URL.findall(text)]
    return sorted({*OUTSIDE, *(port for port in told if 0 < port < 65536)})


def _address(number: int) -> str:
    """Of the host with this number: the gateway has the first address."""
    return f"{_ADDRESSES}.{(number + 2) // 256}.{(number + 2) % 256}"


@functools.cache
def _nameserver() -> str | None:
    """The machine's first name server that has an IPv4 address."""
    try:
        text = Path("/etc/resolv.conf").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = re.search(r"^\s*nameserver\s+(\d+\.\d+\.\d+\.\d+)\s*$", text, re.MULTILINE)
    return found.group(1) if found else None
