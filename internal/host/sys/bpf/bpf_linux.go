// Package bpf loads programs into the kernel and attaches them to control groups, and
// finds what they may ask about in the kernel. It knows bpf(2) and the kernel's BTF
// document, and nothing of what programs do.
package bpf

import (
	"errors"
	"os"
	"runtime"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The program types and places for them that control groups have. bpf(2).
// CGROUP_SKB came with Linux 4.10, more than one program in a place with 4.15, which
// has CGROUP_DEVICE too, and CGROUP_SOCK_ADDR with 4.17; of LSM those for groups with 6.0.
const (
	Packet    = unix.BPF_PROG_TYPE_CGROUP_SKB
	DeviceUse = unix.BPF_PROG_TYPE_CGROUP_DEVICE
	Address   = unix.BPF_PROG_TYPE_CGROUP_SOCK_ADDR
	Security  = unix.BPF_PROG_TYPE_LSM

	Ingress = unix.BPF_CGROUP_INET_INGRESS
	Egress  = unix.BPF_CGROUP_INET_EGRESS
	Device  = unix.BPF_CGROUP_DEVICE
	Bind4   = unix.BPF_CGROUP_INET4_BIND
	Bind6   = unix.BPF_CGROUP_INET6_BIND
	Hook    = unix.BPF_LSM_CGROUP // of a security module: which one, Load is told
)

// call makes a call with some of union bpf_attr: the kernel takes the rest for zero.
func call[T any](cmd int, attr *T) (int, error) {
	r, _, e := unix.Syscall(unix.SYS_BPF, uintptr(cmd), uintptr(unsafe.Pointer(attr)),
		unsafe.Sizeof(*attr))
	runtime.KeepAlive(attr)
	if e != 0 {
		return -1, e
	}
	return int(r), nil
}

// address is where something is, for the kernel, which counts in 64 bits everywhere. It
// stays there until it is unpinned.
func address[T any](pin *runtime.Pinner, p *T) uint64 {
	pin.Pin(p)
	return uint64(uintptr(unsafe.Pointer(p)))
}

// attempts is how often a program is offered to the kernel at most: what stops the whole
// process ends the check, too.
const attempts = 10

// withoutSignals keeps signals from this thread, and itself there, until what it gives is
// called.
func withoutSignals() (restore func()) {
	runtime.LockOSThread()
	var all, before unix.Sigset_t
	for i := range all.Val {
		all.Val[i] = ^all.Val[i]
	}
	err := unix.PthreadSigmask(unix.SIG_BLOCK, &all, &before)
	return func() {
		if err == nil {
			_ = unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil)
		}
		runtime.UnlockOSThread()
	}
}

// Load has the kernel check a program, and gives a descriptor for it. The
// instructions are of eight bytes each. function is what a program of Security is asked
// at, as Find gives it, and 0 for others.
func Load(programType, attachType, function uint32, code []uint64) (fd int, err error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	license := [...]byte{'G', 'P', 'L', 0}
	attr := struct {
		programType, count      uint32
		code, license           uint64
		logLevel, logSize       uint32
		log                     uint64
		kernel, flags           uint32
		name                    [16]byte
		interfaceNumber, attach uint32
		_                       [9]uint32 // types of the program's own, and its lines
		function                uint32
	}{
		programType: programType, count: uint32(len(code)), code: address(&pin, &code[0]),
		license: address(&pin, &license), attach: attachType, function: function,
	}
	copy(attr.name[:], "rouse")
	// A signal ends the check with EAGAIN, and the runtime sends itself many.
	defer withoutSignals()()
	for range attempts {
		if fd, err = call(unix.BPF_PROG_LOAD, &attr); !errors.Is(err, unix.EAGAIN) {
			break
		}
	}
	return fd, err
}

// Attach puts a program beside those that a control group has already.
func Attach(group, program int, place uint32) error {
	attr := struct{ group, program, place, flags uint32 }{
		uint32(group), uint32(program), place, unix.BPF_F_ALLOW_MULTI,
	}
	_, err := call(unix.BPF_PROG_ATTACH, &attr)
	return err
}

// Detach takes it away.
func Detach(group, program int, place uint32) error {
	attr := struct{ group, program, place, flags uint32 }{
		uint32(group), uint32(program), place, 0,
	}
	_, err := call(unix.BPF_PROG_DETACH, &attr)
	return err
}

// ID gives the kernel's number of a program or map, by which it is found as long as
// it is in use.
func ID(fd int) (uint32, error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	var info struct{ kind, id uint32 }
	attr := struct {
		fd, size uint32
		info     uint64
	}{uint32(fd), uint32(unsafe.Sizeof(info)), address(&pin, &info)}
	_, err := call(unix.BPF_OBJ_GET_INFO_BY_FD, &attr)
	return info.id, err // programs and maps begin alike
}

// ByID finds a program or a map.
func ByID(id uint32, program bool) (fd int, err error) {
	cmd := unix.BPF_MAP_GET_FD_BY_ID
	if program {
		cmd = unix.BPF_PROG_GET_FD_BY_ID
	}
	attr := struct{ id, next, flags uint32 }{id: id}
	return call(cmd, &attr)
}

// Pinned opens a program that has a name in a bpf file system.
func Pinned(path string) (fd int, err error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	name, err := unix.BytePtrFromString(path)
	if err != nil {
		return -1, err
	}
	attr := struct {
		path      uint64
		fd, flags uint32
	}{path: address(&pin, name)}
	fd, err = call(unix.BPF_OBJ_GET, &attr)
	return fd, err
}

// Counters makes an array of numbers that programs can add to.
func Counters(n int) (fd int, err error) {
	attr := struct{ kind, key, value, entries, flags uint32 }{
		unix.BPF_MAP_TYPE_ARRAY, 4, 8, uint32(n), 0,
	}
	return call(unix.BPF_MAP_CREATE, &attr)
}

// Counter reads one of them.
func Counter(fd, at int) (n uint64, err error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	key := uint32(at)
	attr := struct {
		fd, none          uint32
		key, value, flags uint64
	}{fd: uint32(fd), key: address(&pin, &key), value: address(&pin, &n)}
	_, err = call(unix.BPF_MAP_LOOKUP_ELEM, &attr)
	return n, err
}

// processID is a program that gives the number of its process, as the kernel counts
// those: bpf_get_current_pid_tgid, whose upper half that is.
var processID = [...]uint64{0x0000000e_00000085, 0x00000020_00000077, 0x95}

// ProcessID gives the number of this process by which programs know it: the one of the
// machine, whatever its number is here. pid_namespaces(7).
func ProcessID() (uint32, error) {
	fd, err := Load(unix.BPF_PROG_TYPE_RAW_TRACEPOINT, 0, 0, processID[:])
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	attr := struct {
		fd, result uint32
		_          [10]uint32 // of what it is run with
		_          [4]uint32
	}{fd: uint32(fd)}
	_, err = call(unix.BPF_PROG_TEST_RUN, &attr)
	return attr.result, err
}

// IsAsked tells whether security modules ask programs here: where the module bpf is not
// among those at work, programs of Security are loaded, and never run.
// lsm_list_modules(2), of Linux 6.8, or what securityfs says.
func IsAsked() (bool, error) {
	const most, module = 64, 109
	var list [most]uint64
	size := uint32(unsafe.Sizeof(list))
	n, _, e := unix.Syscall(unix.SYS_LSM_LIST_MODULES, uintptr(unsafe.Pointer(&list)),
		uintptr(unsafe.Pointer(&size)), 0)
	if e == 0 {
		return slices.Contains(list[:min(n, most)], module), nil
	}
	text, err := os.ReadFile("/sys/kernel/security/lsm")
	return slices.Contains(strings.Split(strings.TrimSpace(string(text)), ","), "bpf"), err
}
