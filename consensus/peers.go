package consensus

// Peers returns the number of nodes that this one is connected to; 0 while it does not run.
func (e *Engine) Peers() int {
	outbound, inbound, _ := e.node.Switch().NumPeers()
	return outbound + inbound
}
