"""Who is behind a proxy, as far as the proxy is trusted to say so."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from websockets.http11 import Request

from ..errors import InvalidArgument

FORWARDED: Final = "X-Forwarded-For"
"""What proxies write: who connected to the first of them, then who to the next one, and so on."""


class Proxies:
    """Proxies that are trusted to say for whom they connect.

    Args:
        trusted: Their addresses, or networks of them, as in ``["127.0.0.1", "10.0.0.0/8"]``.

    Raises:
        TypeError: It is one text.
        ValueError: One of them is no address.
    """

    def __init__(self, trusted: Sequence[str] = ()) -> None:
        if isinstance(trusted, str):
            raise TypeError(f"proxies={trusted!r} is one text: write proxies=[{trusted!r}]")
        self._networks = [_network(text) for text in trusted]

    def __contains__(self, address: str) -> bool:
        return bool(self._networks) and self._trusts(_address(address))

    def client_of(self, address: str, request: Request) -> str:
        """For whom a request was made that came from an address: the last that is named and no proxy of ours.

        What stands before that one anybody may have written, and it is not looked at.

        Raises:
            InvalidArgument: A trusted proxy names what is no address.
        """
        if address not in self:
            return address
        named = ",".join(request.headers.get_all(FORWARDED)).split(",")
        for text in reversed([name.strip() for name in named if name.strip()]):
            found = _address(text)
            if found is None:
                raise InvalidArgument(f"{FORWARDED} names what is no address")
            address = str(found)
            if not self._trusts(found):
                break
        return address

    def _trusts(self, address: IPv4Address | IPv6Address | None) -> bool:
        return address is not None and any(address in network for network in self._networks)


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise ValueError(f"proxies: {error}; one looks like 127.0.0.1 or 10.0.0.0/8") from None


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """The address that a text names, with a port or without; None where it names none."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    if isinstance(found, IPv6Address):  # its zone means something on one machine only, and may be any text
        return found.ipv4_mapped or IPv6Address(int(found))
    return found
