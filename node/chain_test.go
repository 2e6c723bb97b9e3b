package node

import (
	"encoding/json"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/runtime/genesis"
)

// A parameter that an older state lacks is shown with the value that it has.
func TestParametersOfAnOlderState(t *testing.T) {
	for _, test := range []struct {
		state *uint32
		shown uint32
	}{{nil, 5}, {proto.Uint32(0), 0}, {proto.Uint32(1), 1}} {
		params := genesis.DefaultParams()
		params.Qos.ChecksPerColdCheck = test.state
		encoded, err := encodeParams(params)
		if err != nil {
			t.Fatal(err)
		}
		var shown struct {
			QoS struct {
				Cold *uint32 `json:"checks_per_cold_check"`
			} `json:"qos"`
		}
		if err := json.Unmarshal(encoded, &shown); err != nil || shown.QoS.Cold == nil || *shown.QoS.Cold != test.shown {
			t.Errorf("%v: %s, %v", test.state, encoded, err)
		}
	}
}
