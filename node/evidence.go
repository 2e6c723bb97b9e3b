package node

import (
	"errors"

	received "github.com/pocket-fisherman/fisherman/network/endpoints/evidence"
	"github.com/pocket-fisherman/fisherman/network/pocket/evidence"
	answered "github.com/pocket-fisherman/fisherman/network/shannon/evidence"
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
			return piece, lacking(err, evidence.ErrNoDisagreement, evidence.ErrUnkept)
		},
		Sign: func(piece *api.Evidence) error { return evidence.Sign(key, piece) },
	}
}

// unsigned makes evidence that its fisherman does not sign: of endpoints, which sign nothing either, and of suppliers of the
// live Pocket network, which sign their answers. Sessions of lists are stretches of time; those of suppliers are blocks.
func unsigned() samples.Prover {
	return samples.Prover{Of: func(session *types.QoSSession, round *types.QoSRound) (api.Evidence, error) {
		if session.GetStartUnixNano() == 0 {
			piece, err := answered.Of(session, round)
			return piece, lacking(err, answered.ErrNoDisagreement, answered.ErrUnkept)
		}
		piece, err := received.Of(session, round)
		return piece, lacking(err, received.ErrNoDisagreement, received.ErrUnkept)
	}}
}

// lacking says with the errors of package samples that there is no evidence.
func lacking(err, noDisagreement, unkept error) error {
	switch {
	case errors.Is(err, noDisagreement):
		return samples.ErrNoDisagreement
	case errors.Is(err, unkept):
		return samples.ErrUnkept
	}
	return err
}
