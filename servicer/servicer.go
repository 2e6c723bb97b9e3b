package servicer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

var (
	_ modules.ServicerModule = (*Servicer)(nil)
	_ Sessions               = modules.UtilityModule(nil)
)

// Sessions is what a servicer reads from the chain's state. The methods are those of modules.UtilityModule, with its
// errors ErrHeightUnavailable, ErrUnknownActor, ErrChainNotStaked, ErrApplicationPaused and ErrApplicationNew.
type Sessions interface {
	Height() int64
	Session(ctx context.Context, height int64, application, relayChain string) (*types.Session, error)
}

// Servicer answers the relays that are addressed to one key. Its methods may be called by many goroutines.
type Servicer struct {
	config   Config
	address  string
	sessions *sessionReader
	policies *policyReader
	nonces   *nonceMemory
	executor *executor
	signers  *signers
	// volume is nil if no relays are stored.
	volume *volumeQueue
}

// New returns a servicer. It starts nothing. Call Close when the servicer is no longer used.
func New(config Config, sessions Sessions, parameters Parameters) (*Servicer, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	if sessions == nil || parameters == nil {
		return nil, errors.New("servicer sessions or parameters are not set")
	}
	executor, err := newExecutor(config)
	if err != nil {
		return nil, fmt.Errorf("servicer upstreams: %w", err)
	}
	made := &Servicer{
		config:   config,
		address:  config.Key.Address(),
		sessions: &sessionReader{source: sessions},
		policies: &policyReader{source: parameters, policies: make(map[int64]Policy)},
		nonces:   newNonceMemory(config.MaxNonces),
		executor: executor,
		signers:  newSigners(maxSigners),
	}
	if config.Volume != nil {
		made.volume = newVolumeQueue(config.Volume, config.Logger)
	}
	return made, nil
}

// Address returns the servicer's address.
func (s *Servicer) Address() string { return s.address }

// Close drops the kept connections to the upstream nodes. Relays still work afterwards, over new ones.
func (s *Servicer) Close() { s.executor.close() }

// VolumeStats returns what became of the volume-applicable relays since New.
func (s *Servicer) VolumeStats() VolumeStats {
	if s.volume == nil {
		return VolumeStats{}
	}
	return s.volume.counted()
}

// HandleRelay admits, executes and answers one sealed request. The answer is a sealed response, which may carry a
// signed error; HandleRelay itself never fails. It ends soon after the context does.
func (s *Servicer) HandleRelay(ctx context.Context, requestEnvelope []byte) []byte {
	response, _ := s.handle(ctx, requestEnvelope)
	return response
}

// handle is HandleRelay; it also reports whether the request was signed by a member of its session.
func (s *Servicer) handle(ctx context.Context, requestEnvelope []byte) (response []byte, signed bool) {
	received := s.config.Now()
	hash, result := s.answer(ctx, requestEnvelope)
	var err error
	response, err = relay.SealResponse(s.config.Key, &types.RelayResponse{
		RequestHash:      hash[:],
		Servicer:         s.address,
		ReceivedUnixNano: received.UnixNano(),
		AnsweredUnixNano: s.config.Now().UnixNano(),
		UpstreamStatus:   result.status,
		Payload:          result.payload,
		Headers:          result.headers,
		Error:            result.refused.signed(),
	})
	if err != nil {
		// Payload, status and message are bounded to what can be sealed, so this is a bug.
		s.config.Logger.Error("answer could not be sealed", "error", err)
	}
	s.config.Hooks.relay(result.refused, s.config.Now().Sub(received))
	if result.answered != nil && s.volume != nil {
		s.keep(result, hash, requestEnvelope, response)
	}
	return response, result.signed
}

// keep queues an answered relay for the store if it is volume-applicable.
func (s *Servicer) keep(result outcome, hash [sha256.Size]byte, request, response []byte) {
	answer, ok := relay.BodyHash(response)
	if ok && relay.IsVolumeApplicable(hash, answer, result.difficultyBits) {
		s.volume.offer(&types.VolumeRelay{Session: result.answered, Request: bytes.Clone(request), Response: response})
	}
}

// outcome is the result of a relay: a payload, or the reason why there is none.
type outcome struct {
	// status is the upstream's HTTP status; 0 if it was not asked or did not answer.
	status  uint32
	payload []byte
	// headers are those of a REST answer that are passed on.
	headers []*types.HTTPHeader
	refused *refusal
	// signed: the request was signed by a member of its session.
	signed bool
	// answered is the session of a relay that was executed and answered; nil otherwise.
	answered       *types.SessionHeader
	difficultyBits int
}

// answer processes a relay. The hash is that of the request's body; zero if there is no body.
func (s *Servicer) answer(ctx context.Context, envelope []byte) (hash [sha256.Size]byte, result outcome) {
	if len(envelope) > relay.MaxRequestBytes {
		message := fmt.Sprintf("the request has more than %d bytes", relay.MaxRequestBytes)
		return hash, s.refused("", refuse(types.RelayErrorCode_RELAY_ERROR_CODE_TOO_LARGE, message))
	}
	opened, err := relay.OpenRequest(envelope)
	if err != nil {
		hash, _ = relay.BodyHash(envelope)
		return hash, s.refused("", refuse(types.RelayErrorCode_RELAY_ERROR_CODE_MALFORMED, err.Error()))
	}
	cost, refused := s.admit(ctx, opened)
	if refused != nil {
		return opened.BodyHash, s.refused(opened.SignerAddress(), refused)
	}
	result = s.run(ctx, opened, cost)
	result.signed = true
	return opened.BodyHash, result
}

// run executes an admitted relay if a slot is free. Nonce and tokens are spent only then, so a relay that was refused
// as BUSY may be sent again unchanged. Spending is atomic, so at most one of two copies is executed.
func (s *Servicer) run(ctx context.Context, opened *relay.OpenedRequest, cost expense) outcome {
	release, ok := s.executor.reserve(cost.sender)
	if !ok {
		return s.refused(cost.signer, refuse(types.RelayErrorCode_RELAY_ERROR_CODE_BUSY, "the servicer runs as many relays as it may"))
	}
	defer release()
	header := opened.Request.GetSession()
	if refused := s.nonces.spend(header, [relay.NonceSize]byte(opened.Request.GetNonce()), cost); refused != nil {
		return s.refused(cost.signer, refused)
	}
	result := s.executor.run(ctx, opened.Request)
	if result.refused == nil {
		result.answered, result.difficultyBits = header, cost.difficultyBits
	}
	return result
}

// refused logs at debug level only: strangers cause it at will.
func (s *Servicer) refused(signer string, refused *refusal) outcome {
	s.config.Logger.Debug("relay refused", "code", refused.code.Label(), "signer", signer)
	return outcome{refused: refused}
}
