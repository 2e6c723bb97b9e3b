package localnet

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// call is a question to a node: JSON-RPC, or CometBFT's form of it by GET.
type call struct {
	method string
	// arguments by name or by position. Those of a GET request are by name, as they are written in the query.
	named  map[string]json.RawMessage
	placed []json.RawMessage
	// envelope holds the members of a JSON-RPC request; nil by GET.
	envelope map[string]json.RawMessage
	// changed reports whether arguments differ from the request's.
	changed bool
}

// readCall reads a JSON-RPC request; false if it is none.
func readCall(request []byte) (*call, bool) {
	c := &call{}
	if json.Unmarshal(request, &c.envelope) != nil || json.Unmarshal(c.envelope["method"], &c.method) != nil {
		return nil, false
	}
	if params := c.envelope["params"]; json.Unmarshal(params, &c.placed) != nil {
		c.placed = nil
		_ = json.Unmarshal(params, &c.named) // neither is no argument
	}
	return c, true
}

// readGet reads a request by GET.
func readGet(request *url.URL) *call {
	c := &call{method: strings.TrimPrefix(request.Path, "/"), named: make(map[string]json.RawMessage)}
	for name, values := range request.Query() {
		c.named[name] = json.RawMessage(values[0])
	}
	return c
}

// argument returns an argument by its name or position; empty if there is none.
func (c *call) argument(name string, place int) json.RawMessage {
	value := c.named[name]
	if c.named == nil && place < len(c.placed) {
		value = c.placed[place]
	}
	if string(value) == "null" {
		return nil
	}
	return value
}

// set replaces an argument.
func (c *call) set(name string, place int, value any) {
	c.changed = true
	encoded := encode(value)
	if c.named != nil {
		c.named[name] = encoded
		return
	}
	for len(c.placed) <= place {
		c.placed = append(c.placed, json.RawMessage("null"))
	}
	c.placed[place] = encoded
}

// request returns the call as a request to a node.
func (c *call) request(target *url.URL) (method string, to *url.URL, body []byte) {
	if c.envelope == nil {
		query := make(url.Values)
		for name, value := range c.named {
			query.Set(name, string(value))
		}
		to = target.JoinPath(c.method)
		to.RawQuery = query.Encode()
		return http.MethodGet, to, nil
	}
	if c.changed {
		c.envelope["params"] = encode(c.placed)
		if c.named != nil {
			c.envelope["params"] = encode(c.named)
		}
	}
	return http.MethodPost, target, encode(c.envelope)
}

// reply returns an answer to the call: with a result, or an error.
func (c *call) reply(member string, value any) map[string]any {
	answer := map[string]any{"jsonrpc": "2.0", "id": -1, member: value}
	if c.envelope != nil {
		answer["id"] = c.envelope["id"]
	}
	return answer
}
