package wire_test

import (
	"net/netip"
	"testing"

	"github.com/pocket-fisherman/fisherman/wire"
)

// special are the networks of IANA's special-purpose address registries, and those that are special by other standards:
// multicast (RFC 5771, RFC 4291), site-local (RFC 3879), IPv4-compatible (RFC 4291).
var special = []string{
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
	"192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "255.255.255.255/32",
	"::/128", "::1/128", "::/96", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "2001::/23", "2001::/32", "2001:1::1/128", "2001:1::2/128",
	"2001:1::3/128", "2001:2::/48", "2001:3::/32", "2001:4:112::/48", "2001:10::/28", "2001:20::/28", "2001:30::/28", "2001:db8::/32",
	"2002::/16", "2620:4f:8000::/48", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
}

// Both ends of every special network and a place in its middle are refused, in each form that an address can be written
// in; what lies beside it is judged by itself.
func TestSpecialNetworksAreNotPublic(t *testing.T) {
	for _, text := range special {
		network := netip.MustParsePrefix(text)
		for _, address := range []netip.Addr{network.Addr(), last(network), middle(network)} {
			if !network.Contains(address) {
				t.Fatalf("%s is not in %s", address, network)
			}
			for form, same := range forms(address) {
				if wire.Public(same) {
					t.Errorf("%s of %s, %s: %s", address, network, form, same)
				}
			}
		}
	}
	for _, text := range []string{"1.0.0.0", "9.255.255.255", "11.0.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0", "192.0.1.0",
		"192.0.3.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "2001:200::", "2003::", "2620:4f:8001::", "3ffe:ffff::", "2000::1"} {
		if !wire.Public(netip.MustParseAddr(text)) {
			t.Errorf("%s is refused", text)
		}
	}
}

func last(network netip.Prefix) netip.Addr {
	bytes := network.Addr().AsSlice()
	for bit := network.Bits(); bit < 8*len(bytes); bit++ {
		bytes[bit/8] |= 0x80 >> (bit % 8)
	}
	address, _ := netip.AddrFromSlice(bytes)
	return address
}

func middle(network netip.Prefix) netip.Addr {
	bytes := network.Addr().AsSlice()
	if bit := network.Bits(); bit < 8*len(bytes) {
		bytes[bit/8] |= 0x80 >> (bit % 8)
	}
	address, _ := netip.AddrFromSlice(bytes)
	return address
}

// forms are the ways to write an address, or to hide an IPv4 address in IPv6.
func forms(address netip.Addr) map[string]netip.Addr {
	all := map[string]netip.Addr{"plain": address}
	if !address.Is4() {
		all["with a zone"] = address.WithZone("lo")
		return all
	}
	four := address.As4()
	within := func(text string, at int) netip.Addr {
		bytes := netip.MustParseAddr(text).As16()
		copy(bytes[at:], four[:])
		return netip.AddrFrom16(bytes)
	}
	all["mapped"] = within("::ffff:0:0", 12)
	all["mapped with a zone"] = within("::ffff:0:0", 12).WithZone("lo")
	all["compatible"] = within("::", 12)
	all["NAT64"] = within("64:ff9b::", 12)
	all["local NAT64"] = within("64:ff9b:1::", 12)
	all["6to4"] = within("2002::", 2)
	all["Teredo server"] = within("2001::", 4)
	all["Teredo client"] = within("2001::", 12)
	return all
}

func TestPublic(t *testing.T) {
	for address, want := range map[string]bool{
		"8.8.8.8":                true,
		"1.1.1.1":                true,
		"172.15.255.255":         true,
		"172.32.0.0":             true,
		"100.63.255.255":         true,
		"100.128.0.0":            true,
		"192.0.1.1":              true,
		"223.255.255.255":        true,
		"2606:4700::1":           true,
		"2a00::1":                true,
		"::ffff:8.8.8.8":         true,
		"64:ff9b::8.8.8.8":       true,
		"0.0.0.0":                false,
		"0.1.2.3":                false,
		"10.0.0.1":               false,
		"100.64.0.1":             false,
		"127.0.0.1":              false,
		"127.255.255.254":        false,
		"169.254.169.254":        false,
		"172.16.0.1":             false,
		"172.31.255.255":         false,
		"192.0.0.8":              false,
		"192.0.2.1":              false,
		"192.88.99.1":            false,
		"192.168.1.1":            false,
		"198.18.0.1":             false,
		"198.19.255.255":         false,
		"198.51.100.1":           false,
		"203.0.113.1":            false,
		"224.0.0.1":              false,
		"239.255.255.255":        false,
		"240.0.0.1":              false,
		"255.255.255.255":        false,
		"::":                     false,
		"::1":                    false,
		"::7f00:1":               false,
		"::ffff:127.0.0.1":       false,
		"::ffff:10.0.0.1":        false,
		"::ffff:169.254.169.254": false,
		"64:ff9b::127.0.0.1":     false,
		"64:ff9b::192.168.0.1":   false,
		"64:ff9b:1::8.8.8.8":     false,
		"100::1":                 false,
		"2001::1":                false,
		"2001:db8::1":            false,
		"2002:7f00:1::":          false,
		"3fff::1":                false,
		"5f00::1":                false,
		"fc00::1":                false,
		"fd00:ec2::254":          false,
		"fe80::1":                false,
		"fe80::1%lo":             false,
		"2606:4700::1%eth0":      false,
		"fec0::1":                false,
		"ff02::1":                false,
	} {
		if got := wire.Public(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %t", address, got)
		}
	}
	if wire.Public(netip.Addr{}) {
		t.Error("no address is public")
	}
}

// What is in one network of the public internet is one place. A LocalNet, whose servicers share an address, has a place
// for every port.
func TestPlace(t *testing.T) {
	for name, alike := range map[string][]string{
		"a /24":          {"8.8.8.8:1", "8.8.8.255:2", "[::ffff:8.8.8.7]:3", "[64:ff9b::808:801]:4"},
		"its neighbour":  {"8.8.9.8:1"},
		"a /48":          {"[2001:4860:4860::8888]:1", "[2001:4860:4860:ffff::1]:2"},
		"its neighbours": {"[2001:4860:4861::8888]:1"},
		"a private one":  {"10.0.0.1:1", "[::ffff:10.0.0.1]:1", "[64:ff9b::a00:1]:1"},
		"a port beside":  {"10.0.0.1:2"},
		"beside it":      {"10.0.0.2:1"},
		"this machine":   {"127.0.0.1:1", "[::ffff:127.0.0.1]:1"},
		"another port":   {"127.0.0.1:2"},
		"another of it":  {"127.0.0.2:1"},
		"IPv6 of it":     {"[::1]:1"},
	} {
		for _, address := range alike {
			if got, want := wire.Place(netip.MustParseAddrPort(address)), wire.Place(netip.MustParseAddrPort(alike[0])); got != want || got == "" {
				t.Errorf("%s: %s is at %s, not at %s", name, address, got, want)
			}
		}
	}
	if got := wire.Place(netip.MustParseAddrPort("8.8.8.8:1")); got != "8.8.8.0/24" {
		t.Error(got)
	}
	if got := wire.Place(netip.MustParseAddrPort("[2001:4860:4860::1]:1")); got != "2001:4860:4860::/48" {
		t.Error(got)
	}
	if got := wire.Place(netip.AddrPort{}); got != "" {
		t.Error(got)
	}
	places := make(map[string]bool)
	for _, address := range []string{"8.8.8.8:1", "8.8.9.8:1", "[2001:4860:4860::1]:1", "[2001:4860:4861::1]:1", "10.0.0.1:1", "10.0.0.2:1", "127.0.0.1:1",
		"127.0.0.1:2", "127.0.0.2:1", "[::1]:1", "[fd00::1]:1", "[fe80::1%eth0]:1"} {
		places[wire.Place(netip.MustParseAddrPort(address))] = true
	}
	if len(places) != 12 {
		t.Errorf("%d places: %v", len(places), places)
	}
}
