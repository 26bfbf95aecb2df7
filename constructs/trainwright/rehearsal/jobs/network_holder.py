"""The process that holds a job's network, which `network` starts without site-packages: standard library only.

Every host gets a network namespace with a loopback and an ``eth0``; the eth0s meet at a bridge in one namespace more,
the gateway's. The hosts of a job reach each other on every port, and nobody else. As any user: the namespaces belong to
a user namespace, where the user has the right to make them.

This process itself stays in the machine's network and carries connections between the two (`network_forward`): to the
account's ports, which are at each host's own localhost, and, without isolation, to other machines. For that the gateway
takes what comes for any address, on the ports that the plan names: what a router with address translation would do
needs rights over the machine's network that nobody should give to a rehearsal.

A child makes the namespaces and hands their descriptors over, because a process that has entered a user namespace
cannot leave it. The namespaces live as long as their descriptors: the kernel takes everything away when this process
and the hosts' processes have ended.
"""

# pathlib would double the time that this takes to start
# ruff: noqa: PTH115
from __future__ import annotations

import json
import os
import socket
import sys
import threading
from collections.abc import Iterator
from typing import TypedDict

from trainwright.rehearsal.jobs import network_links as links
from trainwright.rehearsal.jobs.inside import CLONE_NEWNET, Libc, new_namespaces, raise_loopback
from trainwright.rehearsal.jobs.network_forward import Door, answer_names, serve

IP_TRANSPARENT = 19  # linux/in.h; Python has no name for it
PREFIX = 16
_BRIDGE, _ETH0, _DNS = "hosts", "eth0", 53


class Plan(TypedDict):
    """What is to be made.

    ``hosts``: name and address; ``account``: ports of this machine's loopback that each host finds at its own;
    ``outside``: ports on which other machines are reached; ``nameserver``: the machine's, if hosts may ask it.
    """

    hosts: dict[str, str]
    gateway: str
    account: list[int]
    outside: list[int]
    nameserver: str | None


def main() -> None:
    """Make the network that the first argument describes, say where it is, and serve until killed."""
    plan: Plan = json.loads(sys.argv[1])
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    child = os.fork()
    if child == 0:
        os._exit(_make(Libc(), plan, theirs))
    theirs.close()
    found = dict(_handed_over(ours))
    failed = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if failed:
        os._exit(failed)
    _serve(found, plan)


def _serve(found: dict[str, list[int]], plan: Plan) -> None:
    found.pop("gateway")
    outside, names = found.pop("outside", []), found.pop("names", [])
    doors = [Door(socket.socket(fileno=descriptor), None) for descriptor in outside]
    for _, *inner in found.values():
        doors += [Door(socket.socket(fileno=at), port) for at, port in zip(inner, plan["account"], strict=False)]
    for descriptor in names:
        questions = socket.socket(fileno=descriptor)
        threading.Thread(target=answer_names, args=(questions, (plan["nameserver"], _DNS)), daemon=True).start()
    namespaces = {name: descriptors[0] for name, descriptors in found.items()}
    os.write(1, json.dumps(namespaces).encode() + b"\n")
    serve(doors)


def _handed_over(child: socket.socket) -> Iterator[tuple[str, list[int]]]:
    """What the child made, by name, until it has ended."""
    while True:
        name, descriptors, _, _ = socket.recv_fds(child, 256, 250)
        if not name:
            return
        yield name.decode(), descriptors


# --- the child, which makes everything -----------------------------------------------------------------------------


def _make(libc: Libc, plan: Plan, parent: socket.socket) -> int:
    try:
        for what, descriptors in _made(libc, plan):
            socket.send_fds(parent, [what.encode()], descriptors)
            for descriptor in descriptors:
                os.close(descriptor)
    except OSError as error:
        os.write(2, f"a network for the job's hosts could not be made: {error}\n".encode())
        return 1
    return 0


def _made(libc: Libc, plan: Plan) -> Iterator[tuple[str, list[int]]]:
    """Each namespace with its name and its sockets, made one after the other."""
    if _unshare(libc):
        yield "user", [os.open("/proc/self/ns/user", os.O_RDONLY)]
    gateway = _namespace()
    raise_loopback()
    links.add_bridge(_BRIDGE)
    for number, (host, address) in enumerate(plan["hosts"].items()):
        yield host, _make_host(libc, plan, gateway, number, address)
    libc.enter(gateway, CLONE_NEWNET)
    if plan["outside"]:
        yield "outside", _open_outside(plan)
    if plan["nameserver"]:
        yield "names", [_listen(socket.SOCK_DGRAM, plan["gateway"], _DNS)]
    yield "gateway", [gateway]  # which nothing else may hold


def _unshare(libc: Libc) -> bool:
    """Leave the machine's network; whether that took a user namespace."""
    before = os.readlink("/proc/self/ns/user")
    new_namespaces(libc, CLONE_NEWNET)
    return os.readlink("/proc/self/ns/user") != before


def _namespace() -> int:
    return os.open("/proc/self/ns/net", os.O_RDONLY)


def _make_host(libc: Libc, plan: Plan, gateway: int, number: int, address: str) -> list[int]:
    libc.unshare(CLONE_NEWNET)
    host = _namespace()
    raise_loopback()
    doors = [_listen(socket.SOCK_STREAM, "127.0.0.1", port) for port in plan["account"]]
    libc.enter(gateway, CLONE_NEWNET)
    links.add_pair(f"host{number}", _BRIDGE, _ETH0, host)
    libc.enter(host, CLONE_NEWNET)
    links.add_address(_ETH0, address, PREFIX)
    links.bring_up(_ETH0)
    if plan["outside"]:
        links.add_gateway(plan["gateway"])
    return [host, *doors]


def _open_outside(plan: Plan) -> list[int]:
    links.add_address(_BRIDGE, plan["gateway"], PREFIX)
    links.take_everything()
    return [_listen(socket.SOCK_STREAM, "0.0.0.0", port, transparent=True) for port in plan["outside"]]  # noqa: S104


def _listen(kind: socket.SocketKind, address: str, port: int, *, transparent: bool = False) -> int:
    listener = socket.socket(socket.AF_INET, kind)
    if transparent:
        listener.setsockopt(socket.IPPROTO_IP, IP_TRANSPARENT, 1)
    listener.bind((address, port))
    if kind == socket.SOCK_STREAM:
        listener.listen(128)
    return listener.detach()
