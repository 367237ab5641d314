package cluster

// counted notes how many sessions another node has.
func (n *Node) counted(from string, sessions int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.counts[from] = sessions
}
