//go:build linux && !amd64 && !arm64

package spawn

// haveVfork says that there is assembler for this architecture.
const haveVfork = false

// vfork is never called here: prepare chooses meansFork.
func vfork(c *control) { c.pid = ^uintptr(0) }
