package relay_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/internal/fakes"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const sampleQuestion = `{"jsonrpc":"2.0","id":7,"method":"block","params":{"height":"3"}}`

// result of one exchange.
type result struct {
	response *types.RelayResponse
	failure  *relay.Failure
	answer   *relay.Answer
	written  time.Time
}

// ask carries a sealed question over a connection, receiver first, as a round does.
func ask(t *testing.T, conn *relay.Conn, servicer *fakes.Servicer, timeout time.Duration) result {
	t.Helper()
	sealed, err := protocol().Seal(sampleSession(), servicer.Actor(), types.Payload{JSONRPC: []byte(sampleQuestion)})
	if err != nil {
		t.Fatal(err)
	}
	var got result
	received := make(chan error)
	go func() {
		var err error
		got.answer, err = conn.Receive()
		received <- err
	}()
	got.written, err = conn.Send(sealed.Wire, time.Now().Add(timeout))
	if err != nil {
		t.Fatalf("send: %v", err)
	}
	if err = <-received; err == nil {
		got.response, err = sealed.Open(got.answer)
	}
	if err != nil {
		var ok bool
		if got.failure, ok = errors.AsType[*relay.Failure](err); !ok {
			t.Fatalf("not a failure: %v", err)
		}
	}
	return got
}

func connect(t *testing.T, servicer *fakes.Servicer) *relay.Conn {
	t.Helper()
	conn, failure := dial(t, &relay.Dialer{AllowPrivate: true, RootCAs: servicer.Roots()}, servicer.URL(), 5*time.Second)
	if failure != nil {
		t.Fatalf("dial: %v", failure)
	}
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
			if got.response.GetServicer() != fake.Address() || !bytes.Contains(got.response.GetPayload(), []byte(`"id":7`)) {
				t.Errorf("%s: %v", name, got.response)
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

// The time of an answer is that of its bytes: it holds the servicer's delay and none of our sealing and opening.
func TestSleepyIsTimed(t *testing.T) {
	const delay = 50 * time.Millisecond
	fake := fakes.Start(t, fakes.Sleepy(delay))
	conn := connect(t, fake)
	sending := time.Now()
	got := ask(t, conn, fake, 5*time.Second)
	received := time.Now()
	if got.failure != nil {
		t.Fatal(got.failure)
	}
	first, last := got.answer.FirstByte, got.answer.LastByte
	if first.Sub(sending) < delay || last.Before(first) || received.Before(last) || got.written.Before(sending) {
		t.Errorf("sending %v, written +%v, first byte +%v, last byte +%v", sending, got.written.Sub(sending), first.Sub(sending), last.Sub(sending))
	}
}

func TestLargestAnswer(t *testing.T) {
	fake := fakes.Start(t, fakes.Wordy(relay.MaxResponsePayloadBytes-200))
	conn := connect(t, fake)
	if got := ask(t, conn, fake, 5*time.Second); got.failure != nil || len(got.response.GetPayload()) < relay.MaxResponsePayloadBytes-200 {
		t.Errorf("%v", got.failure)
	}
}
