//go:build linux && (amd64 || arm64)

package spawn

// haveVfork says that there is assembler for this architecture.
const haveVfork = true

// vfork blocks all signals, makes the child, waits until it has executed or
// exited, and unblocks them. The child runs the program of c with bare system
// calls; no Go code runs in it.
//
//go:noescape
func vfork(c *control)
