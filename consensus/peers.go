package consensus

// Peers returns the number of nodes that this one is connected to; 0 while it does not run.
func (e *Engine) Peers() int {
	return e.node.Switch().Peers().Size() // NumPeers leaves out those that are configured
}
