"""Which addresses are the public internet's. What is not known to be is not."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

type Address = IPv4Address | IPv6Address
type Network = IPv4Network | IPv6Network

# IANA IPv4 Special-Purpose Address Registry (RFC 6890), multicast and reserved space.
_NOT_PUBLIC_4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this host: connecting to 0.0.0.0 reaches loopback
        "10.0.0.0/8",
        "100.64.0.0/10",  # shared by carriers and overlay networks; 100.100.100.200 is a cloud's metadata
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's platform, though the address is a public one
        "169.254.0.0/16",  # link-local; 169.254.169.254 is most clouds' metadata
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments; 192.0.0.192 is a cloud's metadata
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# All of IPv6 that is handed out for use on the internet (RFC 4291 section 2.4). So neither loopback, IPv4-mapped and
# -compatible, NAT64 (64:ff9b::/96), unique local, link-local, site-local nor multicast addresses.
_GLOBAL_6 = IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments; Teredo, 2001::/32, has an IPv4 address inside
        "2001:db8::/32",
        "2002::/16",  # 6to4: an IPv4 address inside
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)
# What people use inside of their own networks.
_OWN = tuple(
    ip_network(network)
    for network in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "127.0.0.0/8",
        "100.64.0.0/10",
        "::1/128",
        "fc00::/7",
    )
)
METADATA = tuple(map(ip_address, ("169.254.169.254", "100.100.100.200", "fd00:ec2::254")))
"""Where a cloud's machines ask who they are, and are given credentials."""


def is_public(address: Address) -> bool:
    """Whether ``address`` is global unicast. ``ipaddress.is_global`` is not enough: NAT64 and 6to4 pass it."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    return address in _GLOBAL_6 and not any(address in network for network in _NOT_PUBLIC_6)


def is_own(address: Address) -> bool:
    """Whether ``address`` may be that of a service in one's own network: private or loopback, no cloud's metadata."""
    return any(address in network for network in _OWN) and address not in METADATA
