package seccomp

import (
	"rouse/internal/unit"
	"rouse/internal/unit/value/linux"
)

// A layer is what one setting says about the calls of one architecture.
type layer struct {
	arch  arch
	other action // about calls without a rule
	calls map[uint32]*rule
}

// A rule is what a layer says about one call: plain if that is set, or else the action of
// the first case whose tests hold, or else what the layer says about others.
type rule struct {
	cases []branch
	plain action
	set   bool
}

type branch struct {
	tests []test // all must hold
	then  action
}

// A test looks at the lower 32 bits of an argument. The kernel takes no more of those
// that are tested here.
type test struct {
	arg  int
	kind testKind
	mask uint32   // of hasAny and hasAll, and what isOneOf compares
	of   []uint32 // isOneOf, isNoneOf
}

type testKind uint8

const (
	isOneOf testKind = iota
	isNoneOf
	hasAny
	hasAll
	testKinds
)

const everyBit = ^uint32(0)

func among(arg int, of ...uint32) test { return test{arg, isOneOf, everyBit, of} }
func except(arg int, of ...uint32) test {
	return test{arg, isNoneOf, everyBit, of}
}
func any1(arg int, mask uint32) test  { return test{arg: arg, kind: hasAny, mask: mask} }
func every(arg int, mask uint32) test { return test{arg: arg, kind: hasAll, mask: mask} }

// subcall tests which call socketcall(2) or ipc(2) makes. Above the number, ipc has the
// version of its arguments.
func subcall(number uint32) test {
	return test{arg: 0, mask: 0xffff, of: []uint32{number}}
}

// on adds a rule for a call, if the architecture has it. Without tests it is about every
// way to make the call; with them, only about the one where the arguments can be seen.
func (l *layer) on(name string, then action, tests ...test) {
	at := row(name)
	if at < 0 {
		return
	}
	if nr, ok := l.arch.number(at); ok {
		l.add(nr, then, tests)
	}
	if l.arch != x86 || len(tests) > 0 {
		return
	}
	for _, m := range multiplexed {
		if m.name == name {
			l.on(m.by, then, subcall(m.arg))
		}
	}
}

func (l *layer) add(nr uint32, then action, tests []test) {
	r := l.calls[nr]
	if r == nil {
		if l.calls == nil {
			l.calls = map[uint32]*rule{}
		}
		r = &rule{}
		l.calls[nr] = r
	}
	if len(tests) == 0 {
		r.plain, r.set = then, true
		return
	}
	r.cases = append(r.cases, branch{tests, then})
}

// has reports whether the architecture has the call.
func (l *layer) has(name string) bool {
	at := row(name)
	if at < 0 {
		return false
	}
	_, ok := l.arch.number(at)
	return ok
}

// layers are what the policy says about an architecture, in the order in which systemd
// loads its filters: of two that are as severe, the later one's error counts.
func (p *Policy) layers(a arch) []layer {
	var list []layer
	for _, say := range [...]func(p *Policy, l *layer) bool{
		hostname, families, writeExecute, realtime, setID, namespaces, tunables, modules, kernelLogs,
		clock, rawIO, personality, logs, calls,
	} {
		l := layer{arch: a, other: allow}
		if say(p, &l) {
			list = append(list, l)
		}
	}
	return list
}

func hostname(p *Policy, l *layer) bool {
	l.on("sethostname", fail(errPermission))
	l.on("setdomainname", fail(errPermission))
	return p.NoHostname
}

func clock(p *Policy, l *layer) bool { return p.NoClock && l.group("@clock") }

func rawIO(p *Policy, l *layer) bool { return p.NoRawIO && l.group("@raw-io") }

func modules(p *Policy, l *layer) bool { return p.NoModules && l.group("@module") }

func (l *layer) group(name string) bool {
	list, _ := linux.Calls(name)
	for _, call := range list {
		l.on(call, fail(errPermission))
	}
	return true
}

func kernelLogs(p *Policy, l *layer) bool {
	l.on("syslog", fail(errPermission))
	return p.NoKernelLogs
}

func tunables(p *Policy, l *layer) bool {
	l.on("_sysctl", fail(errPermission))
	return p.NoTunables
}

// families: on x86, sockets are made with socketcall(2), too, which hides the family in
// memory that a filter cannot read. There the setting means nothing, as in systemd.
func families(p *Policy, l *layer) bool {
	if l.arch == x86 || !p.Families.Any() {
		return false
	}
	var numbers []uint32
	for _, name := range p.Families.Names {
		if n, ok := linux.Family(name); ok {
			numbers = append(numbers, uint32(n))
		}
	}
	switch {
	case p.Families.Allow && len(numbers) == 0:
		l.on("socket", fail(errFamily))
	case p.Families.Allow:
		l.on("socket", fail(errFamily), except(0, numbers...))
	default:
		l.on("socket", fail(errFamily), among(0, numbers...))
	}
	return true
}

// What mmap(2), mprotect(2) and shmat(2) are told of memory.
const (
	protWrite = 0x2
	protExec  = 0x4
	shmExec   = 0x8000
)

func writeExecute(p *Policy, l *layer) bool {
	no := fail(errPermission)
	if l.has("mmap2") {
		l.on("mmap2", no, every(2, protWrite|protExec))
		l.on("mmap", no) // its arguments are in memory
	} else {
		l.on("mmap", no, every(2, protWrite|protExec))
	}
	l.on("mprotect", no, any1(2, protExec))
	l.on("pkey_mprotect", no, any1(2, protExec))
	l.on("shmat", no, any1(2, shmExec))
	for _, m := range multiplexed {
		if m.name == "shmat" && l.arch == x86 {
			l.on(m.by, no, subcall(m.arg), any1(2, shmExec))
		}
	}
	return p.NoWriteExecute
}

// realtime leaves the policies that everybody may have. Who is to be reset at fork has
// another bit, and is refused as by systemd.
func realtime(p *Policy, l *layer) bool {
	normal := []uint32{}
	for _, name := range []string{"other", "batch", "idle"} {
		if n, ok := linux.Scheduler(name); ok {
			normal = append(normal, uint32(n))
		}
	}
	l.on("sched_setscheduler", fail(errPermission), except(1, normal...))
	return p.NoRealtime
}

// What open(2) and chmod(2) are told of files.
const (
	setBits   = 0o6000     // S_ISUID, S_ISGID
	makesFile = 0o20000100 // O_CREAT, O_TMPFILE without O_DIRECTORY
)

func setID(p *Policy, l *layer) bool {
	no := fail(errPermission)
	for _, c := range []struct {
		name string
		mode int // which argument it is
	}{
		{"chmod", 1}, {"fchmod", 1}, {"fchmodat", 2}, {"fchmodat2", 2}, {"creat", 1}, {"mkdir", 1},
		{"mkdirat", 2}, {"mknod", 1}, {"mknodat", 2},
	} {
		l.on(c.name, no, any1(c.mode, setBits))
	}
	l.on("open", no, any1(1, makesFile), any1(2, setBits))
	l.on("openat", no, any1(2, makesFile), any1(3, setBits))
	l.on("openat2", fail(errNoCall)) // its arguments are in memory; programs use openat then
	return p.NoSetID
}

func namespaces(p *Policy, l *layer) bool {
	if p.Namespaces == 0 {
		return false
	}
	no, flags := fail(errPermission), uint32(p.Namespaces)
	l.on("clone3", fail(errNoCall)) // its arguments are in memory; programs use clone then
	l.on("clone", no, any1(0, flags))
	l.on("unshare", no, any1(0, flags))
	if p.Namespaces == everyNamespace {
		l.on("setns", no)
		return true
	}
	l.on("setns", no, any1(1, flags))
	l.on("setns", no, among(1, 0)) // whatever the descriptor is of
	return true
}

func personality(p *Policy, l *layer) bool {
	l.on("personality", fail(errPermission), except(0, p.Personality))
	return p.FixedPersonality
}

func logs(p *Policy, l *layer) bool {
	listed, other := logged, allow
	if !p.Logged.Allow {
		listed, other = allow, logged
	}
	l.other = other
	for _, c := range p.Logged.Calls {
		l.on(c.Name, listed)
	}
	return asks(p.Logged)
}

func calls(p *Policy, l *layer) bool {
	wrong := of(p.Error)
	listed := wrong
	if p.Calls.Allow {
		l.other, listed = wrong, allow
	}
	for _, c := range p.Calls.Calls {
		then := listed
		if c.Errno != unit.CallDefault {
			then = of(c.Errno)
		}
		l.on(c.Name, then)
	}
	return asks(p.Calls)
}

// asks reports whether f is about any call at all.
func asks(f unit.CallFilter) bool { return f.Set && (f.Allow || len(f.Calls) > 0) }

// of is the action for an error of SystemCallFilter=.
func of(errno int) action {
	if errno == unit.CallKill {
		return killProcess
	}
	return fail(errno)
}
