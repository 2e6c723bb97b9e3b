package pocketd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	// look is the interval at which a condition is looked at.
	look = 200 * time.Millisecond
	// queryTimeout bounds one query, on a machine that may be busy.
	queryTimeout = 10 * time.Second
	// queryBytes bounds an answer.
	queryBytes = 4 << 20
)

// Session is a session as the chain tells it.
type Session struct {
	ID string
	// Start and End are its first and its last block.
	Start, End int64
	// Suppliers are the operator addresses of its suppliers.
	Suppliers []string
	// Gateways are those that the application delegates to now.
	Gateways []string
}

// Has reports whether an operator's address is one of the session's suppliers.
func (s Session) Has(address string) bool {
	for _, supplier := range s.Suppliers {
		if supplier == address {
			return true
		}
	}
	return false
}

// errQuery is a query that the chain has answered with an error.
var errQuery = errors.New("the query failed")

// Height returns the height of the newest block.
func (n *Network) Height(ctx context.Context) (int64, error) {
	var status struct {
		Result struct {
			Sync struct {
				Height string `json:"latest_block_height"`
			} `json:"sync_info"`
		}
	}
	if err := get(ctx, n.RPC()+"/status", &status); err != nil {
		return 0, err
	}
	return strconv.ParseInt(status.Result.Sync.Height, 10, 64)
}

// Session returns the application's session at a height; 0 means now.
func (n *Network) Session(ctx context.Context, height int64) (Session, error) {
	query := url.Values{"application_address": {n.application.Address}, "service_id": {n.options.Service},
		"block_height": {strconv.FormatInt(height, 10)}}
	var answer struct {
		Session struct {
			ID     string `json:"session_id"`
			Header struct {
				Start string `json:"session_start_block_height"`
				End   string `json:"session_end_block_height"`
			}
			Application struct {
				Gateways []string `json:"delegatee_gateway_addresses"`
			}
			Suppliers []struct {
				Operator string `json:"operator_address"`
			}
		}
	}
	if err := get(ctx, "http://"+n.at.rest+"/pokt-network/poktroll/session/get_session?"+query.Encode(), &answer); err != nil {
		return Session{}, err
	}
	told := answer.Session
	start, err := strconv.ParseInt(told.Header.Start, 10, 64)
	if err != nil {
		return Session{}, fmt.Errorf("read session: %w", err)
	}
	end, err := strconv.ParseInt(told.Header.End, 10, 64)
	if err != nil {
		return Session{}, fmt.Errorf("read session: %w", err)
	}
	session := Session{ID: told.ID, Start: start, End: end, Gateways: told.Application.Gateways}
	for _, supplier := range told.Suppliers {
		session.Suppliers = append(session.Suppliers, supplier.Operator)
	}
	return session, nil
}

// PublicKey returns the compressed secp256k1 key of an account, nil while it has none on chain.
func (n *Network) PublicKey(ctx context.Context, address string) ([]byte, error) {
	var answer struct {
		Account struct {
			Key *struct{ Key []byte } `json:"pub_key"`
		}
	}
	if err := get(ctx, "http://"+n.at.rest+"/cosmos/auth/v1beta1/accounts/"+url.PathEscape(address), &answer); err != nil {
		return nil, err
	}
	if answer.Account.Key == nil {
		return nil, nil
	}
	return answer.Account.Key.Key, nil
}

// AwaitHeight waits until the chain has a block of that height.
func (n *Network) AwaitHeight(ctx context.Context, height int64) error {
	return n.await(ctx, fmt.Sprintf("block %d", height), func(ctx context.Context) (bool, error) {
		now, err := n.Height(ctx)
		return now >= height, err
	})
}

// AwaitSession waits until the application's session is as wanted, and returns it.
func (n *Network) AwaitSession(ctx context.Context, what string, wanted func(Session) bool) (Session, error) {
	var session Session
	err := n.await(ctx, "a session "+what, func(ctx context.Context) (_ bool, err error) {
		session, err = n.Session(ctx, 0)
		return err == nil && wanted(session), err
	})
	return session, err
}

// await looks until the condition holds. It fails when ctx ends or a process of the network does. An error of the
// condition is no failure, because the chain refuses connections and queries before it is ready; the last one is named.
func (n *Network) await(ctx context.Context, what string, holds func(context.Context) (bool, error)) error {
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for {
		held, err := holds(ctx)
		if held {
			return nil
		}
		select {
		case <-ticker.C:
		case <-n.failed:
			return fmt.Errorf("wait for %s: %w", what, n.failure)
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, errors.Join(context.Cause(ctx), err))
		}
	}
}

// get reads the JSON that a URL answers with.
func get(ctx context.Context, address string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, queryBytes))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%w: status %d: %s", errQuery, response.StatusCode, tail(body))
	}
	return json.Unmarshal(body, into)
}
