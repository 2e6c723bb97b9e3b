package pocketd

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

const (
	// ChainID names the private network.
	ChainID = "pocket"
	// ComputeUnits is the number of compute units that a relay costs.
	ComputeUnits = 100

	// maxSuppliers is the chain's own default bound of a session's suppliers.
	maxSuppliers = 15
	// minBlocks is the shortest session whose parts are at least one block each.
	minBlocks = 5
)

// Fault is what is wrong with a supplier. Each is a real fault of the network: RelayMiners have no switch for it.
type Fault int

const (
	// Honest suppliers have nothing wrong with them.
	Honest Fault = iota
	// Slow suppliers are behind a proxy that delays their bytes.
	Slow
	// Lying suppliers sign in good faith what a lying backend answers.
	Lying
	// Down suppliers run no RelayMiner: their port refuses connections.
	Down
	// Hanging suppliers have a backend that takes requests and never answers.
	Hanging
	// Unreachable suppliers have a backend whose port refuses connections.
	Unreachable
	// Failing suppliers have a backend that answers each request with status 500.
	Failing
)

// SupplierOptions describe one supplier.
type SupplierOptions struct {
	Fault Fault
	// Delay is added to each round trip of a Slow supplier; default 400 ms.
	Delay time.Duration
	// Owner names the account that owns the supplier. Suppliers with the same name have the same owner; without one a
	// supplier owns itself.
	Owner string
	// Keyless suppliers are staked in genesis, not by a transaction, so that the key of the operator is not on chain before
	// the supplier's first claim. They cannot unstake: the stake in genesis is of money that nobody has paid.
	Keyless bool
	// Eager makes the RelayMiner check requests before it serves them, which is not its default.
	Eager bool
}

// Options describe a network. The zero value of each field means its default.
type Options struct {
	// Program is the path of pocketd; default: what Program returns.
	Program string
	// BlockTime is the pause between blocks; default 1 s.
	BlockTime time.Duration
	// BlocksPerSession is the length of sessions, at least 5; default 10.
	BlocksPerSession int
	// Service is the id of the one service; default "cometbft".
	Service string
	// Backend is the URL of the node behind the RelayMiners; default: the chain's own CometBFT RPC.
	Backend string
	// ApplicationStake is what the application stakes, in upokt; default 1,000,000,000. The least that the chain takes is
	// 1,000,000.
	ApplicationStake int64
	// Suppliers are 1 to 15; default: three honest ones.
	Suppliers []SupplierOptions
	// Log receives a line for each step of the start; default: none.
	Log io.Writer
}

func (o Options) withDefaults() (Options, error) {
	if o.Program == "" {
		program, err := Program()
		if err != nil {
			return o, err
		}
		o.Program = program
	}
	o.BlockTime = cmp.Or(o.BlockTime, time.Second)
	o.BlocksPerSession = cmp.Or(o.BlocksPerSession, 10)
	o.Service = cmp.Or(o.Service, "cometbft")
	o.ApplicationStake = cmp.Or(o.ApplicationStake, 1_000_000_000)
	if o.Suppliers == nil {
		o.Suppliers = make([]SupplierOptions, 3)
	}
	if n := len(o.Suppliers); n < 1 || n > maxSuppliers {
		return o, fmt.Errorf("%d suppliers: 1 to %d are possible", n, maxSuppliers)
	}
	if o.BlocksPerSession < minBlocks {
		return o, fmt.Errorf("sessions of %d blocks: at least %d are needed", o.BlocksPerSession, minBlocks)
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	return o, nil
}

// Program returns the absolute path of pocketd: what the environment variable POCKET_POCKETD names, or bin/pocketd of
// this module, whose root is found from the working directory upwards.
func Program() (string, error) {
	named := os.Getenv("POCKET_POCKETD")
	if named == "" {
		root, err := moduleRoot()
		if err != nil {
			return "", err
		}
		named = filepath.Join(root, "bin", "pocketd")
	}
	found, err := exec.LookPath(named)
	if err == nil {
		found, err = filepath.Abs(found)
	}
	if err != nil {
		return "", fmt.Errorf("no pocketd at %s: run 'make pocketd' first", named)
	}
	return found, nil
}

func moduleRoot() (string, error) {
	directory, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(directory, "go.mod")); err == nil {
			return directory, nil
		}
		parent := filepath.Dir(directory)
		if parent == directory {
			return "", fmt.Errorf("the working directory is in no Go module")
		}
		directory = parent
	}
}
