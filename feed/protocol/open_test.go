package protocol_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/feed/protocol"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// TestOpenRefuses: every fault has its own error.
func TestOpenRefuses(t *testing.T) {
	key, other := testKey(), crypto.KeyFromSeed([32]byte{1})
	good := func() *protocol.Statement {
		return &protocol.Statement{
			Version: 1, Network: "net", RelayChain: "0021", Fisherman: key.Address(), Place: "a", Instance: make([]byte, 16), Sequence: 1, SignedUnixNano: 5,
			What: &protocol.Statement_Round{Round: &types.QoSRound{SessionId: sessionID}},
		}
	}
	subject := protocol.Subject("net", "0021", key.Address())
	signed := func(s *protocol.Statement) []byte {
		raw := encoded(t, s)
		return encoded(t, &protocol.Delivery{Statement: raw, PublicKey: key.PublicKey(), Signature: key.Sign(crypto.DomainFeed, raw)})
	}
	trusted := func(publicKey []byte) bool { return bytes.Equal(publicKey, key.PublicKey()) }
	if _, err := protocol.Open(subject, signed(good()), trusted); err != nil {
		t.Fatalf("a good one: %v", err)
	}
	changed := func(change func(*protocol.Statement)) []byte {
		s := good()
		change(s)
		return signed(s)
	}
	raw := encoded(t, good())
	for name, c := range map[string]struct {
		message []byte
		subject string
		want    error
	}{
		"empty":             {message: nil, want: protocol.ErrForeign},
		"noise":             {message: []byte("\xff\xff\xff"), want: protocol.ErrMalformed},
		"too large":         {message: make([]byte, protocol.MaxDelivery+1), want: protocol.ErrMalformed},
		"foreign key":       {message: encoded(t, &protocol.Delivery{Statement: raw, PublicKey: other.PublicKey(), Signature: other.Sign(crypto.DomainFeed, raw)}), want: protocol.ErrForeign},
		"another's words":   {message: encoded(t, &protocol.Delivery{Statement: raw, PublicKey: key.PublicKey(), Signature: other.Sign(crypto.DomainFeed, raw)}), want: protocol.ErrSignature},
		"another domain":    {message: encoded(t, &protocol.Delivery{Statement: raw, PublicKey: key.PublicKey(), Signature: key.Sign(crypto.DomainEvidence, raw)}), want: protocol.ErrSignature},
		"no signature":      {message: encoded(t, &protocol.Delivery{Statement: raw, PublicKey: key.PublicKey()}), want: protocol.ErrSignature},
		"another subject":   {message: signed(good()), subject: protocol.Subject("net", "0022", key.Address()), want: protocol.ErrSubject},
		"version 2":         {message: changed(func(s *protocol.Statement) { s.Version = 2 }), want: protocol.ErrVersion},
		"no version":        {message: changed(func(s *protocol.Statement) { s.Version = 0 }), want: protocol.ErrVersion},
		"another fisherman": {message: changed(func(s *protocol.Statement) { s.Fisherman = other.Address() }), want: protocol.ErrMalformed},
		"no network":        {message: changed(func(s *protocol.Statement) { s.Network = "" }), want: protocol.ErrMalformed},
		"no relay chain":    {message: changed(func(s *protocol.Statement) { s.RelayChain = "" }), want: protocol.ErrMalformed},
		"long relay chain":  {message: changed(func(s *protocol.Statement) { s.RelayChain = strings.Repeat("a", 129) }), want: protocol.ErrMalformed},
		"no place":          {message: changed(func(s *protocol.Statement) { s.Place = "" }), want: protocol.ErrMalformed},
		"escape in place":   {message: changed(func(s *protocol.Statement) { s.Place = "a\x1b[2J" }), want: protocol.ErrMalformed},
		"long place":        {message: changed(func(s *protocol.Statement) { s.Place = strings.Repeat("a", 65) }), want: protocol.ErrMalformed},
		"short instance":    {message: changed(func(s *protocol.Statement) { s.Instance = s.Instance[1:] }), want: protocol.ErrMalformed},
		"sequence 0":        {message: changed(func(s *protocol.Statement) { s.Sequence = 0 }), want: protocol.ErrMalformed},
		"first with digest": {message: changed(func(s *protocol.Statement) { s.Previous = make([]byte, 32) }), want: protocol.ErrMalformed},
		"next without":      {message: changed(func(s *protocol.Statement) { s.Sequence = 2 }), want: protocol.ErrMalformed},
		"says nothing":      {message: changed(func(s *protocol.Statement) { s.What = nil }), want: protocol.ErrMalformed},
		"round of nothing":  {message: changed(func(s *protocol.Statement) { s.GetRound().SessionId = "" }), want: protocol.ErrMalformed},
		"session of nothing": {message: changed(func(s *protocol.Statement) {
			s.What = &protocol.Statement_Session{Session: &types.QoSSession{}}
		}), want: protocol.ErrMalformed},
		"empty gap": {message: changed(func(s *protocol.Statement) {
			s.What = &protocol.Statement_Gap{Gap: &protocol.Gap{SessionId: sessionID}}
		}), want: protocol.ErrMalformed},
	} {
		if c.subject == "" {
			c.subject = subject
		}
		if _, err := protocol.Open(c.subject, c.message, trusted); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// TestLargeRounds: envelopes are left out of a round that is too large, the rest stays in its bytes; what is too large without is not said.
func TestLargeRounds(t *testing.T) {
	round := &types.QoSRound{SessionId: sessionID, Index: 9, Question: "block", Samples: []*types.QoSSample{
		{Servicer: "a", RequestEnvelope: []byte("question"), ResponseEnvelope: make([]byte, protocol.MaxContent), Detail: "kept"},
		{Servicer: "b", Operator: "someone"},
	}}
	content, ok := protocol.RoundContent(sessionID, 9, encoded(t, round))
	if !ok {
		t.Fatal("it is not said")
	}
	sealed := protocol.Seal(testKey(), protocol.Place{Network: "n", RelayChain: "c", Name: "p", Sequence: 1}, content)
	opened, err := protocol.Open(sealed.Subject, sealed.Delivery, trustAll)
	if err != nil {
		t.Fatal(err)
	}
	round.Samples[0].RequestEnvelope, round.Samples[0].ResponseEnvelope = nil, nil
	if !proto.Equal(opened.GetRound(), round) || !opened.GetWithoutEnvelopes() {
		t.Errorf("opened %v", opened.Statement)
	}

	longest := protocol.Place{
		Network: strings.Repeat("n", 128), RelayChain: strings.Repeat("c", 128), Name: strings.Repeat("p", 64),
		Sequence: 1 << 63, SignedUnixNano: -1,
	}
	round.Samples[0].Detail = strings.Repeat("x", protocol.MaxContent-len(encoded(t, round))-4+len("kept"))
	if content, ok = protocol.RoundContent(sessionID, 9, encoded(t, round)); !ok {
		t.Fatalf("a round of %d bytes is not said", len(encoded(t, round)))
	}
	sealed = protocol.Seal(testKey(), longest, content)
	if opened, err = protocol.Open(sealed.Subject, sealed.Delivery, trustAll); err != nil || opened.GetWithoutEnvelopes() {
		t.Errorf("the largest that is said: %v, %d bytes", err, len(sealed.Delivery))
	}

	round.Question += strings.Repeat("x", 100)
	if _, ok := protocol.RoundContent(sessionID, 9, encoded(t, round)); ok {
		t.Error("a round that is too large without envelopes is said")
	}
	if _, ok := protocol.RoundContent(sessionID, 9, bytes.Repeat([]byte{0xff}, protocol.MaxContent+1)); ok {
		t.Error("noise is said")
	}
}

// TestSubjects: a token is safe for NATS, and has one text that it stands for.
func TestSubjects(t *testing.T) {
	for text, want := range map[string]string{
		"0021": "0021", "pocket-localnet": "pocket-localnet", "my group": "my%20group", "eth.mainnet": "eth%2Emainnet",
		"*": "%2A", ">": "%3E", "%": "%25", "": "%", "é": "%C3%A9", "$SYS": "%24SYS",
	} {
		if got := protocol.Token(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		parts := [3]string{rapid.String().Draw(t, "network"), string(rapid.SliceOf(rapid.Byte()).Draw(t, "chain")), rapid.String().Draw(t, "fisherman")}
		subject := protocol.Subject(parts[0], parts[1], parts[2])
		if strings.Count(subject, ".") != 4 || strings.ContainsAny(subject, "*> \t\r\n\x00") || strings.Contains(subject, "..") || strings.HasSuffix(subject, ".") {
			t.Errorf("subject %q", subject)
		}
		network, relayChain, fisherman, err := protocol.SplitSubject(subject)
		if err != nil || [3]string{network, relayChain, fisherman} != parts {
			t.Errorf("%q splits into %q, %q, %q: %v", subject, network, relayChain, fisherman, err)
		}
	})
}

// FuzzSplitSubject: what splits is what Subject returns for the parts.
func FuzzSplitSubject(f *testing.F) {
	for _, subject := range []string{"qos.v1.a.b.c", "qos.v1.%.%.%", "qos.v1.%2E.b%20.c", "qos.v1.%41.b.c", "qos.v1.a..c", "qos.v2.a.b.c", "qos.v1.a.b", "qos.v1.%2e.b.c", "qos.v1.%2.b.c"} {
		f.Add(subject)
	}
	f.Fuzz(func(t *testing.T, subject string) {
		network, relayChain, fisherman, err := protocol.SplitSubject(subject)
		if err == nil && protocol.Subject(network, relayChain, fisherman) != subject {
			t.Errorf("%q splits into %q, %q, %q", subject, network, relayChain, fisherman)
		}
	})
}

// FuzzOpen: nothing panics, and what opens is signed and within its bounds.
func FuzzOpen(f *testing.F) {
	for _, sealed := range chain(f) {
		f.Add(sealed.Delivery)
	}
	f.Add([]byte{})
	key := testKey()
	f.Fuzz(func(t *testing.T, message []byte) {
		// A fuzzer finds no signatures: the statement is signed here, so that what comes after is reached.
		var delivery protocol.Delivery
		if proto.Unmarshal(message, &delivery) != nil {
			return
		}
		delivery.PublicKey, delivery.Signature = key.PublicKey(), key.Sign(crypto.DomainFeed, delivery.GetStatement())
		var statement protocol.Statement
		_ = proto.Unmarshal(delivery.GetStatement(), &statement)
		subject := protocol.Subject(statement.GetNetwork(), statement.GetRelayChain(), key.Address())
		opened, err := protocol.Open(subject, encoded(t, &delivery), trustAll)
		if err != nil {
			return
		}
		if opened.GetVersion() != 1 || opened.GetFisherman() != key.Address() || len(opened.GetInstance()) != 16 || opened.GetSequence() == 0 || opened.GetWhat() == nil ||
			types.ValidateOpaque(opened.GetNetwork()) != nil || protocol.ValidatePlace(opened.GetPlace()) != nil {
			t.Errorf("opened %v", opened.Statement)
		}
	})
}

// FuzzRoundContent: whatever the store holds, leaving envelopes out neither panics nor makes it larger.
func FuzzRoundContent(f *testing.F) {
	f.Add([]byte("\x4a\x02\x82\x01"), uint16(3))
	f.Add([]byte("\x4a\x06\x82\x01\x01\x00\x0a\x00"), uint16(9))
	f.Fuzz(func(t *testing.T, part []byte, times uint16) {
		encoded := bytes.Repeat(part, int(times))
		if len(encoded) <= protocol.MaxContent {
			encoded = append(encoded, make([]byte, protocol.MaxContent)...)
		}
		content, ok := protocol.RoundContent("s", 1, encoded)
		if ok {
			sealed := protocol.Seal(testKey(), protocol.Place{Network: "n", RelayChain: "c", Name: "p", Sequence: 1}, content)
			if len(sealed.Delivery) > protocol.MaxDelivery {
				t.Errorf("a message of %d bytes", len(sealed.Delivery))
			}
		}
	})
}
