// Package proc reads what /proc tells about processes, mounts and control
// groups. It only reads, and knows no units. It answers for proc(5). Elsewhere
// than on Linux its files are mostly missing, and so are the answers.
package proc

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"rouse/internal/host/sys"
)

// Stat is the part of /proc/PID/stat that tells who a process is.
type Stat struct {
	PID, Parent, Group, Session int
	State                       byte   // 'R', 'S', … 'Z' for a dead one
	Start                       uint64 // ticks since boot; with PID it names the process
	Name                        string // at most 15 bytes
	Kernel                      bool   // a kernel thread
}

// Dead reports whether only the exit status is left of the process.
func (s Stat) Dead() bool { return s.State == 'Z' || s.State == 'X' }

// kernelThread is PF_KTHREAD of the ninth field, flags.
const kernelThread = 0x00200000

// ParseStat reads the text of a stat file. The name stands in parentheses and
// may contain any byte, parentheses too, so the last ) ends it.
func ParseStat(text []byte) (Stat, error) {
	open, end := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return Stat{}, fmt.Errorf("stat %.20q: no name in parentheses", text)
	}
	fields := strings.Fields(string(text[end+1:]))
	if len(fields) < 20 {
		return Stat{}, fmt.Errorf("stat %.20q: %d fields after the name, want 20", text, len(fields))
	}
	s := Stat{Name: string(text[open+1 : end]), State: fields[0][0]}
	if s.State <= ' ' || s.State > '~' {
		return Stat{}, fmt.Errorf("stat %.20q: bad state", text)
	}
	var flags int
	for _, f := range []struct {
		to   *int
		text string
	}{
		{&s.PID, strings.TrimSpace(string(text[:open]))},
		{&s.Parent, fields[1]},
		{&s.Group, fields[2]},
		{&s.Session, fields[3]},
		{&flags, fields[6]},
	} {
		n, err := strconv.Atoi(f.text)
		if err != nil {
			return Stat{}, fmt.Errorf("stat %.20q: %w", text, err)
		}
		*f.to = n
	}
	s.Kernel = flags&kernelThread != 0
	start, err := strconv.ParseUint(fields[19], 10, 64)
	if err != nil {
		return Stat{}, fmt.Errorf("stat %.20q: %w", text, err)
	}
	s.Start = start
	return s, nil
}

func file(pid int, name string) string { return "/proc/" + strconv.Itoa(pid) + "/" + name }

// Read gives the Stat of a process; fs.ErrNotExist if there is none.
func Read(pid int) (Stat, error) {
	text, err := readFile(file(pid, "stat"))
	if err != nil {
		return Stat{}, err
	}
	return ParseStat(text)
}

// PIDs lists all processes, sorted.
func PIDs() ([]int, error) {
	d, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, n := range names {
		if pid, err := strconv.Atoi(n); err == nil {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids, nil
}

// All gives the Stat of every process but kernel threads, by rising pid. Those
// that end meanwhile are left out.
func All() ([]Stat, error) {
	pids, err := PIDs()
	if err != nil {
		return nil, err
	}
	list := make([]Stat, 0, len(pids))
	for _, pid := range pids {
		if s, err := Read(pid); err == nil && !s.Kernel {
			list = append(list, s)
		}
	}
	return list, nil
}

// Children lists the children of a process. ok is false if the kernel does not
// tell; it does since Linux 3.5 if built so.
func Children(pid int) (children []int, ok bool) {
	tasks, err := os.ReadDir(file(pid, "task"))
	if err != nil {
		return nil, false
	}
	for _, t := range tasks {
		thread, err := strconv.Atoi(t.Name())
		if err != nil {
			continue
		}
		list, ok := ThreadChildren(pid, thread)
		if !ok {
			if _, err := os.Stat(file(pid, "task/"+t.Name())); err != nil {
				continue // the thread has ended; its children are another's now
			}
			return nil, false
		}
		children = append(children, list...)
	}
	return children, true
}

// ThreadChildren lists the children that one thread of a process has started.
func ThreadChildren(pid, thread int) (children []int, ok bool) {
	text, err := readFile(file(pid, "task/"+strconv.Itoa(thread)+"/children"))
	if err != nil {
		return nil, false
	}
	for _, f := range strings.Fields(string(text)) {
		if child, err := strconv.Atoi(f); err == nil {
			children = append(children, child)
		}
	}
	return children, true
}

// readFile reads a file of the kernel's.
func readFile(path string) ([]byte, error) { return sys.NewRoot().ReadFile(path[1:]) }

// Command gives the command line of a process, blanks between its arguments;
// "(name)" if it has none. Control characters become blanks.
func Command(pid int) string {
	text, _ := os.ReadFile(file(pid, "cmdline"))
	text = bytes.TrimRight(text, "\x00")
	if len(text) == 0 {
		s, err := Read(pid)
		if err != nil {
			return ""
		}
		return "(" + s.Name + ")"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(string(text), "\uFFFD"))
}

// Environ gives one variable of a process's environment as it was at its start.
func Environ(pid int, name string) (value string, ok bool) {
	text, err := os.ReadFile(file(pid, "environ"))
	if err != nil {
		return "", false
	}
	return environValue(text, name)
}

func environValue(text []byte, name string) (value string, ok bool) {
	for entry := range bytes.SplitSeq(text, []byte{0}) {
		if k, v, found := bytes.Cut(entry, []byte{'='}); found && string(k) == name {
			return string(v), true
		}
	}
	return "", false
}
