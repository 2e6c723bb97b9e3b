package chain

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
)

// Sentinels of what the chain says. Why there is no session is told by the state of the chain, not by the words of an error.
var (
	// ErrNotStaked is returned when the application is not staked.
	ErrNotStaked = errors.New("the application is not staked")
	// ErrOtherService is returned when the application is staked for another service.
	ErrOtherService = errors.New("the application is staked for another service")
	// ErrUnknownService is returned when the chain has no such service.
	ErrUnknownService = errors.New("the service does not exist")
	// ErrNoSession is returned when application and service are in order and there is no session all the same: no supplier is
	// active for the service, or the application is not active yet.
	ErrNoSession = errors.New("no supplier is active for the service, or the application is not active yet")
	// ErrNoKey is returned for an account without a public key on the chain: it has sent no transaction yet.
	ErrNoKey = errors.New("the account has no public key on the chain")
)

// Paths of ABCI queries.
const (
	PathSession           = "/pocket.session.Query/GetSession"
	PathApplication       = "/pocket.application.Query/Application"
	PathApplicationParams = "/pocket.application.Query/Params"
	PathService           = "/pocket.service.Query/Service"
	PathSharedParams      = "/pocket.shared.Query/Params"
	PathTokenomicsParams  = "/pocket.tokenomics.Query/Params"
	PathAccount           = "/cosmos.auth.v1beta1.Query/Account"
)

const (
	// mostSuppliers bounds a session.
	mostSuppliers = 1024
	// sessionIDBytes is the length of a session's id.
	sessionIDBytes = 32
	// mostBlocks bounds the length of a session.
	mostBlocks = 1 << 31
)

// ask asks for the state at a height. Of several endpoints one alone is believed about keys only, which prove themselves:
// otherwise it could choose who is asked, and hide what that costs.
func (c *Client) ask(ctx context.Context, path string, height int64, question, answer proto.Message) error {
	data, err := proto.Marshal(question)
	if err != nil {
		return fmt.Errorf("write query %s: %w", path, err)
	}
	if len(c.endpoints) > 1 && height > 0 && path != PathAccount {
		return c.agreed(ctx, path, data, height, answer)
	}
	value, err := c.Query(ctx, path, data, height)
	if err != nil {
		return err
	}
	if err := proto.Unmarshal(value, answer); err != nil {
		return fmt.Errorf("%w: the answer to %s", ErrMalformed, path)
	}
	return nil
}

// Session returns the session of an application and a service at a height. Errors: ErrNotStaked, ErrOtherService,
// ErrUnknownService, ErrNoSession, and those of Query.
func (c *Client) Session(ctx context.Context, application, service string, height int64) (*protocol.Session, error) {
	var answer protocol.QueryGetSessionResponse
	err := c.ask(ctx, PathSession, height, &protocol.QueryGetSessionRequest{ApplicationAddress: application, ServiceId: service, BlockHeight: height}, &answer)
	if errors.Is(err, ErrRefused) || errors.Is(err, ErrNotFound) {
		return nil, c.whyNoSession(ctx, application, service, height, err)
	}
	if err != nil {
		return nil, err
	}
	if err := checkSession(answer.GetSession(), application, service, height); err != nil {
		return nil, err
	}
	return answer.GetSession(), nil
}

// whyNoSession finds out why the chain refuses a session.
func (c *Client) whyNoSession(ctx context.Context, application, service string, height int64, refused error) error {
	_, err := c.Service(ctx, service, height)
	if errors.Is(err, ErrNotFound) {
		return ErrUnknownService
	}
	if err != nil {
		return Join(refused, err)
	}
	found, err := c.Application(ctx, application, height)
	switch {
	case errors.Is(err, ErrNotFound):
		return ErrNotStaked
	case err != nil:
		return Join(refused, err)
	case !slices.ContainsFunc(found.GetServiceConfigs(), func(config *protocol.ApplicationServiceConfig) bool { return config.GetServiceId() == service }):
		return ErrOtherService
	}
	return fmt.Errorf("%w: %w", ErrNoSession, refused)
}

// checkSession verifies that a session is the one that was asked for, and that its parts fit each other.
func checkSession(session *protocol.Session, application, service string, height int64) error {
	header := session.GetHeader()
	start, end := header.GetSessionStartBlockHeight(), header.GetSessionEndBlockHeight()
	id, err := hex.DecodeString(header.GetSessionId())
	wrong := func(what string) error { return fmt.Errorf("%w: a session %s", ErrMalformed, what) }
	switch {
	case header.GetApplicationAddress() != application || session.GetApplication().GetAddress() != application:
		return wrong("of another application")
	case header.GetServiceId() != service:
		return wrong("of another service")
	case err != nil || len(id) != sessionIDBytes || session.GetSessionId() != header.GetSessionId():
		return wrong("without an id")
	case start < 1 || end < start || end-start >= mostBlocks:
		return wrong(fmt.Sprintf("from %d to %d", start, end))
	case height > 0 && (height < start || height > end):
		return wrong(fmt.Sprintf("from %d to %d for height %d", start, end, height))
	case session.GetNumBlocksPerSession() != 0 && session.GetNumBlocksPerSession() != end-start+1:
		return wrong(fmt.Sprintf("of %d blocks from %d to %d", session.GetNumBlocksPerSession(), start, end))
	case len(session.GetSuppliers()) > mostSuppliers:
		return wrong(fmt.Sprintf("of %d suppliers", len(session.GetSuppliers())))
	}
	seen := make(map[string]bool)
	for _, supplier := range session.GetSuppliers() {
		address := supplier.GetOperatorAddress()
		if protocol.CheckAddress(address) != nil || seen[address] {
			return wrong("with a supplier that is none, or twice")
		}
		seen[address] = true
	}
	return nil
}

// Application returns a staked application. Errors: ErrNotFound, and those of Query.
func (c *Client) Application(ctx context.Context, address string, height int64) (*protocol.Application, error) {
	var answer protocol.QueryGetApplicationResponse
	if err := c.ask(ctx, PathApplication, height, &protocol.QueryGetApplicationRequest{Address: address}, &answer); err != nil {
		return nil, err
	}
	if answer.GetApplication().GetAddress() != address {
		return nil, fmt.Errorf("%w: another application", ErrMalformed)
	}
	return answer.GetApplication(), nil
}

// Service returns a service. Errors: ErrNotFound, and those of Query.
func (c *Client) Service(ctx context.Context, id string, height int64) (*protocol.Service, error) {
	var answer protocol.QueryGetServiceResponse
	if err := c.ask(ctx, PathService, height, &protocol.QueryGetServiceRequest{Id: id, Dehydrated: true}, &answer); err != nil {
		return nil, err
	}
	if answer.GetService().GetId() != id {
		return nil, fmt.Errorf("%w: another service", ErrMalformed)
	}
	return answer.GetService(), nil
}

// Params are parameters of the chain at one height.
type Params struct {
	Shared      *protocol.SharedParams
	Tokenomics  *protocol.TokenomicsParams
	Application *protocol.ApplicationParams
}

// Params returns the parameters at a height. Errors are those of Query.
func (c *Client) Params(ctx context.Context, height int64) (*Params, error) {
	var shared protocol.QuerySharedParamsResponse
	var tokenomics protocol.QueryTokenomicsParamsResponse
	var application protocol.QueryApplicationParamsResponse
	for path, answer := range map[string]proto.Message{PathSharedParams: &shared, PathTokenomicsParams: &tokenomics, PathApplicationParams: &application} {
		if err := c.ask(ctx, path, height, &protocol.QueryParamsRequest{}, answer); err != nil {
			return nil, err
		}
	}
	return &Params{Shared: shared.GetParams(), Tokenomics: tokenomics.GetParams(), Application: application.GetParams()}, nil
}

// PublicKey returns the compressed key of an account, which is that of its address. Errors: ErrNoKey, and those of Query.
func (c *Client) PublicKey(ctx context.Context, address string, height int64) ([]byte, error) {
	var answer protocol.QueryAccountResponse
	err := c.ask(ctx, PathAccount, height, &protocol.QueryAccountRequest{Address: address}, &answer)
	if errors.Is(err, ErrNotFound) {
		return nil, ErrNoKey
	}
	if err != nil {
		return nil, err
	}
	return keyOf(&answer, address)
}

// keyOf returns the key in an account. One of another kind than secp256k1, such as that of several signers, is none.
func keyOf(answer *protocol.QueryAccountResponse, address string) ([]byte, error) {
	account := answer.GetAccount()
	if account == nil {
		return nil, fmt.Errorf("%w: no account", ErrMalformed)
	}
	if account.GetTypeUrl() != "/cosmos.auth.v1beta1.BaseAccount" {
		return nil, ErrNoKey
	}
	var base protocol.BaseAccount
	if err := proto.Unmarshal(account.GetValue(), &base); err != nil || base.GetAddress() != address {
		return nil, fmt.Errorf("%w: another account", ErrMalformed)
	}
	if base.GetPubKey().GetTypeUrl() != "/cosmos.crypto.secp256k1.PubKey" {
		return nil, ErrNoKey
	}
	var key protocol.Secp256K1PubKey
	if err := proto.Unmarshal(base.GetPubKey().GetValue(), &key); err != nil {
		return nil, fmt.Errorf("%w: an account's key", ErrMalformed)
	}
	if of, err := protocol.Address(key.GetKey()); err != nil || of != address {
		return nil, fmt.Errorf("%w: a key that is not the account's", ErrMalformed)
	}
	return key.GetKey(), nil
}

// BlockTime returns the time of a block, from the first endpoint that has it. Errors: ErrUnreachable, ErrMalformed.
func (c *Client) BlockTime(ctx context.Context, height int64) (time.Time, error) {
	var failures []error
	for _, i := range c.order(height) {
		result, err := c.endpoints[i].call(ctx, "header", map[string]string{"height": strconv.FormatInt(height, 10)})
		if err == nil {
			var at time.Time
			if at, err = readHeader(result, height); err == nil {
				return at, nil
			}
		}
		failures = append(failures, c.endpoints[i].named(err))
	}
	return time.Time{}, Join(failures...)
}

// readHeader reads the result of "header" at a height.
func readHeader(result []byte, height int64) (time.Time, error) {
	var read struct {
		Header struct {
			Height int64     `json:"height,string"`
			Time   time.Time `json:"time"`
		} `json:"header"`
	}
	if err := json.Unmarshal(result, &read); err != nil || read.Header.Height != height || read.Header.Time.IsZero() {
		return time.Time{}, fmt.Errorf("%w: no header of block %d", ErrMalformed, height)
	}
	return read.Header.Time, nil
}
