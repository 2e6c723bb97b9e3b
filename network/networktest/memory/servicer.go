package memory

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// zone ends the host names of servicers.
const zone = ".memory.example"

// Actor returns a servicer as sessions name it. Its address is the name.
func Actor(name string) *types.Actor {
	return &types.Actor{
		Type: types.ActorType_ACTOR_TYPE_SERVICER, Address: name, PublicKey: keyOf(name).PublicKeyHex(), ServiceUrl: "http://" + name + zone,
	}
}

// Question is a request's body as its servicer reads it.
type Question struct {
	// Servicer that it is addressed to.
	Servicer string
	Payload  types.Payload

	body []byte
}

// Read reads the body of a request.
func Read(body []byte) (*Question, error) {
	var asked sentence
	if err := json.Unmarshal(body, &asked); err != nil {
		return nil, fmt.Errorf("read question: %w", err)
	}
	return &Question{Servicer: asked.Servicer, Payload: types.Payload{JSONRPC: asked.JSONRPC, REST: asked.REST}, body: body}, nil
}

// Answer returns the signed answer of a servicer to a question.
func (q *Question) Answer(servicer string, status uint32, payload []byte) []byte {
	return sign(line{Request: hashOf(q.body), Servicer: servicer, Status: status, Payload: payload})
}

// Refuse returns the signed refusal of a servicer.
func (q *Question) Refuse(servicer string, code Code) []byte {
	return sign(line{Request: hashOf(q.body), Servicer: servicer, Code: code})
}

func sign(said line) []byte {
	signed, err := json.Marshal(said)
	if err != nil {
		panic(err) // of texts, bytes and numbers
	}
	return hex.AppendEncode(append(bytes.Clone(signed), '\n'), keyOf(said.Servicer).Sign(domain, signed))
}

// Fault is what a servicer does with a question: it returns the body of its response, or nil for silence.
type Fault func(servicer string, asked *Question) []byte

// Honest returns a fault that is none: the answer follows from the question alone, so that any two agree.
func Honest() Fault { return Lying("") }

// Lying returns a fault that signs a false result; liars of the same lie agree with each other.
func Lying(lie string) Fault {
	return func(servicer string, asked *Question) []byte {
		return asked.Answer(servicer, http.StatusOK, result(asked.Payload, lie))
	}
}

// Refusing returns a fault that signs a refusal.
func Refusing(code Code) Fault {
	return func(servicer string, asked *Question) []byte { return asked.Refuse(servicer, code) }
}

// Silent returns a fault that never answers.
func Silent() Fault { return func(string, *Question) []byte { return nil } }

// result is what the node behind a servicer answers. Asked for its status, it says that its newest height is 1000.
func result(payload types.Payload, lie string) []byte {
	if payload.REST != nil {
		return fmt.Appendf(nil, `{"hash":"%x","lie":%q}`, sha256.Sum256([]byte(payload.REST.GetMethod()+" "+payload.REST.GetPath())), lie)
	}
	var asked struct {
		ID     json.RawMessage
		Method string
		Params json.RawMessage
	}
	_ = json.Unmarshal(payload.JSONRPC, &asked) // without a question the answer has no id
	head := ""
	if asked.Method == "status" {
		head = `,"sync_info":{"latest_block_height":"1000"}`
	}
	sum := sha256.Sum256(append([]byte(asked.Method+" "), asked.Params...))
	return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"result":{"hash":"%x","lie":%q%s}}`, asked.ID, sum, lie, head)
}

// Serve answers requests on a stream in a servicer's place, and returns when the stream ends.
func Serve(stream net.Conn, servicer string, fault Fault) {
	defer stream.Close()
	reader := bufio.NewReader(stream)
	for {
		request, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return
		}
		asked, err := Read(body)
		if err != nil {
			return
		}
		response := fault(servicer, asked)
		if response == nil {
			continue
		}
		if _, err := fmt.Fprintf(stream, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(response), response); err != nil {
			return
		}
	}
}

// Servicers are the servicers of a network by name, each with its fault.
type Servicers map[string]Fault

// Dial connects to the servicer with a service URL over a pipe; the servicer's end of it lasts as long as the connection.
// A servicer that is not there refuses.
func (s Servicers) Dial(_ context.Context, serviceURL string) (*wire.Conn, error) {
	name := strings.TrimSuffix(strings.TrimPrefix(serviceURL, "http://"), zone)
	fault, there := s[name]
	if !there {
		return nil, wire.Fail(types.Outcome_OUTCOME_CONNECT, types.Attempt_ATTEMPT_CONNECT, errors.New("nobody is there"))
	}
	near, far := net.Pipe()
	go Serve(far, name, fault)
	return wire.Over(near), nil
}
