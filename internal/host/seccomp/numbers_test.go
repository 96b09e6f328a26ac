package seccomp

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"testing"

	"rouse/internal/unit/value/linux"
)

func TestNumbersSorted(t *testing.T) {
	if !sort.SliceIsSorted(numbers[:], func(i, j int) bool {
		return numbers[i].name < numbers[j].name
	}) {
		t.Error("not sorted: calls would not be found")
	}
	for _, n := range numbers {
		if as, ok := linux.CallName(n.name); !ok || as != n.name {
			t.Errorf("%s: filters cannot name it", n.name)
		}
	}
	for _, m := range multiplexed {
		if row(m.name) < 0 || row(m.by) < 0 {
			t.Errorf("%s by %s is missing", m.name, m.by)
		}
	}
}

// private are the calls of ARM that no header of others has. arch/arm, unistd.h.
var private = map[string]int32{"cacheflush": 0x0f0002, "set_tls": 0x0f0005}

// kernelNumbers reads what x/sys has been generated from the kernel's headers. The
// numbers of x32 are nowhere.
func kernelNumbers(t *testing.T, goarch string) map[string]int32 {
	t.Helper()
	out, err := exec.Command("go", "list", "-f", "{{.Dir}}", "golang.org/x/sys/unix").Output()
	if err != nil {
		t.Skipf("no go command, or no x/sys: %v", err)
	}
	file := filepath.Join(string(bytes.TrimSpace(out)), "zsysnum_linux_"+goarch+".go")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Skip(err)
	}
	list := map[string]int32{}
	line := regexp.MustCompile(`SYS_([A-Z0-9_]+)\s+= (\d+)`)
	for _, m := range line.FindAllStringSubmatch(string(text), -1) {
		n, err := strconv.ParseInt(m[2], 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		list[strings.ToLower(m[1])] = int32(n)
	}
	if len(list) < 200 {
		t.Fatalf("%d calls in %s", len(list), file)
	}
	return list
}

// The numbers are the kernel's, and none is missing.
func TestNumbers(t *testing.T) {
	for goarch, a := range map[string]arch{
		"amd64": x86x64, "386": x86, "arm": arm, "arm64": arm64, "riscv64": riscv64,
	} {
		t.Run(goarch, func(t *testing.T) {
			kernel := kernelNumbers(t, goarch)
			for _, n := range numbers {
				k, ok := kernel[n.name]
				if p := private[n.name]; p != 0 && a == arm {
					k, ok = p, true
				}
				switch {
				case n.nr[a] >= 0 && ok && k != n.nr[a]:
					t.Errorf("%s is %d, not %d", n.name, k, n.nr[a])
				case n.nr[a] >= 0 && !ok:
					t.Errorf("%s is %d, but the kernel has no such call", n.name, n.nr[a])
				case n.nr[a] < 0 && ok:
					t.Errorf("%s is %d, and missing", n.name, k)
				}
			}
		})
	}
}

// A group is exactly the calls that it names, on every architecture.
func TestGroups(t *testing.T) {
	for goarch, kin := range map[string][]arch{
		"amd64": {x86, x86x64, x32}, "arm64": {arm, arm64}, "arm": {arm}, "riscv64": {riscv64},
	} {
		for _, group := range linux.CallGroups() {
			deny := program(t, "SystemCallFilter=~"+group+";SystemCallErrorNumber=EXFULL", goarch)
			allowed := program(t, "SystemCallFilter="+group+";SystemCallErrorNumber=EXFULL", goarch)
			member := map[string]bool{}
			for _, list := range []string{group, "@default"} {
				names, _ := linux.Calls(list)
				for _, n := range names {
					member[n] = member[n] || list == group
				}
			}
			for _, a := range kin {
				for i := range numbers {
					nr, ok := a.number(i)
					if !ok {
						continue
					}
					c := call{nr: nr, arch: audit[a]}
					in, known := member[numbers[i].name]
					if got := run(t, deny, c); (got == allow) == in {
						t.Errorf("%s: ~%s: %s: %s", archNames[a], group, numbers[i].name, got)
					}
					if got := run(t, allowed, c); (got == allow) != known {
						t.Errorf("%s: %s: %s: %s", archNames[a], group, numbers[i].name, got)
					}
				}
			}
		}
	}
}

func TestNumber(t *testing.T) {
	for _, c := range []struct {
		arch, call string
		want       uint32
		ok         bool
	}{
		{"x86-64", "openat", 257, true},
		{"x86", "openat", 295, true},
		{"x32", "openat", 257 + 0x40000000, true},
		{"arm64", "openat", 56, true},
		{"arm64", "open", 0, false},
		{"vax", "open", 0, false},
		{"x86-64", "nosuch", 0, false},
		{"x86-64", "zzz", 0, false},
	} {
		if got, ok := Number(c.arch, c.call); got != c.want || ok != c.ok {
			t.Errorf("%s on %s: %d, %v", c.call, c.arch, got, ok)
		}
	}
}
