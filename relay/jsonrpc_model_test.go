package relay

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// FuzzJSONRPC compares with the model, which reads payloads by the decoder of encoding/json.
func FuzzJSONRPC(f *testing.F) {
	for _, payload := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"status"}`,
		` [ {"jsonrpc" : "2.\u0030" , "id" : -1.5e3 , "method" : "m" , "params" : { "a" : [ "]}\\" , { } ] } } , {"jsonrpc":"2.0","method":"n"}] `,
		`{"m\u0065thod":"m","method":"n","id":"\"","jsonrpc":"2.0"}`, `{"":{},"id":null}`, `[1,true,"x",[],{}]`, `[]`, `{}`, `[{}]`, `nul`,
	} {
		f.Add([]byte(payload))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		if jsonDepth(payload) > MaxJSONDepth {
			return
		}
		requests, err := ValidateJSONRPC(payload)
		wantRequests, wantErr := modelJSONRPC(payload)
		if requests != wantRequests || (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
			t.Errorf("%d requests, error %v; the model says %d, %v", requests, err, wantRequests, wantErr)
		}
	})
}

// modelJSONRPC is ValidateJSONRPC, but for the depth.
func modelJSONRPC(payload []byte) (requests int, err error) {
	if !utf8.Valid(payload) {
		return 0, malformed("the payload is not UTF-8")
	}
	if !json.Valid(payload) {
		return 0, malformed("the payload is not JSON: %w", json.Unmarshal(payload, new(json.RawMessage)))
	}
	switch first := bytes.TrimLeft(payload, " \t\r\n")[0]; first {
	case '[':
		return modelBatch(payload)
	case '{':
		id, err := modelOne(payload)
		if err == nil && id == nil {
			err = malformed(`the payload has no "id", so nothing would answer it`)
		}
		return 1, err
	default:
		return 0, malformed("the payload is neither a JSON object nor an array")
	}
}

// modelBatch checks the requests of a valid JSON array one by one, and their ids together.
func modelBatch(payload []byte) (requests int, err error) {
	decoder := json.NewDecoder(bytes.NewReader(payload))
	if _, err := decoder.Token(); err != nil {
		return 0, malformed("the payload: %w", err)
	}
	ids := make(map[string]struct{})
	for ; decoder.More(); requests++ {
		if requests == MaxBatch {
			return 0, malformed("the batch has more than %d requests", MaxBatch)
		}
		var request json.RawMessage
		if err := decoder.Decode(&request); err != nil {
			return 0, malformed("the payload: %w", err)
		}
		if request[0] != '{' {
			return 0, malformed("the batch holds something that is not an object")
		}
		id, err := modelOne(request)
		if err != nil {
			return 0, err
		}
		if id == nil {
			continue
		}
		if _, repeated := ids[identity(id)]; repeated {
			return 0, malformed(`the batch has an "id" twice`)
		}
		ids[identity(id)] = struct{}{}
	}
	if len(ids) == 0 {
		return 0, malformed("nothing in the batch expects an answer")
	}
	return requests, nil
}

// modelOne checks one request and returns its id, nil when there is none.
func modelOne(object []byte) (id json.RawMessage, err error) {
	members, err := modelMembers(object)
	if err != nil {
		return nil, err
	}
	return members["id"], modelCheck(members)
}

// modelMembers splits a valid JSON object into its members, which must be those of a JSON-RPC request, once each.
func modelMembers(object []byte) (map[string]json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(object))
	if _, err := decoder.Token(); err != nil {
		return nil, malformed("the payload: %w", err)
	}
	members := make(map[string]json.RawMessage, 4)
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, malformed("the payload: %w", err)
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, malformed("the payload: %w", err)
		}
		name, _ := token.(string)
		switch name {
		case "jsonrpc", "method", "params", "id":
		default:
			return nil, malformed("the payload has a member other than jsonrpc, method, params and id")
		}
		if _, repeated := members[name]; repeated {
			return nil, malformed("the payload has %q twice", name)
		}
		members[name] = value
	}
	return members, nil
}

func modelCheck(members map[string]json.RawMessage) error {
	var version, method string
	if json.Unmarshal(members["jsonrpc"], &version) != nil || version != "2.0" {
		return malformed(`the payload's "jsonrpc" is not "2.0"`)
	}
	if json.Unmarshal(members["method"], &method) != nil || method == "" {
		return malformed(`the payload's "method" is not a non-empty string`)
	}
	if id, present := members["id"]; present && id[0] != '"' && id[0] != '-' && (id[0] < '0' || id[0] > '9') {
		return malformed(`the payload's "id" is not a string or a number`)
	}
	if params, present := members["params"]; present && params[0] != '[' && params[0] != '{' {
		return malformed(`the payload's "params" is not an array or an object`)
	}
	return nil
}
