package session_test

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/utility/session"
)

// The vectors were computed by testdata/vectors.py, independently of this package.
func TestVectors(t *testing.T) {
	file, err := os.ReadFile("testdata/sessions.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Name                 string
		ChainID              string `json:"chain_id"`
		StartHeight          int64  `json:"start_height"`
		PreviousBlockHash    string `json:"previous_block_hash"`
		RelayChain           string `json:"relay_chain"`
		GeoZone              string `json:"geo_zone"`
		ApplicationPublicKey string `json:"application_public_key"`
		BlocksPerSession     int64  `json:"blocks_per_session"`
		Candidates           []string
		Since                []int64
		N                    int
		ID                   string
		Members              []string
	}
	if err := json.Unmarshal(file, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) == 0 {
		t.Fatal("no vectors")
	}
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			id := session.ID(v.ChainID, v.StartHeight, unhex(t, v.PreviousBlockHash), v.RelayChain, v.GeoZone,
				unhex(t, v.ApplicationPublicKey))
			if id != v.ID {
				t.Errorf("id %s, want %s", id, v.ID)
			}
			var candidates []*types.Actor
			for i, address := range v.Candidates {
				candidate := &types.Actor{Address: address, Chains: []string{"0000", v.RelayChain}, GeoZone: v.GeoZone,
					SinceHeights: []int64{math.MaxInt64, v.Since[i]}}
				if session.MayTakePart(candidate, v.RelayChain, v.GeoZone, session.FixedAt(v.StartHeight, v.BlocksPerSession)) {
					candidates = append(candidates, candidate)
				}
			}
			if got := addresses(session.Select(v.ID, candidates, v.N)); !slices.Equal(got, v.Members) {
				t.Errorf("members %v, want %v", got, v.Members)
			}
		})
	}
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func addresses(actors []*types.Actor) []string {
	list := make([]string, len(actors))
	for i, actor := range actors {
		list[i] = actor.GetAddress()
	}
	return list
}
