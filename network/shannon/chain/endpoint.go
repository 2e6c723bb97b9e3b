package chain

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/text"
)

// mostAnswer bounds an answer, in bytes.
const mostAnswer = 4 << 20

// endpoint is the RPC of one node.
type endpoint struct {
	// number in the configuration, from 1: its name in texts.
	number int
	// address for requests, and that of its WebSocket; they may hold keys.
	address, socket string
	// authorization is the value of the header of that name; empty for none.
	authorization string
	client        *http.Client
	timeout       time.Duration
	// kick has it asked for its status now.
	kick chan struct{}

	mu sync.Mutex
	// connected is the WebSocket that headers come over; nil while there is none. heard is the newest height that came.
	connected io.Closer
	heard     int64
	// failed is why it could not be asked last; nil when it answered.
	failed error
}

var errNotEndpoint = errors.New("it is no URL of a node's RPC; allowed: http://HOST:PORT, https://HOST[:PORT], tcp://HOST:PORT, with a path or a query")

// newEndpoint reads the URL of a node's RPC. Errors do not show it.
func newEndpoint(raw string, number int, client *http.Client, timeout time.Duration) (*endpoint, error) {
	e := &endpoint{number: number, client: client, timeout: timeout, kick: make(chan struct{}, 1)}
	parsed, err := url.Parse(raw)
	if err != nil || parsed.Hostname() == "" || parsed.Fragment != "" {
		return nil, e.named(errNotEndpoint)
	}
	switch parsed.Scheme {
	case "http", "https":
	case "tcp": // as CometBFT writes it
		parsed.Scheme = "http"
	default:
		return nil, e.named(errNotEndpoint)
	}
	if user := parsed.User; user != nil {
		password, _ := user.Password()
		e.authorization = "Basic " + base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password))
		parsed.User = nil
	}
	if parsed.Path == "" {
		parsed.Path = "/"
	}
	e.address = parsed.String()
	socket := parsed.JoinPath("websocket")
	socket.Scheme = map[string]string{"http": "ws", "https": "wss"}[parsed.Scheme]
	e.socket = socket.String()
	return e, nil
}

// named returns an error that says which endpoint it is about.
func (e *endpoint) named(err error) error { return fmt.Errorf("RPC endpoint %d: %w", e.number, err) }

func (e *endpoint) header() http.Header {
	header := make(http.Header)
	if e.authorization != "" {
		header.Set("Authorization", e.authorization)
	}
	return header
}

// message is one of JSON-RPC, in either direction.
type message struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  any             `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *rpcError       `json:"error,omitempty"`
}

type rpcError struct {
	Code    int64           `json:"code"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data"`
}

// requestOf returns a call.
func requestOf(method string, params any) message {
	return message{Version: "2.0", ID: json.RawMessage("1"), Method: method, Params: params}
}

// resultOf reads the answer to a call.
func resultOf(answer []byte) (json.RawMessage, error) {
	var read message
	if err := json.Unmarshal(answer, &read); err != nil {
		return nil, fmt.Errorf("%w: it is no JSON-RPC", ErrMalformed)
	}
	if failed := read.Error; failed != nil {
		return nil, fmt.Errorf("%w: JSON-RPC error %d: %s", ErrUnreachable, failed.Code,
			text.Line(failed.Message+" "+string(failed.Data), mostQuoted))
	}
	if len(read.Result) == 0 {
		return nil, fmt.Errorf("%w: it has no result", ErrMalformed)
	}
	return read.Result, nil
}

// call asks the endpoint. Errors: ErrUnreachable, ErrMalformed, or the context's.
func (e *endpoint) call(ctx context.Context, method string, params any) (json.RawMessage, error) {
	body, err := json.Marshal(requestOf(method, params))
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", method, err)
	}
	limited, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(limited, http.MethodPost, e.address, bytes.NewReader(body))
	if err != nil {
		return nil, errNotEndpoint
	}
	request.Header = e.header()
	request.Header.Set("Content-Type", "application/json")
	response, err := e.client.Do(request)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, unreachable(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, mostAnswer+1))
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, unreachable(err)
	case len(answer) > mostAnswer:
		return nil, fmt.Errorf("%w: it is larger than %d bytes", ErrMalformed, mostAnswer)
	}
	// CometBFT sends errors of calls with the status 500.
	result, err := resultOf(answer)
	if errors.Is(err, ErrMalformed) && response.StatusCode/100 != 2 {
		return nil, fmt.Errorf("%w: HTTP status %d", ErrUnreachable, response.StatusCode)
	}
	return result, err
}

// status is what a node says of itself.
type status struct {
	chain string
	claim claim
}

// readStatus reads the result of "status".
func readStatus(result []byte) (status, error) {
	var read struct {
		Node struct {
			Network string `json:"network"`
		} `json:"node_info"`
		Sync struct {
			Hash       hexBytes  `json:"latest_block_hash"`
			Height     int64     `json:"latest_block_height,string"`
			Time       time.Time `json:"latest_block_time"`
			CatchingUp bool      `json:"catching_up"`
		} `json:"sync_info"`
	}
	if err := json.Unmarshal(result, &read); err != nil {
		return status{}, fmt.Errorf("%w: its status", ErrMalformed)
	}
	chain, err := chainID(read.Node.Network)
	if err != nil {
		return status{}, err
	}
	if read.Sync.Height < 0 {
		return status{}, fmt.Errorf("%w: a height below 0", ErrMalformed)
	}
	return status{chain: chain, claim: claim{height: read.Sync.Height, time: read.Sync.Time, hash: read.Sync.Hash,
		catchingUp: read.Sync.CatchingUp || read.Sync.Height == 0}}, nil
}

// mostChainID bounds a chain's id, in bytes, as CometBFT does.
const mostChainID = 50

func chainID(said string) (string, error) {
	if said == "" || len(said) > mostChainID || text.Printable(said) != said {
		return "", fmt.Errorf("%w: it says no id of a chain", ErrMalformed)
	}
	return said, nil
}

// hexBytes are bytes that JSON has in hexadecimal.
type hexBytes []byte

func (b *hexBytes) UnmarshalText(read []byte) error {
	decoded, err := hexDecode(read)
	*b = decoded
	return err
}
