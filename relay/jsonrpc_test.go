package relay_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/relay"
)

func nested(depth int) string {
	// The request object and the params array are the first two.
	inner := strings.Repeat("[", depth-2) + strings.Repeat("]", depth-2)
	return `{"jsonrpc":"2.0","id":1,"method":"m","params":[` + inner + `]}`
}

func batch(size int) string {
	var requests []string
	for id := range size {
		requests = append(requests, fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"m"}`, id))
	}
	return "[" + strings.Join(requests, ",") + "]"
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
	{"string", `"x"`, "neither a JSON object nor an array"},
	{"null", `null`, "neither a JSON object nor an array"},
	{"batch of one", `[{"jsonrpc":"2.0","id":1,"method":"m"}]`, ""},
	{"largest batch", batch(relay.MaxBatch), ""},
	{"batch with a notification", `[{"jsonrpc":"2.0","method":"m"}, {"jsonrpc":"2.0","id":1,"method":"m"}]`, ""},
	{"batch with a number and its text", `[{"jsonrpc":"2.0","id":"1","method":"m"},{"jsonrpc":"2.0","id":1,"method":"m"}]`, ""},
	{"batch too large", batch(relay.MaxBatch + 1), "more than 64 requests"},
	{"empty batch", `[]`, "nothing in the batch"},
	{"batch of notifications", `[{"jsonrpc":"2.0","method":"m"}]`, "nothing in the batch"},
	{"batch in a batch", `[[{"jsonrpc":"2.0","id":1,"method":"m"}]]`, "not an object"},
	{"batch of numbers", `[1]`, "not an object"},
	{"batch with a bad request", `[{"jsonrpc":"2.0","id":1,"method":"m"},{"jsonrpc":"2.0","id":2}]`, `"method"`},
	{"batch with an id twice", `[{"jsonrpc":"2.0","id":1,"method":"m"},{"jsonrpc":"2.0","id":1,"method":"n"}]`, `"id" twice`},
	{"batch with an id in two notations", `[{"jsonrpc":"2.0","id":10,"method":"m"},{"jsonrpc":"2.0","id":1e1,"method":"n"}]`, `"id" twice`},
	{"batch with an escaped id twice", `[{"jsonrpc":"2.0","id":"a","method":"m"},{"jsonrpc":"2.0","id":"\u0061","method":"n"}]`, `"id" twice`},
	{"batch with huge ids", `[{"jsonrpc":"2.0","id":1e999,"method":"m"},{"jsonrpc":"2.0","id":1e999,"method":"n"}]`, `"id" twice`},
	{"batch with a null id", `[{"jsonrpc":"2.0","id":null,"method":"m"}]`, `"id"`},
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
			_, err := relay.ValidateJSONRPC([]byte(test.payload))
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

// A batch costs as much as its requests.
func TestRequestsAreCounted(t *testing.T) {
	for payload, want := range map[string]int{
		`{"jsonrpc":"2.0","id":1,"method":"m"}`: 1,
		batch(1):                                1,
		batch(7):                                7,
		`[{"jsonrpc":"2.0","method":"m"},{"jsonrpc":"2.0","id":1,"method":"m"}]`: 2,
	} {
		if got, err := relay.ValidateJSONRPC([]byte(payload)); got != want || err != nil {
			t.Errorf("%s: %d, %v, want %d", payload, got, err, want)
		}
	}
}

func FuzzValidateJSONRPC(f *testing.F) {
	for _, test := range jsonRPCCases {
		f.Add([]byte(test.payload))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		requests, err := relay.ValidateJSONRPC(payload)
		if err != nil {
			if !errors.Is(err, relay.ErrMalformed) {
				t.Fatalf("not malformed: %v", err)
			}
			return
		}
		// A node that reads it with an ordinary decoder must find the same requests.
		type request struct {
			Version string          `json:"jsonrpc"`
			Method  string          `json:"method"`
			ID      json.RawMessage `json:"id"`
			Params  any             `json:"params"`
		}
		var single request
		found := make([]request, 0, relay.MaxBatch)
		if err := json.Unmarshal(payload, &single); err == nil {
			found = append(found, single)
		} else if err := json.Unmarshal(payload, &found); err != nil {
			t.Fatalf("valid but unreadable: %v", err)
		}
		if len(found) != requests || requests < 1 || requests > relay.MaxBatch {
			t.Fatalf("%d requests counted, %d found", requests, len(found))
		}
		answered := 0
		for _, each := range found {
			if each.Version != "2.0" || each.Method == "" {
				t.Fatalf("valid but incomplete: %+v", each)
			}
			if len(each.ID) > 0 {
				answered++
			}
			switch each.Params.(type) {
			case nil, []any, map[string]any:
			default:
				t.Fatalf("params of another kind: %T", each.Params)
			}
		}
		if answered == 0 {
			t.Fatal("nothing expects an answer")
		}
	})
}
