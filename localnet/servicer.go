package localnet

// Fault is what is wrong with a servicer of a LocalNet.
type Fault string

// Faults.
const (
	// FaultNone: the servicer is honest.
	FaultNone Fault = ""
	// FaultSlow: a network delay is in front of the servicer.
	FaultSlow Fault = "slow"
	// FaultDown: the servicer's port refuses connections.
	FaultDown Fault = "down"
	// FaultLying: the servicer signs altered results.
	FaultLying Fault = "lying"
)

// Servicer is one servicer of a LocalNet.
type Servicer struct {
	// Address of the actor.
	Address string
	// ServiceURL is the URL that is staked; a slow servicer's leads through its delay.
	ServiceURL string
	Fault      Fault
}
