package wire

import "net/netip"

var (
	// global is the part of IPv6 that the public internet is allocated from.
	global = netip.MustParsePrefix("2000::/3")
	// translated carries IPv4 addresses in its last four bytes (NAT64, RFC 6052): how a host without IPv4 reaches them.
	translated = netip.MustParsePrefix("64:ff9b::/96")
)

// reserved are the networks that no servicer of a public network can be reached at: those of IANA's special-purpose
// address registries for IPv4 and IPv6 (RFC 6890 and its successors), but for what Public refuses anyway. Those that the
// registries call globally reachable are sinks and relays of a single purpose.
var reserved = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("192.31.196.0/24"),
	netip.MustParsePrefix("192.52.193.0/24"),
	netip.MustParsePrefix("192.88.99.0/24"),
	netip.MustParsePrefix("192.175.48.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("2001::/23"),
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("2002::/16"),
	netip.MustParsePrefix("2620:4f:8000::/48"),
	netip.MustParsePrefix("3fff::/20"),
}

// Widths of the networks that are handed out to one customer, and rented by the address: the longest prefixes that the
// internet routes.
const (
	neighbours4 = 24
	neighbours6 = 48
)

// Place returns what an address has in common with those that cost its owner nothing more: of the public internet the /24
// (IPv4) or /48 (IPv6). Other addresses are dialled for LocalNets only, whose servicers share one: address and port. It is
// empty for no address.
func Place(at netip.AddrPort) string {
	address := embedded(at.Addr())
	switch {
	case !at.IsValid():
		return ""
	case !Public(address):
		return netip.AddrPortFrom(address, at.Port()).String()
	}
	width := neighbours6
	if address.Is4() {
		width = neighbours4
	}
	return netip.PrefixFrom(address, width).Masked().String()
}

// embedded returns the IPv4 address inside an IPv6 address where a machine of the public internet may have to use that
// form (mapped, and NAT64's well-known prefix), and otherwise the address.
func embedded(address netip.Addr) netip.Addr {
	address = address.Unmap()
	if translated.Contains(address) {
		inner := address.As16()
		address = netip.AddrFrom4([4]byte(inner[12:]))
	}
	return address
}

// Public tells whether an address belongs to the public internet: not loopback, private, link-local (cloud metadata
// services live there), multicast, unspecified, reserved or with a zone. An IPv4 address inside IPv6 is judged as IPv4
// where it is embedded; 6to4, Teredo
// and IPv4-compatible addresses, which nobody has to use, are refused whatever they hold.
func Public(address netip.Addr) bool {
	address = embedded(address)
	if !address.IsGlobalUnicast() || address.IsPrivate() || address.Is6() && !global.Contains(address) {
		return false
	}
	for _, network := range reserved {
		if network.Contains(address) {
			return false
		}
	}
	return true
}
