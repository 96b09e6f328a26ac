// Package seccomp turns what a unit forbids its processes into a program for the
// kernel's filter of system calls. It knows the numbers of the calls on every
// architecture whose programs a machine may run, and which calls a setting is about; it
// knows nothing of processes and makes no call itself. It answers for seccomp(2) and for
// SystemCallFilter=, RestrictNamespaces= and the like in systemd.exec(5).
//
// systemd loads a filter per setting and architecture, and the kernel runs them all for
// each call and takes the most severe answer. Here all of them become one program, with
// the same answers.
package seccomp

import (
	"rouse/internal/unit"
)

// A Policy is what the settings of one unit forbid. The zero value forbids nothing.
type Policy struct {
	Calls         unit.CallFilter // SystemCallFilter=
	Error         int             // SystemCallErrorNumber=: an errno, or unit.CallKill
	Logged        unit.CallFilter // SystemCallLog=
	Architectures []string        // SystemCallArchitectures=
	Families      unit.Restriction
	Namespaces    uint64 // clone(2) flags of those that cannot be made or entered

	NoWriteExecute bool // MemoryDenyWriteExecute=
	NoRealtime     bool
	NoSetID        bool // RestrictSUIDSGID=
	NoClock        bool
	NoHostname     bool
	NoKernelLogs   bool
	NoModules      bool
	NoRawIO        bool // PrivateDevices=
	NoTunables     bool // sysctl(2), ProtectKernelTunables=
	// FixedPersonality: the execution domain can be set to Personality only.
	FixedPersonality bool
	Personality      uint32
}

// An action is what the kernel does about a call.
type action uint32

const (
	killProcess action = 0x80000000
	killThread  action = 0x00000000
	failure     action = 0x00050000 // with an errno in the lower half
	logged      action = 0x7ffc0000
	allow       action = 0x7fff0000

	actionOnly = 0xffff0000
)

func fail(errno int) action { return failure | action(errno) }

// The errors that settings other than SystemCallFilter= give.
const (
	errPermission = 1  // EPERM
	errNoCall     = 38 // ENOSYS
	errFamily     = 97 // EAFNOSUPPORT
)

// worse gives the action that the kernel takes if a newer filter says a and an older
// one b: the more severe one, the newer one's of two alike.
func worse(a, b action) action {
	if int32(b&actionOnly) < int32(a&actionOnly) {
		return b
	}
	return a
}
