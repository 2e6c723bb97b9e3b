package utility_test

import (
	"slices"
	"testing"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/transaction"
	"github.com/pocket-fisherman/fisherman/utility"
)

func TestPropose(t *testing.T) {
	c := newChain(t, network(), 1)
	send := func(signer byte, sequence uint64, change func(*types.Transaction)) []byte {
		tx := body(&types.Send{Recipient: key(1).Address(), AmountUpokt: 1})
		tx.Sequence = sequence
		if change != nil {
			change(tx)
		}
		raw, err := transaction.Seal(key(signer), tx)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	dear := func(tx *types.Transaction) { tx.FeeUpokt = balance }
	a0, a1, a2, a4 := send(0, 0, nil), send(0, 1, nil), send(0, 2, nil), send(0, 4, nil)
	b0 := send(2, 0, nil)
	foreign := send(3, 0, func(tx *types.Transaction) { tx.ChainId = "other" })
	all, dearest := send(4, 0, dear), send(4, 1, nil)
	const whole = 1 << 20
	tests := map[string]struct {
		waiting, want [][]byte
		maximum       int64
	}{
		"nothing":     {nil, nil, whole},
		"garbage":     {[][]byte{{}, []byte("x"), foreign, b0}, [][]byte{b0}, whole},
		"in order":    {[][]byte{a0, b0, a1}, [][]byte{a0, b0, a1}, whole},
		"reordered":   {[][]byte{a2, a1, b0, a0}, [][]byte{b0, a0, a1, a2}, whole},
		"gap":         {[][]byte{a4, a1, a0}, [][]byte{a0, a1}, whole},
		"repeated":    {[][]byte{a0, a0, a1}, [][]byte{a0, a1}, whole},
		"unpaid":      {[][]byte{all, dearest, a0}, [][]byte{all, a0}, whole},
		"no room":     {[][]byte{a0, a1, b0}, [][]byte{a0}, int64(len(a0)) + 8},
		"none at all": {[][]byte{a0}, nil, int64(len(a0)) + 7},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := utility.Propose(c.working, test.waiting, test.maximum)
			if err != nil || !slices.EqualFunc(got, test.want, slices.Equal) {
				t.Errorf("%d transactions, %v, want %d", len(got), err, len(test.want))
			}
			for i, raw := range got {
				if result := c.deliver(t, raw); result.Code != 0 && result.Code < 100 {
					t.Errorf("transaction %d gives %v", i, result)
				}
			}
			c.working = newChain(t, network(), 1).working
		})
	}
	if _, err := utility.Propose(broken{}, [][]byte{a0}, whole); err == nil {
		t.Error("a broken store gives no error")
	}
}
