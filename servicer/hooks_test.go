package servicer_test

import (
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/servicer"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// The observer is called once for every relay: answered, refused, and malformed.
func TestObserverIsToldOfEveryRelay(t *testing.T) {
	var codes []types.RelayErrorCode
	s := newServicer(t, newChain(22), newHonest(t).URL, func(config *servicer.Config) {
		config.Hooks.Relay = func(code types.RelayErrorCode, took time.Duration) {
			if took <= 0 {
				t.Errorf("took %v", took)
			}
			codes = append(codes, code)
		}
	})
	sealed := seal(t, applicationKey, newRequest())
	wantReply(t, ask(t, s, sealed))
	wantCode(t, ask(t, s, sealed), types.RelayErrorCode_RELAY_ERROR_CODE_REPLAYED)
	s.HandleRelay(t.Context(), []byte("no envelope"))
	want := []types.RelayErrorCode{0, types.RelayErrorCode_RELAY_ERROR_CODE_REPLAYED, types.RelayErrorCode_RELAY_ERROR_CODE_MALFORMED}
	if len(codes) != len(want) || codes[0] != want[0] || codes[1] != want[1] || codes[2] != want[2] {
		t.Errorf("told %v, want %v", codes, want)
	}
}
