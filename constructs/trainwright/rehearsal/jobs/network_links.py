"""Interfaces, addresses and routes of the network namespace that this thread is in, over rtnetlink(7).

Four kinds of message are all that a job's network needs. pyroute2 speaks the whole protocol, but to import it takes
longer than to start a host; this module is standard library, for `network_holder` starts without site-packages.
"""

from __future__ import annotations

import os
import socket
import struct

_ACK, _REQUEST, _CREATE, _EXCLUSIVE, _ERROR = 4, 1, 0x400, 0x200, 2
_NEW_LINK, _NEW_ADDRESS, _NEW_ROUTE = 16, 20, 24
_UP = 1
# linux/if_link.h, veth.h, if_addr.h, rtnetlink.h
_NAME, _MASTER, _LINK_INFO, _NAMESPACE = 3, 10, 18, 28
_INFO_KIND, _INFO_DATA, _VETH_PEER = 1, 2, 1
_ADDRESS, _LOCAL = 1, 2
_INTERFACE, _GATEWAY = 4, 5
_MAIN_TABLE, _BOOT = 254, 3
_UNIVERSE, _THIS_HOST = 0, 254
_UNICAST, _LOCALLY = 1, 2


def bring_up(name: str) -> None:
    """Raise an interface."""
    _ask(_NEW_LINK, _link_header(index=socket.if_nametoindex(name)), b"", create=False)


def add_bridge(name: str) -> None:
    """Make a bridge, raised."""
    _ask(_NEW_LINK, _link_header(), _attribute(_NAME, name) + _kind("bridge"))


def add_pair(name: str, bridge: str, peer: str, namespace: int) -> None:
    """Make a pair of interfaces: one raised at the bridge here, one called `peer` in another network namespace."""
    other = _link_header(up=False) + _attribute(_NAME, peer) + _attribute(_NAMESPACE, namespace)
    master = _attribute(_MASTER, socket.if_nametoindex(bridge))
    pair = _kind("veth", _attribute(_VETH_PEER, other))
    _ask(_NEW_LINK, _link_header(), _attribute(_NAME, name) + master + pair)


def add_address(name: str, address: str, prefix: int) -> None:
    """Give an interface an IPv4 address and the network that it is in."""
    packed = socket.inet_aton(address)
    header = struct.pack("BBBBI", socket.AF_INET, prefix, 0, _UNIVERSE, socket.if_nametoindex(name))
    _ask(_NEW_ADDRESS, header, _attribute(_LOCAL, packed) + _attribute(_ADDRESS, packed))


def add_gateway(address: str) -> None:
    """Send what is for nobody in the network to a gateway in it."""
    _ask(_NEW_ROUTE, _route_header(_UNIVERSE, _UNICAST), _attribute(_GATEWAY, socket.inet_aton(address)))


def take_everything() -> None:
    """Deliver what comes for any address, and has no better route, to the sockets that listen here."""
    header = _route_header(_THIS_HOST, _LOCALLY)
    _ask(_NEW_ROUTE, header, _attribute(_INTERFACE, socket.if_nametoindex("lo")))


def _link_header(index: int = 0, *, up: bool = True) -> bytes:
    flags = _UP if up else 0
    return struct.pack("BxHiII", socket.AF_UNSPEC, 0, index, flags, flags)


def _route_header(scope: int, kind: int) -> bytes:
    return struct.pack("8BI", socket.AF_INET, 0, 0, 0, _MAIN_TABLE, _BOOT, scope, kind, 0)


def _kind(name: str, data: bytes = b"") -> bytes:
    return _attribute(_LINK_INFO, _attribute(_INFO_KIND, name) + (_attribute(_INFO_DATA, data) if data else b""))


def _attribute(kind: int, value: bytes | str | int) -> bytes:
    if isinstance(value, int):
        value = struct.pack("I", value)
    elif isinstance(value, str):
        value = value.encode() + b"\0"
    size = 4 + len(value)
    return struct.pack("HH", size, kind) + value + b"\0" * (-size % 4)


def _ask(kind: int, header: bytes, attributes: bytes, *, create: bool = True) -> None:
    flags = _REQUEST | _ACK | (_CREATE | _EXCLUSIVE if create else 0)
    body = header + attributes
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as netlink:
        netlink.send(struct.pack("IHHII", 16 + len(body), kind, flags, 1, 0) + body)
        answer = netlink.recv(65536)
    answered, status = struct.unpack_from("H", answer, 4)[0], struct.unpack_from("i", answer, 16)[0]
    if answered == _ERROR and status:
        raise OSError(-status, os.strerror(-status))
