package configs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/secret"
	line "github.com/pocket-fisherman/fisherman/shared/text"
)

// Feed says where a fisherman publishes what it stores (docs/feed.md). Either NATS or Embedded is set.
type Feed struct {
	// NATS are the servers of one NATS system, at most MaximumServers.
	NATS Servers `json:"nats"`
	// Credentials is the file of a NATS user, as 'nsc' makes it; empty for none. A relative path is relative to the node's home.
	Credentials string `json:"credentials"`
	// TLS of the connection.
	TLS FeedTLS `json:"tls"`
	// Embedded runs a NATS server in the process, with its store below the data directory.
	Embedded bool `json:"embedded"`
	// Listen is the loopback HOST:PORT of the embedded server; empty for DefaultFeedListen.
	Listen string `json:"listen"`
	// Stream is the name of the JetStream stream; empty for DefaultFeedStream.
	Stream string `json:"stream"`
	// Replicas of the stream, 1 to 5; 0 for 1 where the stream is made, and any number where it exists. It is 3 for a cluster.
	Replicas int `json:"replicas"`
	// MaxAge and MaxBytes are how long and how much the stream keeps; nil and 0 for 7 days and 2 GiB where it is made (256 MiB
	// if the server has no room for that), and for whatever it keeps where it exists.
	MaxAge   *Span `json:"max_age"`
	MaxBytes int64 `json:"max_bytes"`
	// Discard is what a full stream does without: DiscardOld or DiscardNew; empty for old where it is made, and for either where it
	// exists.
	Discard string `json:"discard"`
	// Place is the name of this vantage point, 1 to 64 bytes of printable text; empty for the name of the host.
	Place string `json:"place"`
}

// FeedTLS names files in PEM. Relative paths are relative to the node's home.
type FeedTLS struct {
	// CA are the authorities that the server is verified by; empty for the system's.
	CA string `json:"ca"`
	// Cert and Key are the client's certificate; both or none.
	Cert string `json:"cert"`
	Key  string `json:"key"`
}

// Values of Feed.Discard.
const (
	// DiscardOld removes the oldest messages.
	DiscardOld = "old"
	// DiscardNew refuses new messages, which wait in the outbox.
	DiscardNew = "new"
)

// Defaults and bounds of Feed.
const (
	DefaultFeedListen = "127.0.0.1:4222"
	DefaultFeedStream = "qos"
	MaximumServers    = 16
	MaximumReplicas   = 5
	MaximumPlace      = 64
)

// Servers are the URLs of NATS servers, which may hold passwords. In the file they are one URL or a list.
type Servers []secret.Written

// MarshalJSON returns the URL of one server, null for nil, otherwise a list.
func (s Servers) MarshalJSON() ([]byte, error) {
	switch {
	case s == nil:
		return []byte("null"), nil
	case len(s) == 1:
		return s[0].MarshalJSON()
	}
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode([]secret.Written(s))
	return encoded.Bytes(), err
}

var errServers = errors.New("nats is the URL of a server, or a list of them")

// UnmarshalJSON accepts a URL, a list, and null.
func (s *Servers) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*s = nil
		return nil
	}
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")) {
		var list []secret.Written
		if json.Unmarshal(data, &list) != nil {
			return errServers
		}
		*s = list
		return nil
	}
	var one secret.Written
	if one.UnmarshalJSON(data) != nil {
		return errServers
	}
	*s = Servers{one}
	return nil
}

// IsStreamName reports whether a stream can have a name.
func IsStreamName(name string) bool {
	return name != "" && len(name) <= 255 && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

// StreamForm says what IsStreamName accepts.
const StreamForm = "1 to 255 letters, digits, '-' and '_'"

// IsPlace reports whether a vantage point can have a name.
func IsPlace(name string) bool {
	return name != "" && len(name) <= MaximumPlace && line.Printable(name) == name
}

// IsFeedListen reports whether an embedded server can listen at an address: it asks nobody who he is.
func IsFeedListen(address string) bool {
	_, valid := listenPort(address)
	return valid && onLoopback(address)
}

// paths returns the files that are named.
func (f *Feed) paths() []*string {
	return []*string{&f.Credentials, &f.TLS.CA, &f.TLS.Cert, &f.TLS.Key}
}

// Within returns the feed with its files below a directory, where their paths are relative.
func (f Feed) Within(dir string) Feed {
	for _, path := range f.paths() {
		if *path != "" {
			*path = secret.Within(dir, *path)
		}
	}
	return f
}

// open returns the feed with what the URLs of its servers refer to.
func (f Feed) open(dir string, env secret.Environment) (Feed, error) {
	f.NATS = slices.Clone(f.NATS)
	for i := range f.NATS {
		opened, err := f.NATS[i].Open(dir, env)
		if err != nil {
			return f, fmt.Errorf("%w: fisherman.feed.nats: %w", ErrInvalid, err)
		}
		if problem := secret.NATSProblem(opened.Reveal()); problem != "" {
			return f, fmt.Errorf("%w: fisherman.feed.nats %s; allowed: %s", ErrInvalid, problem, secret.NATSForm)
		}
		f.NATS[i] = opened
	}
	return f, nil
}

// shown returns the feed for display: URLs that are written as they are may hold passwords.
func (f Feed) shown() Feed {
	f.NATS = slices.Clone(f.NATS)
	for i, url := range f.NATS {
		if url.IsLiteral() {
			f.NATS[i] = secret.Text("[secret]")
		}
	}
	return f
}

// feed checks a feed. What the URLs refer to is checked when they are opened.
func (p *problems) feed(field string, f Feed) {
	p.add(f.Embedded != (len(f.NATS) > 0), field, map[bool]string{true: "with nats and embedded", false: "without nats and embedded"}[f.Embedded],
		"either nats, as in nats://nats.example:4222, or embedded, which is true")
	p.add(len(f.NATS) <= MaximumServers, field+".nats", fmt.Sprintf("%d of them", len(f.NATS)), fmt.Sprintf("at most %d", MaximumServers))
	for _, url := range f.NATS {
		if url.IsLiteral() {
			if problem := secret.NATSProblem(url.Reveal()); problem != "" {
				p.refuse(field+".nats", problem, secret.NATSForm)
			}
		}
	}
	p.add(!f.Embedded || f.Credentials == "" && f.TLS == FeedTLS{}, field, "embedded, with credentials or tls", "neither of them: the embedded server is for this machine alone")
	p.add((f.TLS.Cert == "") == (f.TLS.Key == ""), field+".tls", "cert or key alone", "both or none")
	for _, path := range f.paths() {
		p.add(*path == "" || secret.IsPath(*path), field, quoted(*path), "a path of 1 to 2048 bytes")
	}
	p.add(f.Listen == "" || f.Embedded, field+".listen", "for nats", "a listen of the embedded server only")
	p.add(f.Listen == "" || IsFeedListen(f.Listen), field+".listen", quoted(f.Listen), "a loopback address, as in "+DefaultFeedListen+": the embedded server asks nobody who he is")
	p.add(f.Stream == "" || IsStreamName(f.Stream), field+".stream", quoted(f.Stream), StreamForm)
	p.add(0 <= f.Replicas && f.Replicas <= MaximumReplicas, field+".replicas", strconv.Itoa(f.Replicas), fmt.Sprintf("1 to %d, or 0 for any", MaximumReplicas))
	p.add(!f.Embedded || f.Replicas <= 1, field+".replicas", strconv.Itoa(f.Replicas), "1 with embedded, which is one server")
	if f.MaxAge != nil {
		p.add(MinimumKept <= time.Duration(*f.MaxAge) && time.Duration(*f.MaxAge) <= MaximumKept, field+".max_age", f.MaxAge.String(), "1h to 3660d")
	}
	p.add(f.MaxBytes == 0 || MinimumHistoryBytes <= f.MaxBytes && f.MaxBytes <= MaximumHistoryBytes, field+".max_bytes", strconv.FormatInt(f.MaxBytes, 10),
		fmt.Sprintf("%d to %d, or 0 for any", MinimumHistoryBytes, int64(MaximumHistoryBytes)))
	p.add(f.Discard == "" || f.Discard == DiscardOld || f.Discard == DiscardNew, field+".discard", quoted(f.Discard), DiscardOld+" or "+DiscardNew)
	p.add(f.Place == "" || IsPlace(f.Place), field+".place", quoted(line.Printable(short(f.Place))), fmt.Sprintf("1 to %d bytes of printable text", MaximumPlace))
}
