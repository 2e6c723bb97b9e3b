package node

import (
	"context"
	"log/slog"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/runtime/configs"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/upstream"
)

// anyQuestion is for a relay chain of which nothing is known but that its nodes speak JSON-RPC: any JSON is an answer.
const anyQuestion = `{"jsonrpc":"2.0","id":1,"method":"web3_clientVersion","params":[]}`

// probeHeight is a settled height for questions of a catalogue that does not ask for the newest one.
const probeHeight = 1000

// probeOf returns what is asked to find out whether a relay chain's node answers: something cheap that its clients ask too.
// It is nil if there is nothing to ask.
func probeOf(chain string, chains map[string]configs.RelayChain) *types.Payload {
	config, known := chains[chain]
	if !known {
		return &types.Payload{JSONRPC: []byte(anyQuestion)}
	}
	catalogue, err := catalogueOf(chain, config)
	if err != nil {
		return nil // which stops a fisherman; a servicer's relays need no questions
	}
	return cheapest(catalogue)
}

// cheapest returns the question for the newest height of a catalogue; without one, any of its questions, or nil.
func cheapest(catalogue question.Catalogue) *types.Payload {
	if catalogue.Head != nil {
		payload := catalogue.Head.Payload()
		return &payload
	}
	asked, err := catalogue.Draw([32]byte{}, question.Client{}, catalogue.Depth+probeHeight, nil)
	if err != nil {
		return nil
	}
	return &asked.Payload
}

// probePatience bounds the question to a control probe.
const probePatience = 5 * time.Second

// watchControl makes a watch of a control probe whose relay chain's head nobody asks it for: the heart says itself when the
// others do not answer. It is nil if there is nothing to ask.
func watchControl(chain string, asked fisherman.Chain, logger *slog.Logger) *upstream.Watch {
	payload := cheapest(asked.Catalogue)
	if payload == nil || asked.Catalogue.Asked() {
		return nil
	}
	return upstream.NewWatch(
		func(ctx context.Context) error {
			bounded, cancel := context.WithTimeout(ctx, probePatience)
			defer cancel()
			_, err := asked.Probe(bounded, *payload)
			return err
		},
		func(err error) {
			logger.Warn("the control probe of a relay chain does not answer: until it does, checks that no servicer answers count for nobody",
				"relay_chain", chain, "reason", upstream.Reason(err))
		},
		func(after time.Duration) {
			logger.Info("the control probe of a relay chain answers again", "relay_chain", chain, "after", after.Round(time.Second))
		})
}
