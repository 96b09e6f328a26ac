package sys

import "golang.org/x/sys/unix"

// The calls about a process's place among others, by number.
const (
	CallIoprioSet         = unix.SYS_IOPRIO_SET
	CallPersonality       = unix.SYS_PERSONALITY
	CallSchedSetaffinity  = unix.SYS_SCHED_SETAFFINITY
	CallSchedSetscheduler = unix.SYS_SCHED_SETSCHEDULER
	CallSetMempolicy      = unix.SYS_SET_MEMPOLICY
)

// The calls about keys. keyrings(7).
const (
	CallAddKey = unix.SYS_ADD_KEY
	CallKeyctl = unix.SYS_KEYCTL

	KeyctlJoin     = unix.KEYCTL_JOIN_SESSION_KEYRING
	KeyctlLink     = unix.KEYCTL_LINK
	KeyctlSetPerm  = unix.KEYCTL_SETPERM
	SessionKeyring = unix.KEY_SPEC_SESSION_KEYRING
	UserKeyring    = unix.KEY_SPEC_USER_KEYRING
)

// The calls about the real user and group alone. 386 and arm have two of each, and those
// that take 32-bit numbers have the same numbers on both.
const (
	CallSetregid = unix.SYS_SETREGID*is64 + 204*(1-is64)
	CallSetreuid = unix.SYS_SETREUID*is64 + 203*(1-is64)
)

// Arguments of those calls.
const (
	IoprioProcess    = 1          // IOPRIO_WHO_PROCESS
	IoprioClassShift = 13         // where the class is, above the priority
	SchedResetOnFork = 0x40000000 // SCHED_RESET_ON_FORK
	Personality32    = 8          // PER_LINUX32
	PrctlTimerSlack  = unix.PR_SET_TIMERSLACK
)
