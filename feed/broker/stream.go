package broker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Stream is what a stream of the feed has to be.
type Stream struct {
	// Name is the stream's.
	Name string
	// Subjects that it takes.
	Subjects string
	// Replicas on several servers; 0 for any number, and for 1 where the stream is made.
	Replicas int
	// MaxAge and MaxBytes are how long and how much the stream keeps; 0 for any, and for the defaults where it is made.
	MaxAge   time.Duration
	MaxBytes int64
	// Discard says what a full stream does; nil for any, and for removing the oldest messages where it is made.
	Discard *jetstream.DiscardPolicy
	// MaxMessage is the largest message that it has to take, in bytes.
	MaxMessage int64
}

// Defaults of a stream that is made.
const (
	DefaultStream   = "qos"
	DefaultMaxAge   = 7 * 24 * time.Hour
	DefaultMaxBytes = 2 << 30
	// LeastMaxBytes takes the place of DefaultMaxBytes where a server has no room for that.
	LeastMaxBytes = 256 << 20
	// DuplicateWindow is for how long the server recognises a message that is published again.
	DuplicateWindow = 2 * time.Minute
)

// Errors of Ensure, beside those of the connection.
var (
	// ErrNoJetStream is returned when the server, or our account on it, has no JetStream, or a cluster has no leader for now.
	ErrNoJetStream = errors.New("JetStream does not answer: enable it for the server and the account (jetstream {} in nats-server.conf), unless the cluster is just starting")
	// ErrForbidden is returned when the server does not permit us to look at the stream.
	ErrForbidden = errors.New("the server does not permit looking at the stream")
)

// LimitsError is returned for a stream that is not as it has to be, or cannot be made so. It says how to mend it.
type LimitsError struct{ Problems []string }

// Error returns the problems on one line.
func (e *LimitsError) Error() string { return strings.Join(e.Problems, "; ") }

// Ensure makes the stream if there is none, and otherwise checks that it is as it has to be. Errors: *LimitsError, ErrNoJetStream,
// ErrForbidden, or the connection's.
func (c *Connection) Ensure(ctx context.Context, want Stream) error {
	ctx, cancel := c.untilForbidden(ctx, 2*connectTimeout)
	defer cancel()
	found, err := c.stream.Stream(ctx, want.Name)
	if err == nil {
		return want.check(found.CachedInfo().Config)
	}
	if !errors.Is(err, jetstream.ErrStreamNotFound) {
		return c.explain(err, want)
	}
	config := want.config()
	_, err = c.stream.CreateStream(ctx, config)
	if want.MaxBytes == 0 && noRoom(err) {
		config.MaxBytes = LeastMaxBytes
		_, err = c.stream.CreateStream(ctx, config)
	}
	if err == nil {
		c.logger.Info("made the stream of the feed", "stream", want.Name, "max_bytes", config.MaxBytes)
		return nil
	}
	if !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return c.explain(err, want)
	}
	// Another fisherman made it meanwhile.
	if found, err = c.stream.Stream(ctx, want.Name); err != nil {
		return c.explain(err, want)
	}
	return want.check(found.CachedInfo().Config)
}

// config returns the stream as it is made.
func (s Stream) config() jetstream.StreamConfig {
	config := jetstream.StreamConfig{
		Name: s.Name, Description: "quality of service, as fishermen publish it", Subjects: []string{s.Subjects}, Storage: jetstream.FileStorage,
		Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardOld, Replicas: max(s.Replicas, 1), MaxAge: DefaultMaxAge, MaxBytes: DefaultMaxBytes,
		MaxMsgs: -1, MaxMsgsPerSubject: -1, Duplicates: DuplicateWindow,
	}
	if s.MaxAge > 0 {
		config.MaxAge = s.MaxAge
		config.Duplicates = min(config.Duplicates, s.MaxAge)
	}
	if s.MaxBytes > 0 {
		config.MaxBytes = s.MaxBytes
	}
	if s.Discard != nil {
		config.Discard = *s.Discard
	}
	return config
}

// check returns a *LimitsError if a stream is not as it has to be.
func (s Stream) check(is jetstream.StreamConfig) error {
	var problems []string
	wrong := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Sprintf(format, args...))
		}
	}
	edit := "nats stream edit " + s.Name
	wrong(slices.ContainsFunc(is.Subjects, func(pattern string) bool { return covers(pattern, s.Subjects) }),
		"stream %s does not take the subjects %s: run '%s --subjects %s', or set feed.stream to another name", s.Name, s.Subjects, edit, s.Subjects)
	wrong(!is.Sealed && !is.NoAck && is.Mirror == nil, "stream %s is sealed, a mirror, or acknowledges nothing: set feed.stream to another name", s.Name)
	wrong(is.Retention == jetstream.LimitsPolicy, "stream %s has the retention %s, not limits: set feed.stream to another name", s.Name, retention(is.Retention))
	wrong(s.Replicas == 0 || is.Replicas == s.Replicas,
		"stream %s has %d replicas, feed.replicas is %d: run '%s --replicas=%d', or set feed.replicas to %d", s.Name, is.Replicas, s.Replicas, edit, s.Replicas, is.Replicas)
	wrong(s.MaxAge == 0 || is.MaxAge == s.MaxAge,
		"stream %s keeps messages for %s, feed.max_age is %s: run '%s --max-age=%s', or set feed.max_age to %s", s.Name, span(is.MaxAge), s.MaxAge, edit, s.MaxAge, span(is.MaxAge))
	wrong(s.MaxBytes == 0 || is.MaxBytes == s.MaxBytes,
		"stream %s keeps %s, feed.max_bytes is %d: run '%s --max-bytes=%d', or set feed.max_bytes to what the stream has", s.Name, size(is.MaxBytes), s.MaxBytes, edit, s.MaxBytes)
	wrong(s.Discard == nil || is.Discard == *s.Discard,
		"stream %s discards its %s messages when it is full, feed.discard says otherwise: run '%s --discard=%s', or change feed.discard",
		s.Name, discard(is.Discard), edit, discardPointer(s.Discard))
	wrong(is.MaxMsgs <= 0, "stream %s keeps at most %d messages: run '%s --max-msgs=-1'", s.Name, is.MaxMsgs, edit)
	wrong(is.MaxMsgsPerSubject <= 0, "stream %s keeps at most %d messages of a subject: run '%s --max-msgs-per-subject=-1'", s.Name, is.MaxMsgsPerSubject, edit)
	wrong(is.MaxMsgSize <= 0 || int64(is.MaxMsgSize) >= s.MaxMessage,
		"stream %s takes messages of %d bytes, the feed has ones of %d: run '%s --max-msg-size=-1'", s.Name, is.MaxMsgSize, s.MaxMessage, edit)
	if problems == nil {
		return nil
	}
	return &LimitsError{problems}
}

// covers reports whether a pattern of subjects takes all those of "PREFIX.>".
func covers(pattern, subjects string) bool {
	has, wants := strings.Split(pattern, "."), strings.Split(subjects, ".")
	for i, token := range has {
		switch {
		case token == ">":
			return i < len(wants)
		case i >= len(wants) || wants[i] == ">" || token != "*" && token != wants[i]:
			return false
		}
	}
	return len(has) == len(wants)
}

func retention(policy jetstream.RetentionPolicy) string {
	switch policy {
	case jetstream.InterestPolicy:
		return "interest"
	case jetstream.WorkQueuePolicy:
		return "work queue"
	}
	return "limits"
}

func discard(policy jetstream.DiscardPolicy) string {
	if policy == jetstream.DiscardNew {
		return "new"
	}
	return "old"
}

func discardPointer(policy *jetstream.DiscardPolicy) string {
	if policy == nil {
		return ""
	}
	return discard(*policy)
}

func span(age time.Duration) string {
	if age == 0 {
		return "ever"
	}
	return age.String()
}

func size(bytes int64) string {
	if bytes <= 0 {
		return "any number of bytes"
	}
	return strconv.FormatInt(bytes, 10) + " bytes"
}

// Codes of the server's errors that the library has no names for.
const (
	codeInsufficientResources jetstream.ErrorCode = 10023
	codeAccountResources      jetstream.ErrorCode = 10002
	codeNoPeers               jetstream.ErrorCode = 10005
	codeStorageResources      jetstream.ErrorCode = 10047
	codeNotMatch              jetstream.ErrorCode = 10060
	codeOverlap               jetstream.ErrorCode = 10065
	codeReplicas              jetstream.ErrorCode = 10074
	codeStoreFailed           jetstream.ErrorCode = 10077
	codeMostStreams           jetstream.ErrorCode = 10027
)

// noRoom reports whether a server has no room for a stream.
func noRoom(err error) bool {
	code := codeOf(err)
	return code == codeStorageResources || code == codeInsufficientResources || code == codeAccountResources
}

// codeOf returns the server's code of an error; 0 for another error.
func codeOf(err error) jetstream.ErrorCode {
	answered, is := errors.AsType[jetstream.JetStreamError](err)
	if !is || answered.APIError() == nil {
		return 0
	}
	return answered.APIError().ErrorCode
}

// explain returns what an error of looking at, or making, the stream means.
func (c *Connection) explain(err error, want Stream) error {
	one := func(format string, args ...any) error { return &LimitsError{[]string{fmt.Sprintf(format, args...)}} }
	if noRoom(err) {
		return one("the server has no room for a stream of %d bytes: set feed.max_bytes to fewer, or give the server more (max_file_store)", max(want.MaxBytes, LeastMaxBytes))
	}
	switch codeOf(err) {
	case codeReplicas:
		return one("the server is no cluster, and cannot keep %d replicas: set feed.replicas to 1, or feed.nats to a cluster", want.Replicas)
	case codeNoPeers:
		return one("the cluster has too few servers with room for %d replicas of %d bytes: set feed.replicas or feed.max_bytes to fewer, add servers, or give them more room (max_file_store)",
			max(want.Replicas, 1), want.config().MaxBytes)
	case codeOverlap:
		return one("another stream takes the subjects %s: set feed.stream to its name, or remove it", want.Subjects)
	case codeMostStreams:
		return one("the account may have no more streams: raise its limit, or remove one")
	case jetstream.JSErrCodeJetStreamNotEnabled, jetstream.JSErrCodeJetStreamNotEnabledForAccount:
		return ErrNoJetStream
	}
	if errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount) {
		return ErrNoJetStream
	}
	if c.wasForbidden() {
		return ErrForbidden
	}
	return err
}

// Refusal is why the server did not take a message.
type Refusal uint8

// Refusals.
const (
	// RefusalNone: the server did not answer, or was not reached.
	RefusalNone Refusal = iota
	// RefusalFull: the stream is full, or the server's disk.
	RefusalFull
	// RefusalStream: there is no such stream, or another one takes the subject, or it takes no message of that size.
	RefusalStream
	// RefusalOther: anything else.
	RefusalOther
)

// RefusalOf returns what an error of publishing means.
func RefusalOf(err error) Refusal {
	switch code := codeOf(err); {
	case code == codeStoreFailed || noRoom(err):
		return RefusalFull
	case code == codeNotMatch || code == jetstream.JSErrCodeStreamMessageExceedsMaximum || code == jetstream.JSErrCodeStreamNotFound,
		errors.Is(err, jetstream.ErrNoStreamResponse):
		return RefusalStream
	case code != 0:
		return RefusalOther
	}
	return RefusalNone
}
