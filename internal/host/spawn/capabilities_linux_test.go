package spawn

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"rouse/internal/host/sys"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
	"rouse/internal/unit/value/linux"
)

// bit is the set of one capability.
func bit(t testing.TB, names ...string) (set uint64) {
	t.Helper()
	for _, name := range names {
		n, ok := linux.Capability(name)
		if !ok {
			t.Fatal(name)
		}
		set |= 1 << n
	}
	return set
}

// needCapabilities skips where the tester does not have them.
func needCapabilities(t testing.TB, set uint64) {
	t.Helper()
	own := sys.OwnCapabilities()
	if own.Effective&set != set || own.Bounding&set != set || own.SecureBits != 0 {
		t.Skipf("needs capabilities %x, has %x", set, own.Effective)
	}
}

// status gives the lines of /proc/PID/status with these keys, without blanks.
const status = "while read -r key rest; do case $key in " +
	"CapInh:|CapPrm:|CapEff:|CapBnd:|CapAmb:|NoNewPrivs:) echo $key$rest;; esac; " +
	"done < /proc/self/status"

// field finds the value of a key in what status printed.
func field(t testing.TB, out, key string) string {
	t.Helper()
	for line := range strings.Lines(out) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), key+":"); ok {
			return v
		}
	}
	t.Fatalf("no %s in %q", key, out)
	return ""
}

func hexSet(set uint64) string { return fmt.Sprintf("%016x", set) }

// The bounding set, the ambient set and what root and others make of them.
func TestCapabilities(t *testing.T) {
	needRoot(t)
	own := sys.OwnCapabilities()
	chown, kill := bit(t, "CAP_CHOWN"), bit(t, "CAP_KILL")
	needCapabilities(t, bit(t, "CAP_SETPCAP", "CAP_SETUID", "CAP_SETGID", "CAP_CHOWN", "CAP_KILL"))
	for _, c := range []struct {
		name                      string
		set                       func(r *Request)
		inh, prm, eff, bound, amb uint64
	}{
		{name: "root", prm: own.Bounding, eff: own.Bounding, bound: own.Bounding},
		{
			name: "bounded root", prm: chown | kill, eff: chown | kill, bound: chown | kill,
			set: func(r *Request) { r.Exec.CapabilityBoundingSet = chown | kill | 1<<60 },
		},
		{name: "nothing", set: func(r *Request) { r.Exec.CapabilityBoundingSet = 0 }},
		{
			name: "user", bound: own.Bounding,
			set: func(r *Request) { r.Exec.User = "daemon" },
		},
		{
			name: "ambient", inh: kill, prm: kill, eff: kill, bound: own.Bounding, amb: kill,
			set: func(r *Request) { r.Exec.User, r.Exec.AmbientCapabilities = "daemon", kill },
		},
		{
			name: "ambient within bounds", inh: kill, prm: kill, eff: kill, bound: kill, amb: kill,
			set: func(r *Request) {
				r.Exec.User, r.Exec.AmbientCapabilities = "daemon", kill|chown
				r.Exec.CapabilityBoundingSet = kill
			},
		},
		{
			name: "ambient root", inh: kill, prm: own.Bounding, eff: own.Bounding,
			bound: own.Bounding, amb: kill,
			set: func(r *Request) { r.Exec.AmbientCapabilities = kill },
		},
		{
			name: "privileged", prm: own.Bounding, eff: own.Bounding, bound: own.Bounding,
			set: func(r *Request) {
				r.Exec.CapabilityBoundingSet, r.Exec.NoNewPrivileges = 0, true
				r.Command.Flags = value.FullPrivilege
			},
		},
		{
			name: "noroot", bound: own.Bounding,
			set: func(r *Request) { r.Exec.SecureBits = 1 },
		},
		{
			name: "noroot, another user", inh: chown, prm: chown, eff: chown, bound: own.Bounding,
			amb: chown,
			set: func(r *Request) {
				r.Exec.User, r.Exec.SecureBits = "daemon", 3
				r.Exec.AmbientCapabilities = chown
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			everyMeans(t, func(t *testing.T, s *Spawner) {
				r := sh(status)
				if c.set != nil {
					c.set(r)
				}
				got := do(t, s, r)
				if got.err != nil || got.status != 0 {
					t.Fatalf("status %d, error %v, output %q", got.status, got.err, got.out)
				}
				for _, f := range []struct {
					key  string
					want uint64
				}{
					{"CapInh", c.inh}, {"CapPrm", c.prm}, {"CapEff", c.eff}, {"CapBnd", c.bound},
					{"CapAmb", c.amb},
				} {
					if v := field(t, got.out, f.key); v != hexSet(f.want) {
						t.Errorf("%s %s, want %s", f.key, v, hexSet(f.want))
					}
				}
			})
		})
	}
}

// NoNewPrivileges= is set where it is said, and for whoever needs it to load filters.
func TestNoNewPrivileges(t *testing.T) {
	admin := sys.OwnCapabilities().Effective&bit(t, "CAP_SYS_ADMIN") != 0
	number := map[bool]string{false: "0", true: "1"}
	for _, c := range []struct {
		name string
		want bool
		root bool
		set  func(r *Request)
	}{
		{name: "nothing", set: func(*Request) {}},
		{name: "said", want: true, set: func(r *Request) { r.Exec.NoNewPrivileges = true }},
		{
			name: "left out", set: func(r *Request) {
				r.Exec.NoNewPrivileges, r.Without = true, []string{"NoNewPrivileges"}
			},
		},
		{
			name: "filter", want: !admin,
			set: func(r *Request) { r.Exec.LockPersonality = true },
		},
		{
			name: "filter left out",
			set: func(r *Request) {
				r.Exec.PrivateDevices, r.Without = true, []string{"PrivateDevices"}
			},
		},
		{
			name: "filter and user", want: true, root: true,
			set: func(r *Request) { r.Exec.User, r.Exec.RestrictRealtime = "daemon", true },
		},
		{
			name: "filter and root by name", want: !admin, root: true,
			set: func(r *Request) { r.Exec.User, r.Exec.RestrictRealtime = "root", true },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.root {
				needRoot(t)
			}
			r := sh(status)
			c.set(r)
			s := &Spawner{}
			got := do(t, s, r)
			if got.err != nil || field(t, got.out, "NoNewPrivs") != number[c.want] {
				t.Errorf("%+v, want %v", got, c.want)
			}
		})
	}
}

// Who lacks the privileges for a directive gets systemd's status for it.
func TestCapabilityFailures(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may do all that")
	}
	for directive, c := range map[string]struct {
		set    func(x *unit.Exec)
		status int
	}{
		"CapabilityBoundingSet": {func(x *unit.Exec) { x.CapabilityBoundingSet = 0 }, 218},
		"AmbientCapabilities":   {func(x *unit.Exec) { x.AmbientCapabilities = 1 }, 218},
		"SecureBits":            {func(x *unit.Exec) { x.SecureBits = 1 }, 213},
	} {
		t.Run(directive, func(t *testing.T) {
			r := sh("")
			c.set(r.Exec)
			got := do(t, &Spawner{}, r)
			if got.status != c.status || got.err == nil {
				t.Fatalf("%+v", got)
			}
		})
	}
}
