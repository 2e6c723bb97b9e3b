package relay_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/relay"
)

func nested(depth int) string {
	// The request object and the params array are the first two.
	inner := strings.Repeat("[", depth-2) + strings.Repeat("]", depth-2)
	return `{"jsonrpc":"2.0","id":1,"method":"m","params":[` + inner + `]}`
}

var jsonRPCCases = []struct {
	name, payload, want string
}{
	{"no params", `{"jsonrpc":"2.0","id":1,"method":"status"}`, ""},
	{"array", `{"jsonrpc":"2.0","id":1,"method":"eth_getBlockByNumber","params":["0x1",false]}`, ""},
	{"object", `{"method":"block","params":{"height":"7"},"id":"a","jsonrpc":"2.0"}`, ""},
	{"space around", " \t\r\n{\"jsonrpc\":\"2.0\",\"id\":-1.5e3,\"method\":\"m\"} \n", ""},
	{"escaped names", `{"jsonrpc":"2.0","id":0,"m\u0065thod":"m"}`, ""},
	{"brackets in strings", `{"jsonrpc":"2.0","id":"` + strings.Repeat(`[{\"`, 100) + `","method":"m"}`, ""},
	{"deepest", nested(relay.MaxJSONDepth), ""},
	{"too deep", nested(relay.MaxJSONDepth + 1), "nests 65 deep"},
	{"far too deep", nested(20000), "not JSON"},
	{"empty", ``, "not JSON"},
	{"space", " \n", "not JSON"},
	{"no JSON", `hello`, "not JSON"},
	{"cut", `{"jsonrpc":"2.0","id":1,"method":"m"`, "not JSON"},
	{"two", `{"jsonrpc":"2.0","id":1,"method":"m"}{}`, "not JSON"},
	{"byte order mark", "\ufeff{}", "not JSON"},
	{"not UTF-8", "{\"jsonrpc\":\"2.0\",\"id\":\"\xff\",\"method\":\"m\"}", "not UTF-8"},
	{"batch", `[{"jsonrpc":"2.0","id":1,"method":"m"}]`, "batch"},
	{"string", `"x"`, "not a JSON object"},
	{"null", `null`, "not a JSON object"},
	{"no members", `{}`, `"jsonrpc"`},
	{"no version", `{"id":1,"method":"m"}`, `"jsonrpc"`},
	{"version 1", `{"jsonrpc":"1.0","id":1,"method":"m"}`, `"jsonrpc"`},
	{"version as number", `{"jsonrpc":2.0,"id":1,"method":"m"}`, `"jsonrpc"`},
	{"no method", `{"jsonrpc":"2.0","id":1}`, `"method"`},
	{"empty method", `{"jsonrpc":"2.0","id":1,"method":""}`, `"method"`},
	{"null method", `{"jsonrpc":"2.0","id":1,"method":null}`, `"method"`},
	{"method as number", `{"jsonrpc":"2.0","id":1,"method":7}`, `"method"`},
	{"no id", `{"jsonrpc":"2.0","method":"m"}`, `"id"`},
	{"null id", `{"jsonrpc":"2.0","id":null,"method":"m"}`, `"id"`},
	{"object id", `{"jsonrpc":"2.0","id":{},"method":"m"}`, `"id"`},
	{"boolean id", `{"jsonrpc":"2.0","id":true,"method":"m"}`, `"id"`},
	{"params as string", `{"jsonrpc":"2.0","id":1,"method":"m","params":"x"}`, `"params"`},
	{"params null", `{"jsonrpc":"2.0","id":1,"method":"m","params":null}`, `"params"`},
	{"method twice", `{"jsonrpc":"2.0","id":1,"method":"m","method":"n"}`, `"method" twice`},
	{"method twice, once escaped", `{"jsonrpc":"2.0","id":1,"method":"m","m\u0065thod":"n"}`, `"method" twice`},
	{"method in another case", `{"jsonrpc":"2.0","id":1,"method":"m","Method":"n"}`, "member other than"},
}

func TestValidateJSONRPC(t *testing.T) {
	for _, test := range jsonRPCCases {
		t.Run(test.name, func(t *testing.T) {
			err := relay.ValidateJSONRPC([]byte(test.payload))
			if test.want == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			if !errors.Is(err, relay.ErrMalformed) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want malformed with %s", err, test.want)
			}
		})
	}
}

func FuzzValidateJSONRPC(f *testing.F) {
	for _, test := range jsonRPCCases {
		f.Add([]byte(test.payload))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		if err := relay.ValidateJSONRPC(payload); err != nil {
			if !errors.Is(err, relay.ErrMalformed) {
				t.Fatalf("not malformed: %v", err)
			}
			return
		}
		// A node that reads it with an ordinary decoder must find the same request.
		var request struct {
			Version string          `json:"jsonrpc"`
			Method  string          `json:"method"`
			ID      json.RawMessage `json:"id"`
			Params  any             `json:"params"`
		}
		if err := json.Unmarshal(payload, &request); err != nil {
			t.Fatalf("valid but unreadable: %v", err)
		}
		if request.Version != "2.0" || request.Method == "" || len(request.ID) == 0 {
			t.Fatalf("valid but incomplete: %+v", request)
		}
		switch request.Params.(type) {
		case nil, []any, map[string]any:
		default:
			t.Fatalf("params of another kind: %T", request.Params)
		}
	})
}
