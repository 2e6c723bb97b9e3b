package pocketd

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

const (
	denomination = "upokt"
	// balance is what each account has, and bond what the validator stakes of it.
	balance, bond = "1000000000000", "900000000upokt"
	validatorName = "validator"
)

// account is a key in the network's keyring.
type account struct {
	name    string
	Address string `json:"address"`
}

// newAccount makes a key.
func (p program) newAccount(ctx context.Context, name string) (account, error) {
	out, err := p.run(ctx, "", "keys", "add", name, "--keyring-backend", "test", "--output", "json")
	made := account{name: name}
	if err == nil {
		err = json.Unmarshal(out, &made)
	}
	if err == nil && made.Address == "" {
		err = fmt.Errorf("no address in %q", out)
	}
	if err != nil {
		return made, fmt.Errorf("make key %s: %w", name, err)
	}
	return made, nil
}

// privateKey returns the account's secp256k1 key in hexadecimal digits, as an operator would export it.
func (p program) privateKey(ctx context.Context, a account) (string, error) {
	out, err := p.run(ctx, "y\n", "keys", "export", a.name, "--unarmored-hex", "--unsafe", "--keyring-backend", "test")
	if err != nil {
		return "", err
	}
	digits := lastWord(string(out))
	if len(digits) != 64 {
		return "", fmt.Errorf("export key %s: no key of 64 digits", a.name)
	}
	return digits, nil
}

// writeGenesis initializes the home and writes a genesis in which the accounts have money, the one service exists and
// nobody but the validator, the first account, and keyless suppliers is staked: it is the transactions of the others that
// put their keys on chain.
func (p program) writeGenesis(ctx context.Context, options Options, accounts []account, suppliers []*Supplier) error {
	var staked []any
	for _, supplier := range suppliers {
		if supplier.options.Keyless {
			staked = append(staked, supplier.genesis(options.Service))
		}
	}
	path := filepath.Join(p.home(), "config", "genesis.json")
	err := edit(path, func(genesis object) {
		state := genesis.in("app_state")
		var holders, balances []any
		for _, a := range accounts {
			holders = append(holders, object{"@type": "/cosmos.auth.v1beta1.BaseAccount", "address": a.Address,
				"pub_key": nil, "account_number": "0", "sequence": "0"})
			balances = append(balances, object{"address": a.Address, "coins": []any{object{"denom": denomination, "amount": balance}}})
		}
		state.in("auth")["accounts"] = holders
		state.in("bank")["balances"] = balances
		state.in("service")["service_list"] = []any{object{"id": options.Service, "name": options.Service,
			"compute_units_per_relay": strconv.Itoa(ComputeUnits), "owner_address": accounts[0].Address}}
		state.in("supplier")["supplierList"] = staked
		for name, blocks := range windows(options.BlocksPerSession) {
			state.in("shared", "params")[name] = strconv.Itoa(blocks)
		}
		state.in("staking", "params")["bond_denom"] = denomination
		minting := state.in("mint", "params")
		minting["mint_denom"] = denomination
		for _, name := range []string{"inflation_max", "inflation_min", "inflation_rate_change"} {
			minting[name] = "0.000000000000000000"
		}
		state.in("mint", "minter")["inflation"] = "0.000000000000000000"
	})
	if err != nil {
		return err
	}
	bonded := filepath.Join(p.dir, "gentx.json")
	if _, err := p.run(ctx, "", "genesis", "gentx", validatorName, bond, "--chain-id", ChainID, "--keyring-backend", "test",
		"--output-document", bonded); err != nil {
		return err
	}
	transaction, err := os.ReadFile(bonded)
	if err != nil {
		return err
	}
	return edit(path, func(genesis object) {
		genesis.in("app_state", "genutil")["gen_txs"] = []any{json.RawMessage(transaction)}
	})
}

// windows returns the parameters of sessions of a length. As on the live network, the grace period is about half a session,
// so that a relay is not refused because the machine is busy; a session is settled before the next one ends.
func windows(session int) map[string]int {
	return map[string]int{
		"num_blocks_per_session":           session,
		"grace_period_end_offset_blocks":   2 * session / 5,
		"claim_window_open_offset_blocks":  2 * session / 5,
		"claim_window_close_offset_blocks": session / 5,
		"proof_window_open_offset_blocks":  0,
		"proof_window_close_offset_blocks": session / 5,
	}
}

// object is a JSON object that is changed.
type object map[string]any

// in returns the object at the path, and makes what is not there.
func (o object) in(path ...string) object {
	for _, name := range path {
		inner, is := o[name].(map[string]any)
		if !is {
			inner = map[string]any{}
			o[name] = inner
		}
		o = inner
	}
	return o
}

// edit rewrites a JSON file.
func edit(path string, change func(object)) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var content object
	if err := json.Unmarshal(data, &content); err != nil {
		return fmt.Errorf("read %s: %w", filepath.Base(path), err)
	}
	change(content)
	if data, err = json.Marshal(content); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}
