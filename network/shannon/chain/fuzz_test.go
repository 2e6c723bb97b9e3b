package chain

import (
	"testing"

	"github.com/pocket-fisherman/fisherman/shared/text"
)

// shown checks that an error can be shown.
func shown(t *testing.T, err error) {
	t.Helper()
	if err != nil && (text.Printable(err.Error()) != err.Error() || len(err.Error()) > 1024) {
		t.Errorf("error that cannot be shown: %q", err)
	}
}

func FuzzStatus(f *testing.F) {
	f.Add([]byte(`{"node_info":{"network":"pocket"},"sync_info":{"latest_block_hash":"AB","latest_block_height":"7","latest_block_time":"2026-01-01T00:00:00Z","catching_up":false}}`))
	f.Add([]byte(`{"node_info":{"network":"\u001b"},"sync_info":{"latest_block_height":"-7"}}`))
	f.Fuzz(func(t *testing.T, result []byte) {
		said, err := readStatus(result)
		shown(t, err)
		if err == nil && (said.chain == "" || said.claim.height < 0 || said.claim.height == 0 && !said.claim.catchingUp || len(said.claim.hash) > hashLength) {
			t.Errorf("read %+v", said)
		}
	})
}

func FuzzEvent(f *testing.F) {
	f.Add([]byte(`{"query":"x","data":{"type":"tendermint/event/NewBlockHeader","value":{"header":{"chain_id":"pocket","height":"8","time":"2026-01-01T00:00:00Z"}}}}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, result []byte) {
		chain, said, is, err := readEvent(result)
		shown(t, err)
		if is && (err != nil || chain == "" || said.height <= 0) {
			t.Errorf("read %q, %+v, %v", chain, said, err)
		}
	})
}

func FuzzQuery(f *testing.F) {
	f.Add([]byte(`{"response":{"code":0,"log":"","value":"AQI=","height":"9"}}`), int64(9))
	f.Add([]byte(`{"response":{"code":22,"codespace":"sdk","log":"x"}}`), int64(0))
	f.Fuzz(func(t *testing.T, result []byte, height int64) {
		value, err := readQuery(result, height)
		shown(t, err)
		if err != nil && value != nil {
			t.Errorf("%q with %v", value, err)
		}
	})
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"jsonrpc":"2.0","id":1,"result":{}}`))
	f.Add([]byte(`{"error":{"code":1,"message":"x","data":[1]}}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		result, err := resultOf(answer)
		shown(t, err)
		if (err == nil) == (len(result) == 0) {
			t.Errorf("%q, %v", result, err)
		}
	})
}
