package node

import (
	"errors"

	received "github.com/pocket-fisherman/fisherman/network/endpoints/evidence"
	"github.com/pocket-fisherman/fisherman/network/pocket/evidence"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/samples"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// proverOf makes and signs evidence of our own chain's samples.
func proverOf(key crypto.PrivateKey) samples.Prover {
	return samples.Prover{
		Of: func(session *types.QoSSession, round *types.QoSRound) (api.Evidence, error) {
			piece, err := evidence.Of(session, round)
			switch {
			case errors.Is(err, evidence.ErrNoDisagreement):
				err = samples.ErrNoDisagreement
			case errors.Is(err, evidence.ErrUnkept):
				err = samples.ErrUnkept
			}
			return piece, err
		},
		Sign: func(piece *api.Evidence) error { return evidence.Sign(key, piece) },
	}
}

// unsigned makes evidence of endpoints, which sign nothing.
func unsigned() samples.Prover {
	return samples.Prover{Of: func(session *types.QoSSession, round *types.QoSRound) (api.Evidence, error) {
		piece, err := received.Of(session, round)
		switch {
		case errors.Is(err, received.ErrNoDisagreement):
			err = samples.ErrNoDisagreement
		case errors.Is(err, received.ErrUnkept):
			err = samples.ErrUnkept
		}
		return piece, err
	}}
}
