package pocketd

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"github.com/pocket-fisherman/fisherman/localnet"
	"github.com/pocket-fisherman/fisherman/localnet/port"
)

// supplierStake is what each supplier stakes, in upokt.
const supplierStake = 1_000_000_000

// Supplier is one supplier of a network.
type Supplier struct {
	// Address is the operator's, and Owner that of the owner; they are the same unless the options name an owner.
	Address, Owner string
	// URL is what the supplier has staked for the service.
	URL string
	// Fault is what is wrong with it.
	Fault Fault

	options  SupplierOptions
	operator account
	owner    account
	// listen is the host:port of the RelayMiner. URL names another one if a proxy is in between.
	listen string
	// backend is the URL of the node behind the RelayMiner.
	backend string
	miner   *process
}

// stake stakes the supplier.
func (n *Network) stake(ctx context.Context, s *Supplier) error {
	config := fmt.Sprintf(`owner_address: %s
operator_address: %s
stake_amount: %d%s
default_rev_share_percent:
  %s: 100
services:
  - service_id: %s
    endpoints:
      - publicly_exposed_url: %s
        rpc_type: JSON_RPC
`, s.Owner, s.Address, supplierStake, denomination, s.Owner, n.options.Service, s.URL)
	path, err := n.file(s.operator.name+"-stake.yaml", config)
	if err != nil {
		return err
	}
	_, err = n.send(ctx, s.operator, "supplier", "stake-supplier", "--config", path)
	return err
}

// genesis returns the supplier as a genesis has it.
func (s *Supplier) genesis(service string) object {
	return object{
		"owner_address": s.Owner, "operator_address": s.Address, "unstake_session_end_height": "0", "service_config_history": []any{},
		"stake": object{"denom": denomination, "amount": strconv.Itoa(supplierStake)},
		"services": []any{object{
			"service_id": service,
			"endpoints":  []any{object{"url": s.URL, "rpc_type": "JSON_RPC", "configs": []any{}}},
			"rev_share":  []any{object{"address": s.Owner, "rev_share_percentage": "100"}},
		}},
	}
}

// startMiner starts the supplier's RelayMiner and waits until it listens.
func (n *Network) startMiner(ctx context.Context, s *Supplier) error {
	name := s.operator.name
	config := fmt.Sprintf(`default_signing_key_names: [%s]
smt_store_path: %s
enable_eager_relay_request_validation: %t
metrics: {enabled: false, addr: "127.0.0.1:0"}
pprof: {enabled: false, addr: "127.0.0.1:0"}
ping: {enabled: false, addr: "127.0.0.1:0"}
pocket_node:
  query_node_rpc_url: tcp://%[4]s
  query_node_grpc_url: tcp://%[5]s
  tx_node_rpc_url: tcp://%[4]s
suppliers:
  - service_id: %[6]s
    listen_url: http://%[7]s
    service_config:
      backend_url: %[8]s
      forward_pocket_headers: false
`, name, filepath.Join(n.program.dir, name+"-smt"), s.options.Eager, n.at.rpc, n.at.grpc, n.options.Service, s.listen, s.backend)
	path, err := n.file(name+"-miner.yaml", config)
	if err != nil {
		return err
	}
	miner, err := n.launch("miner-"+name, "relayminer", "start", "--config", path, "--chain-id", ChainID,
		"--keyring-backend", "test", "--node", "tcp://"+n.at.rpc, "--gas", "auto", "--gas-adjustment", "1.7",
		"--gas-prices", "0"+denomination, "--log_level", "warn")
	if err != nil {
		return err
	}
	s.miner = miner
	if err := n.await(ctx, "a listening RelayMiner of "+name, func(ctx context.Context) (bool, error) {
		err := connect(ctx, s.listen)
		return err == nil, err
	}); err != nil {
		return err
	}
	fmt.Fprintf(n.options.Log, "pocketd: RelayMiner of %s is process %d\n", name, miner.pid)
	return nil
}

// place gives the supplier its port, with the proxy or the backend that its fault needs.
func (n *Network) place(s *Supplier) error {
	port, err := n.ports.take()
	if err != nil {
		return err
	}
	s.listen, s.URL, s.backend = port, "http://"+port, n.backend()
	switch s.Fault {
	case Slow:
		s.URL, err = n.serve(func(ctx context.Context, listener net.Listener) error {
			return localnet.ServeDelayed(ctx, listener, s.listen, s.options.Delay)
		})
	case Lying:
		s.backend, err = n.serve(func(ctx context.Context, listener net.Listener) error {
			target, err := url.Parse(n.backend())
			if err != nil {
				return err
			}
			return localnet.ServeLies(ctx, listener, target)
		})
	case Hanging:
		s.backend, err = n.serve(serveHandler(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	case Failing:
		s.backend, err = n.serve(serveHandler(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"error":"the backend fails"}`, http.StatusInternalServerError)
		}))
	case Unreachable:
		if port, err = n.ports.take(); err == nil {
			s.backend = "http://" + port
		}
	}
	return err
}

// serve runs a server until the network ends, and returns its URL.
func (n *Network) serve(serve func(context.Context, net.Listener) error) (string, error) {
	listener, err := port.Listen(n.running, "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	n.servers.Go(func() {
		if err := serve(n.running, listener); err != nil {
			n.fail(err)
		}
	})
	return "http://" + listener.Addr().String(), nil
}

// serveHandler returns a server of HTTP whose requests end with it.
func serveHandler(handler http.HandlerFunc) func(context.Context, net.Listener) error {
	return func(ctx context.Context, listener net.Listener) error {
		server := &http.Server{Handler: handler, ReadHeaderTimeout: queryTimeout,
			BaseContext: func(net.Listener) context.Context { return ctx }}
		stop := context.AfterFunc(ctx, func() { server.Close() })
		defer stop()
		if err := server.Serve(listener); ctx.Err() == nil {
			return err
		}
		return nil
	}
}

// file writes a file of the network and returns its path.
func (n *Network) file(name, content string) (string, error) {
	path := filepath.Join(n.program.dir, name)
	return path, os.WriteFile(path, []byte(content), 0o600)
}

func connect(ctx context.Context, address string) error {
	dialer := net.Dialer{Timeout: queryTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}

func supplierName(i int) string { return "supplier" + strconv.Itoa(i+1) }
