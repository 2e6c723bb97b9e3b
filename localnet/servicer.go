package localnet

// Fault is the fault of a servicer of a LocalNet.
type Fault string

// Faults.
const (
	// FaultNone means that the servicer is honest.
	FaultNone Fault = ""
	// FaultBehind means that the servicer's node stopped following the chain.
	FaultBehind Fault = "behind"
	// FaultSlow means that a delay proxy is in front of the servicer.
	FaultSlow Fault = "slow"
	// FaultDown means that the servicer's port refuses connections.
	FaultDown Fault = "down"
	// FaultLying means that the servicer signs altered results.
	FaultLying Fault = "lying"
)

// Servicer is one servicer of a LocalNet.
type Servicer struct {
	// Address of the actor.
	Address string
	// ServiceURL is the staked URL; that of a slow servicer leads to its delay proxy.
	ServiceURL string
	Fault      Fault
}
