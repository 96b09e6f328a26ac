package seccomp

import (
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"rouse/internal/unit"
	"rouse/internal/unit/directive"
	"rouse/internal/unit/name"
)

// A call is what the kernel shows a filter: struct seccomp_data.
type call struct {
	nr, arch uint32
	args     [6]uint64
}

// run does what the kernel does with a program, and fails where it would refuse it.
func run(t testing.TB, program []byte, c call) action {
	t.Helper()
	data := make([]byte, 64)
	native := binary.NativeEndian
	native.PutUint32(data, c.nr)
	native.PutUint32(data[4:], c.arch)
	for i, a := range c.args {
		native.PutUint64(data[16+8*i:], a)
	}
	var acc uint32
	for at := 0; at < len(program); at += 8 {
		k := native.Uint32(program[at+4:])
		jump := func(holds bool) {
			if holds {
				at += 8 * int(program[at+2])
			} else {
				at += 8 * int(program[at+3])
			}
		}
		switch native.Uint16(program[at:]) {
		case codeLoad:
			acc = native.Uint32(data[k:])
		case codeAnd:
			acc &= k
		case codeEqual:
			jump(acc == k)
		case codeLeast:
			jump(acc >= k)
		case codeBits:
			jump(acc&k != 0)
		case codeJump:
			at += 8 * int(k)
		case codeEnd:
			return action(k)
		default:
			t.Fatalf("instruction %x", native.Uint16(program[at:]))
		}
	}
	t.Fatal("the program has no end")
	return 0
}

// settings makes the execution context of a service with lines parted by semicolons.
func settings(t testing.TB, lines string) *unit.Exec {
	t.Helper()
	u := directive.New("test.service", name.Service, nil)
	for line := range strings.SplitSeq(lines, ";") {
		key, value, _ := strings.Cut(line, "=")
		a := directive.Assignment{Section: "Service", Name: key, Value: value, File: "test"}
		if faults := directive.Apply(u, a, nil); len(faults) > 0 && !strings.Contains(line, "nosuch") {
			t.Fatal(faults)
		}
	}
	_ = directive.Finish(u, nil, nil) // it has no command
	if u.Exec.DynamicUser {
		u.Exec.RestrictSUIDSGID = true
	}
	return u.Exec
}

func everything(string) bool { return true }

func program(t testing.TB, lines, goarch string) []byte {
	t.Helper()
	x := settings(t, lines)
	var domain uint32
	if x.Personality == "x86" {
		domain = 8
	}
	p, _ := For(x, domain, everything)
	text, err := p.Program(goarch)
	if err != nil {
		t.Fatal(err)
	}
	if text == nil {
		text = binary.NativeEndian.AppendUint64(nil, 0) // allow all
		binary.NativeEndian.PutUint16(text, codeEnd)
		binary.NativeEndian.PutUint32(text[4:], uint32(allow))
	}
	if len(text) > 8*maxInstructions {
		t.Fatalf("%d instructions", len(text)/8)
	}
	return text
}

func (a action) String() string {
	switch a {
	case killProcess:
		return "kill-process"
	case killThread:
		return "kill-thread"
	case logged:
		return "log"
	case allow:
		return "allow"
	}
	return "errno=" + strconv.Itoa(int(a&0xfff))
}

// samples are arguments that calls are asked about, besides zeros: those of one argument,
// with those of arguments before it that are fixed.
var samples = []struct {
	calls  string
	before []uint64
	last   []uint64
}{
	{"socket", nil, []uint64{1, 2, 3, 10, 16, 17, 31, 45, 46, 100}},
	{"socketcall", nil, []uint64{
		1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
	}},
	{"ipc", nil, []uint64{1, 2, 3, 4, 11, 12, 13, 14, 21, 22, 23, 24}},
	{"personality", nil, []uint64{8, 0xffffffff, 0x400000}},
	{"clone unshare", nil, flags},
	{"setns", []uint64{0}, flags},
	{"sched_setscheduler", []uint64{0}, []uint64{1, 2, 3, 4, 5, 6, 7, 0x40000000}},
	{"shmat", []uint64{0, 0}, []uint64{0x8000, 0x1000}},
	{"mmap mmap2 mprotect pkey_mprotect", []uint64{0, 0}, []uint64{1, 2, 3, 4, 5, 6, 7}},
	{"chmod fchmod creat mkdir mknod", []uint64{0}, modes},
	{"fchmodat fchmodat2 mkdirat mknodat", []uint64{0, 0}, modes},
	{"open", []uint64{0, 0x40}, modes[:2]},
	{"open", []uint64{0, 0x40}, []uint64{0o755}},
	{"open", []uint64{0, 0}, modes[:1]},
	{"openat", []uint64{0, 0, 0x40}, modes[:2]},
	{"openat", []uint64{0, 0, 0x40}, []uint64{0o755}},
	{"openat", []uint64{0, 0, 0}, modes[:1]},
}

var (
	flags = []uint64{
		0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000,
	}
	modes = []uint64{0o4755, 0o2755, 0o1755, 0o777}
)

// asked gives all calls of an architecture that are asked about, with what stands for
// them in the recording.
func asked(a arch) map[string]call {
	list := map[string]call{}
	add := func(text string, nr uint32, args []uint64) {
		c := call{nr: nr, arch: audit[a]}
		if a == x32 {
			c.nr |= x32Bit
		}
		copy(c.args[:], args)
		list[text] = c
	}
	for nr := range uint32(600) {
		add(fmt.Sprint(nr), nr, nil)
	}
	for _, s := range samples {
		for name := range strings.FieldsSeq(s.calls) {
			nr := numbers[row(name)].nr[a]
			if nr < 0 {
				continue
			}
			for _, v := range s.last {
				args := append(append([]uint64{}, s.before...), v)
				text := strings.ReplaceAll(strings.Trim(fmt.Sprint(args), "[]"), " ", ",")
				add(fmt.Sprintf("%d(%s)", nr, text), uint32(nr), args)
			}
		}
	}
	return list
}

// recorded reads what follows the settings: the answers by architecture and call.
func recorded(t *testing.T, block string) [arches]map[string]string {
	t.Helper()
	var answers [arches]map[string]string
	var into map[string]string
	var answer string
	for line := range strings.Lines(block) {
		words := strings.Fields(line)
		if !strings.HasPrefix(line, "\t\t") {
			for a, n := range archNames {
				if n == words[0] {
					if answers[a] == nil {
						answers[a] = map[string]string{}
					}
					into = answers[a]
				}
			}
			answer, words = words[1], words[2:]
		}
		for _, w := range words {
			low, high, isRange := strings.Cut(w, "-")
			from, _ := strconv.Atoi(low)
			to, _ := strconv.Atoi(high)
			if !isRange {
				into[w] = answer
				continue
			}
			for nr := from; nr <= to; nr++ {
				into[strconv.Itoa(nr)] = answer
			}
		}
	}
	return answers
}

// stricter are calls that are refused though systemd forgets them: the number on x86 of
// shmat(2), and its way through ipc(2).
var stricter = map[string]bool{"x86 397(0,0,32768)": true}

// Whatever systemd's filters answer, those of here do too.
func TestSystemd(t *testing.T) {
	text, err := os.ReadFile("testdata/systemd-252.txt")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(strings.TrimSpace(string(text)), "\n\n")
	for _, block := range blocks[1:] {
		lines, rest, _ := strings.Cut(block, "\n")
		t.Run(lines, func(t *testing.T) {
			p := program(t, lines, "amd64")
			for a, answers := range recorded(t, rest) {
				if answers == nil {
					continue
				}
				for text, c := range asked(arch(a)) {
					want, ok := answers[text]
					if !ok {
						plain, _, _ := strings.Cut(text, "(")
						want = answers[plain]
					}
					got := run(t, p, c).String()
					if got != want && !stricter[archNames[a]+" "+text] {
						t.Errorf("%s %s: %s, want %s", archNames[a], text, got, want)
					}
				}
			}
		})
	}
}
