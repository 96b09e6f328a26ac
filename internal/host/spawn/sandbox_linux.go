package spawn

// namespaces makes the namespaces for the network, IPC, mounts and host name, and the
// mounts in them. It reports whether the root directory was changed with them.
func (p *planner) namespaces() bool { return false }

// privateUsers makes or enters the user namespace of PrivateUsers=.
func (p *planner) privateUsers() {}

// filters adds the seccomp filters. Nothing that they may forbid may come after.
func (p *planner) filters() {}

// scheduling adds what the kernel's schedulers are told, personality, core dump filter
// and the like.
func (p *planner) scheduling() {}

// keyring makes the session keyring of KeyringMode=.
func (p *planner) keyring() {}

// boundingSet takes capabilities away from the bounding set, and has those of
// AmbientCapabilities= survive the change of user.
func (p *planner) boundingSet() {}

// ambient raises the ambient capabilities, after the change of user.
func (p *planner) ambient() {}

// labels sets the security labels for exec.
func (p *planner) labels() {}

// secureBits sets SecureBits= and NoNewPrivileges=.
func (p *planner) secureBits() {}
