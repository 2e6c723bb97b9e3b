package wire

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// nameserver answers queries for A and AAAA on loopback, by the name and by how often it was asked for it before. What it
// does not know does not exist.
type nameserver struct {
	answer func(name string, before int) []string

	mu    sync.Mutex
	asked map[string]int
}

// resolveBy starts a name server for as long as the test, and makes a resolver that asks it.
func resolveBy(t *testing.T, answer func(name string, before int) []string) (*nameserver, *net.Resolver) {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &nameserver{answer: answer, asked: make(map[string]int)}
	served := make(chan struct{})
	go func() {
		defer close(served)
		n.serve(socket)
	}()
	t.Cleanup(func() {
		socket.Close()
		<-served
	})
	return n, &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "udp", socket.LocalAddr().String())
	}}
}

func (n *nameserver) serve(socket net.PacketConn) {
	buffer := make([]byte, 1500)
	for {
		size, from, err := socket.ReadFrom(buffer)
		if err != nil {
			return
		}
		var query dnsmessage.Message
		if query.Unpack(buffer[:size]) != nil || len(query.Questions) != 1 {
			continue
		}
		if reply, err := n.reply(query).Pack(); err == nil {
			_, _ = socket.WriteTo(reply, from)
		}
	}
}

func (n *nameserver) reply(query dnsmessage.Message) *dnsmessage.Message {
	question := query.Questions[0]
	name := strings.TrimSuffix(question.Name.String(), ".")
	key := question.Type.String() + " " + name
	n.mu.Lock()
	before := n.asked[key]
	n.asked[key]++
	n.mu.Unlock()
	reply := &dnsmessage.Message{Header: dnsmessage.Header{ID: query.ID, Response: true, RecursionAvailable: true}, Questions: query.Questions}
	addresses := n.answer(name, before)
	if addresses == nil {
		reply.RCode = dnsmessage.RCodeNameError
	}
	for _, text := range addresses {
		address := netip.MustParseAddr(text)
		header := dnsmessage.ResourceHeader{Name: question.Name, Type: question.Type, Class: dnsmessage.ClassINET, TTL: 0}
		switch {
		case address.Is4() && question.Type == dnsmessage.TypeA:
			reply.Answers = append(reply.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: address.As4()}})
		case address.Is6() && question.Type == dnsmessage.TypeAAAA:
			reply.Answers = append(reply.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: address.As16()}})
		}
	}
	return reply
}

func (n *nameserver) times(key string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.asked[key]
}

// Of a name's addresses only the public ones are left, whichever a stranger puts among them; when none is, nothing is
// dialled.
func TestEveryAddressOfANameIsJudged(t *testing.T) {
	hosts := map[string][]string{
		"mixed.example": {"10.0.0.1", "8.8.8.8", "169.254.169.254", "127.0.0.1", "::1", "fd00:ec2::254", "2606:4700::1", "::ffff:127.0.0.1"},
		"inner.example": {"127.0.0.1", "::1", "192.168.0.1", "fe80::1"},
		"meta.example":  {"169.254.169.254", "fd00:ec2::254"},
	}
	_, resolver := resolveBy(t, func(name string, _ int) []string { return hosts[name] })
	dialer := &Dialer{Resolver: resolver}
	want := []netip.AddrPort{netip.MustParseAddrPort("8.8.8.8:8080"), netip.MustParseAddrPort("[2606:4700::1]:8080")}
	got, err := dialer.resolve(t.Context(), parsed(t, "http://mixed.example:8080"))
	if slices.SortFunc(got, netip.AddrPort.Compare); err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	for _, host := range []string{"inner.example", "meta.example", "meta.example."} {
		_, err := dialer.Dial(t.Context(), "http://"+host)
		failure, is := errors.AsType[*Failure](err)
		if !is || failure.Outcome != types.Outcome_OUTCOME_CONNECT || failure.Blame != types.Blame_BLAME_SERVICER || !strings.Contains(err.Error(), "no public address") {
			t.Errorf("%s: %v", host, err)
		}
	}
}

// A name server that answers otherwise the second time gains nothing: the address that was judged is the one dialled,
// and the name is looked up once.
func TestRebindingChangesNothing(t *testing.T) {
	listener := listen(t)
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	names, resolver := resolveBy(t, func(name string, before int) []string {
		switch {
		case name == "turning.example" && before == 0, name == "turned.example" && before > 0:
			return []string{"127.0.0.1"}
		case name == "turned.example":
			return []string{"192.168.77.77"}
		}
		return []string{"127.7.7.7"}
	})
	conn, err := (&Dialer{AllowPrivate: true, Resolver: resolver}).Dial(t.Context(), "http://turning.example:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got := conn.socket.RemoteAddr().String(); got != listener.Addr().String() || names.times("TypeA turning.example.") > 1 || names.times("TypeA turning.example") != 1 {
		t.Errorf("connected to %s; asked %v", got, names.asked)
	}
	if _, err := (&Dialer{Resolver: resolver}).Dial(t.Context(), "http://turned.example:"+port); err == nil || names.times("TypeA turned.example") != 1 {
		t.Errorf("%v; asked %v", err, names.asked)
	}
}

// Numbers that some programs take for an address are names or addresses here, and never lead to loopback.
func TestNumbersAreNoWayIn(t *testing.T) {
	listener := listen(t)
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_, resolver := resolveBy(t, func(string, int) []string { return nil })
	for _, host := range []string{
		"2130706433", "0x7f000001", "017700000001", "0177.0.0.1", "0x7f.1", "127.1", "127.0.1", "127.0.0.1.", "0", "0.0", "127.0.0.01", "127.0.0.256",
		"%31%32%37.0.0.1", "１２７.0.0.1", "127。0。0。1", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::ffff:127.0.0.1%25lo]", "[0::0001]",
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		conn, err := (&Dialer{Resolver: resolver}).Dial(ctx, "http://"+host+":"+port)
		cancel()
		if failure, is := errors.AsType[*Failure](err); conn != nil || !is || failure.Outcome == types.Outcome_OUTCOME_TIMEOUT {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func parsed(t *testing.T, text string) *url.URL {
	t.Helper()
	target, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return target
}
