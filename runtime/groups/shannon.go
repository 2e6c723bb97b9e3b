package groups

// Shannon is an application of the live Pocket network: the suppliers of its sessions are sampled.
type Shannon struct {
	// RPC are the URLs of full nodes' CometBFT RPC, 1 to MaximumRPC, in order of preference. They have the form of a
	// target's, and may be at loopback and private addresses.
	RPC []Secret
	// Application is the address of a staked application, pokt1…; no two groups have the same application and service.
	Application string
	// Service is the id of the service that it is staked for.
	Service string
	// Signer is the label or address of a secp256k1 key in the keystore: the application's, or that of a gateway that it
	// delegates to.
	Signer string
	// Keys is the directory of the keystore, an absolute path if the configuration was loaded from a file; empty for the
	// command line's default.
	Keys string
	// MaxUpoktPerSession and MaxUpoktPerDay bound what relays may cost, in uPOKT; 0 for no bound. At least one is set.
	MaxUpoktPerSession, MaxUpoktPerDay uint64
	// ChainID is the chain that the nodes have to be of; empty for the one that most of them are of.
	ChainID string
	// AllowPrivate lets suppliers be at loopback and private addresses: for a network of one's own.
	AllowPrivate bool
}
