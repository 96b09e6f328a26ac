package sys

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// The calls that tell what a place allows, and their arguments.
const (
	TryKeyctl    = unix.SYS_KEYCTL
	TryMempolicy = unix.SYS_SET_MEMPOLICY
	TryMount     = unix.SYS_MOUNT
	TryPrctl     = unix.SYS_PRCTL
	TryUnshare   = unix.SYS_UNSHARE

	NewMounts   = unix.CLONE_NEWNS
	NewNetwork  = unix.CLONE_NEWNET
	NewIPC      = unix.CLONE_NEWIPC
	NewHostName = unix.CLONE_NEWUTS
	NewUsers    = unix.CLONE_NEWUSER

	MountSlave         = unix.MS_REC | unix.MS_SLAVE
	PrctlNoNewPrivs    = unix.PR_SET_NO_NEW_PRIVS
	PrctlSeccomp       = unix.PR_SET_SECCOMP
	SeccompFilter      = unix.SECCOMP_MODE_FILTER
	JoinSessionKeyring = unix.KEYCTL_JOIN_SESSION_KEYRING
	FilterAllow        = 0x7fff0000 // SECCOMP_RET_ALLOW
)

// FilterReturn is a filter of one instruction, struct sock_filter, which returns what.
func FilterReturn(what uint32) []byte {
	b := make([]byte, 8)
	binary.NativeEndian.PutUint16(b, unix.BPF_RET|unix.BPF_K)
	binary.NativeEndian.PutUint32(b[4:], what)
	return b
}
