package pocket_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/internal/fakes"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

const sampleQuestion = `{"jsonrpc":"2.0","id":7,"method":"block","params":{"height":"3"}}`

// result of one exchange.
type result struct {
	reply   fisherman.Reply
	failure *wire.Failure
	answer  *wire.Answer
}

// ask carries a question over a connection.
func ask(t *testing.T, conn *wire.Conn, servicer *fakes.Servicer, timeout time.Duration) (got result) {
	t.Helper()
	request, err := asker().Ask(sampleSession(), servicer.Actor(), types.Payload{JSONRPC: []byte(sampleQuestion)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = conn.Send(request.Wire(), time.Now().Add(timeout)); err != nil {
		t.Fatalf("send: %v", err)
	}
	if got.answer, err = conn.Receive(); err == nil {
		got.reply, got.failure = request.Open(got.answer)
		return got
	}
	var is bool
	if got.failure, is = errors.AsType[*wire.Failure](err); !is {
		t.Fatalf("not a failure: %v", err)
	}
	return got
}

func connect(t *testing.T, servicer *fakes.Servicer) *wire.Conn {
	t.Helper()
	conn, err := (&wire.Dialer{AllowPrivate: true, RootCAs: servicer.Roots()}).Dial(t.Context(), servicer.URL())
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestExchangeWithEachFault(t *testing.T) {
	const servicer, backend, self = types.Blame_BLAME_SERVICER, types.Blame_BLAME_BACKEND, types.Blame_BLAME_SELF
	const long, short = 10 * time.Second, 100 * time.Millisecond
	for name, test := range map[string]struct {
		fault   fakes.Fault
		timeout time.Duration
		outcome types.Outcome
		blame   types.Blame
	}{
		"Dripping":       {fakes.Dripping(time.Millisecond), short, types.Outcome_OUTCOME_TIMEOUT, servicer},
		"Hanging":        {fakes.Hanging(), short, types.Outcome_OUTCOME_TIMEOUT, servicer},
		"Sleepy":         {fakes.Sleepy(time.Second), short, types.Outcome_OUTCOME_TIMEOUT, servicer},
		"Bomb":           {fakes.Bomb(), long, types.Outcome_OUTCOME_TOO_LARGE, servicer},
		"Huge":           {fakes.Huge(), long, types.Outcome_OUTCOME_TOO_LARGE, servicer},
		"Forging":        {fakes.Forging(), long, types.Outcome_OUTCOME_BAD_SIGNATURE, servicer},
		"Replaying":      {fakes.Replaying(), long, types.Outcome_OUTCOME_WRONG_BINDING, servicer},
		"Refusing":       {fakes.Refusing(types.RelayErrorCode_RELAY_ERROR_CODE_BUSY), long, types.Outcome_OUTCOME_RELAY_ERROR, servicer},
		"over allowance": {fakes.Refusing(types.RelayErrorCode_RELAY_ERROR_CODE_OVER_ALLOWANCE), long, types.Outcome_OUTCOME_VOID, self},
		"upstream":       {fakes.Refusing(types.RelayErrorCode_RELAY_ERROR_CODE_UPSTREAM_TIMEOUT), long, types.Outcome_OUTCOME_BACKEND_ERROR, backend},
		"Garbled":        {fakes.Garbled(), long, types.Outcome_OUTCOME_MALFORMED, servicer},
		"Redirecting":    {fakes.Redirecting("http://127.0.0.1:9/"), long, types.Outcome_OUTCOME_HTTP_STATUS, servicer},
		"Erring":         {fakes.Erring(500), long, types.Outcome_OUTCOME_HTTP_STATUS, servicer},
		"Encoded":        {fakes.Encoded(), long, types.Outcome_OUTCOME_MALFORMED, servicer},
		"Resetting":      {fakes.Resetting(), long, types.Outcome_OUTCOME_RESET, servicer},
		"Cutting":        {fakes.Cutting(), long, types.Outcome_OUTCOME_RESET, servicer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := fakes.Start(t, test.fault)
			conn := connect(t, fake)
			started := time.Now()
			got := ask(t, conn, fake, test.timeout)
			took := time.Since(started)
			if got.failure == nil || got.failure.Outcome != test.outcome || got.failure.Blame != test.blame {
				t.Fatalf("%+v", got.failure)
			}
			if test.timeout == long && took > long/2 || test.timeout == short && took < short {
				t.Errorf("took %v", took)
			}
			if got.answer == nil && conn.Reusable() {
				t.Error("the connection is reusable")
			}
			if fake.Accepted() != 1 || fake.Requests() != 1 {
				t.Errorf("%d connections, %d requests", fake.Accepted(), fake.Requests())
			}
		})
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	target := fakes.Start(t, fakes.Honest())
	fake := fakes.Start(t, fakes.Redirecting(target.URL()+relay.Path))
	if got := ask(t, connect(t, fake), fake, 5*time.Second); got.failure == nil || got.failure.Outcome != types.Outcome_OUTCOME_HTTP_STATUS {
		t.Errorf("%+v", got.failure)
	}
	if target.Accepted() > 0 {
		t.Error("followed")
	}
}

func TestKeptConnection(t *testing.T) {
	for name, fake := range map[string]*fakes.Servicer{
		"http":  fakes.Start(t, fakes.Honest()),
		"https": fakes.StartTLS(t, fakes.Honest(), nil),
	} {
		conn := connect(t, fake)
		for range 5 {
			if !conn.Alive() {
				t.Fatalf("%s: not alive", name)
			}
			got := ask(t, conn, fake, 5*time.Second)
			if got.failure != nil || !conn.Reusable() {
				t.Fatalf("%s: %v, reusable %t", name, got.failure, conn.Reusable())
			}
			if got.reply.Status != 200 || !bytes.Contains(got.reply.Payload, []byte(`"id":7`)) {
				t.Errorf("%s: %v", name, got.reply)
			}
		}
		if fake.Accepted() != 1 || fake.Requests() != 5 {
			t.Errorf("%s: %d connections, %d requests", name, fake.Accepted(), fake.Requests())
		}
		fake.HangUp()
		fake.AwaitOpen(t, 0)
		if conn.Alive() {
			t.Errorf("%s: alive after it was hung up", name)
		}
	}
}

func TestLargestAnswer(t *testing.T) {
	if relay.MaxResponseBytes > wire.MaxBodyBytes {
		t.Errorf("envelopes of %d bytes, of which %d are read", relay.MaxResponseBytes, wire.MaxBodyBytes)
	}
	fake := fakes.Start(t, fakes.Wordy(relay.MaxResponsePayloadBytes-200))
	conn := connect(t, fake)
	if got := ask(t, conn, fake, 5*time.Second); got.failure != nil || len(got.reply.Payload) < relay.MaxResponsePayloadBytes-200 {
		t.Errorf("%v", got.failure)
	}
}
