package fisherman

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// farCommand is what a benchmark tells the far side.
type farCommand struct {
	// Start so many servicers, by https if Secure. Only in the first command.
	Start  int
	Secure bool
	// Dear is how many of them answer with what is dear to compare, or, if Hang, keep back the last byte of it.
	Dear int
	Hang bool
	// Delay of every answer from now on.
	Delay time.Duration
	// Take waits until so many servicers have answered since the last time, and says how long each took.
	Take int
}

// farAnswer is what the far side says.
type farAnswer struct {
	// Addresses at which the servicers listen.
	Addresses []string
	// Took by servicer: from its request's last byte received to its answer's last byte sent, both by the kernel's
	// clock; 0 if the kernel did not say. Those that did not answer are not in it.
	Took map[int]time.Duration
}

// farside is a number of honest servicers in a process of their own, which time themselves.
type farside struct {
	*child
	secure bool
	actors []*types.Actor
}

// startFarside starts honest servicers.
func startFarside(b testing.TB, servicers int, secure bool) *farside {
	b.Helper()
	return startFar(b, farCommand{Start: servicers, Secure: secure})
}

// startFar starts servicers, the first of which may be dear.
func startFar(b testing.TB, command farCommand) *farside {
	b.Helper()
	f := &farside{child: startChild(b, "farside"), secure: command.Secure}
	var answer farAnswer
	f.ask(command, &answer)
	scheme := "http://"
	if command.Secure {
		scheme = "https://"
	}
	for i, address := range answer.Addresses {
		key := farKey(i)
		f.actors = append(f.actors, &types.Actor{
			Type:       types.ActorType_ACTOR_TYPE_SERVICER,
			Address:    key.Address(),
			PublicKey:  key.PublicKeyHex(),
			ServiceUrl: scheme + address,
		})
	}
	return f
}

// delay sets how long every servicer waits before it answers.
func (f *farside) delay(d time.Duration) {
	f.b.Helper()
	f.ask(farCommand{Delay: d}, new(farAnswer))
}

// took says, by address, how long servicers took over their requests since it was called last. It waits for so many.
func (f *farside) took(servicers int) map[string]time.Duration {
	f.b.Helper()
	if servicers == 0 {
		return nil
	}
	var answer farAnswer
	f.ask(farCommand{Take: servicers}, &answer)
	byAddress := make(map[string]time.Duration, len(answer.Took))
	for i, d := range answer.Took {
		byAddress[f.actors[i].GetAddress()] = d
	}
	return byAddress
}

// farKey is the key of a servicer of the far side.
func farKey(servicer int) crypto.PrivateKey {
	return crypto.KeyFromSeed(sha256.Sum256(binary.BigEndian.AppendUint64([]byte("far side "), uint64(servicer))))
}

// farCertificate is one that both processes know, for 127.0.0.1.
func farCertificate() (*tls.Config, *x509.CertPool) {
	loan := httptest.NewTLSServer(nil)
	defer loan.Close()
	roots := x509.NewCertPool()
	roots.AddCert(loan.Certificate())
	return &tls.Config{Certificates: loan.TLS.Certificates}, roots
}

// farServicers are the servicers in the far side's own process.
type farServicers struct {
	secure *tls.Config // nil for http
	dear   int
	hang   bool
	delay  atomic.Int64

	mu       sync.Mutex
	answered *sync.Cond
	took     map[int]time.Duration // of those that have answered since the last Take
}

func playFarside(told *json.Decoder, said *json.Encoder) error {
	var command farCommand
	if err := told.Decode(&command); err != nil {
		return err
	}
	f := &farServicers{took: make(map[int]time.Duration), dear: command.Dear, hang: command.Hang}
	f.answered = sync.NewCond(&f.mu)
	if command.Secure {
		f.secure, _ = farCertificate()
	}
	var answer farAnswer
	for i := range command.Start {
		address := "127.0.0.1:0"
		if command.Dear > 0 { // each has a place of its own, and so a vote
			address = fmt.Sprintf("127.0.%d.1:0", i)
		}
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return err
		}
		answer.Addresses = append(answer.Addresses, listener.Addr().String())
		go f.accept(i, listener) // until the process ends
	}
	for err := said.Encode(answer); ; err = said.Encode(answer) {
		if err != nil {
			return err
		}
		command, answer = farCommand{}, farAnswer{}
		if err := told.Decode(&command); err != nil {
			return ignoreEnd(err)
		}
		if command.Take > 0 {
			answer.Took = f.take(command.Take)
		} else {
			f.delay.Store(int64(command.Delay))
		}
	}
}

func ignoreEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// take waits for so many servicers.
func (f *farServicers) take(servicers int) map[int]time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.took) < servicers {
		f.answered.Wait()
	}
	took := f.took
	f.took = make(map[int]time.Duration)
	return took
}

func (f *farServicers) note(servicer int, took time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.took[servicer] = took
	f.answered.Signal()
}

func (f *farServicers) accept(servicer int, listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go f.serve(servicer, conn.(*net.TCPConn))
	}
}

// serve answers the relays of one connection.
func (f *farServicers) serve(servicer int, socket *net.TCPConn) {
	defer socket.Close()
	stamped, err := newStamped(socket)
	if err != nil {
		return
	}
	var stream net.Conn = stamped
	if f.secure != nil {
		stream = tls.Server(stamped, f.secure)
	}
	reader := bufio.NewReader(stream)
	key := farKey(servicer)
	for {
		request, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		envelope, err := io.ReadAll(request.Body)
		if err != nil {
			return
		}
		received := stamped.received
		if delay := time.Duration(f.delay.Load()); delay > 0 {
			time.Sleep(delay)
		}
		reply := farReply(key, envelope, f.result(servicer))
		if f.hang && servicer < f.dear {
			reply = reply[:len(reply)-1]
		}
		if _, err := stream.Write(reply); err != nil {
			return
		}
		f.note(servicer, stamped.since(received))
	}
}

// result is what a servicer makes up; "" for an honest one. It is another one each time, as large as an answer may be.
func (f *farServicers) result(servicer int) string {
	if servicer >= f.dear {
		return ""
	}
	first := strconv.FormatUint(rand.Uint64(), 10)
	part := []string{"0", "{}", `{"a":0}`, "1e20", "0.1234567", `"\u00e9\n"`, "[[0]]", `"` + strings.Repeat("x", 4096) + `"`}[servicer%8]
	return "[" + first + strings.Repeat(","+part, (1<<20-1024)/(len(part)+1)) + "]"
}

// farReply is an answer with a result; with none it is an honest one: what it says follows from the question alone.
func farReply(key crypto.PrivateKey, envelope []byte, result string) []byte {
	opened, err := relay.OpenRequest(envelope)
	if err != nil {
		return []byte("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
	}
	question := opened.Request.GetJsonRpc().GetBody()
	var asked struct {
		ID     json.RawMessage
		Method string
	}
	_ = json.Unmarshal(question, &asked) // without an id the answer is refused
	hash := sha256.Sum256(question)
	switch {
	case asked.Method == "status": // all are at one height
		result = `{"sync_info":{"latest_block_height":"1000"},"beside":` + cmp.Or(result, "0") + `}`
	case result == "":
		result = `{"hash":"` + hex.EncodeToString(hash[:]) + `"}`
	}
	now := time.Now().UnixNano()
	sealed, err := relay.SealResponse(key, &types.RelayResponse{
		RequestHash:      opened.BodyHash[:],
		Servicer:         key.Address(),
		ReceivedUnixNano: now,
		AnsweredUnixNano: now,
		UpstreamStatus:   http.StatusOK,
		Payload:          fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"result":%s}`, asked.ID, result),
	})
	if err != nil {
		return []byte("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n")
	}
	return append(fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n",
		relay.ContentType, len(sealed)), sealed...)
}
