package spawn

// namespaces makes the namespaces for the network, IPC, mounts and host name, and the
// mounts in them. It reports whether the root directory was changed with them.
func (p *planner) namespaces() bool {
	return p.mounts()
}

// privateUsers makes or enters the user namespace of PrivateUsers=.
func (p *planner) privateUsers() {}
