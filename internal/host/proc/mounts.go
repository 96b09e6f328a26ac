package proc

import (
	"os"
	"strconv"
	"strings"
)

// Mount is one line of /proc/PID/mountinfo.
type Mount struct {
	ID, Parent   int
	Root         string // what of the file system is mounted: "/" is all
	Point        string
	Options      []string // of the mount: "rw", "nosuid", …
	Type, Source string
	SuperOptions []string // of the file system
	Major, Minor int
}

// ParseMounts reads the text of a mountinfo file. Lines it does not understand
// are left out.
func ParseMounts(text string) []Mount {
	var list []Mount
	for line := range strings.Lines(text) {
		if m, ok := parseMount(line); ok {
			list = append(list, m)
		}
	}
	return list
}

// parseMount reads one line: six fields, any number of tags, "-", three fields.
func parseMount(line string) (m Mount, ok bool) {
	f := strings.Fields(line)
	dash := -1
	for i := 6; i < len(f); i++ {
		if f[i] == "-" {
			dash = i
			break
		}
	}
	if dash < 0 || len(f) < dash+3 {
		return m, false
	}
	var err, err2 error
	m.ID, err = strconv.Atoi(f[0])
	m.Parent, err2 = strconv.Atoi(f[1])
	if err != nil || err2 != nil {
		return m, false
	}
	major, minor, _ := strings.Cut(f[2], ":")
	m.Major, err = strconv.Atoi(major)
	m.Minor, err2 = strconv.Atoi(minor)
	if err != nil || err2 != nil {
		return m, false
	}
	m.Root, m.Point = Unescape(f[3]), Unescape(f[4])
	m.Options = strings.Split(f[5], ",")
	m.Type, m.Source = Unescape(f[dash+1]), Unescape(f[dash+2])
	if len(f) > dash+3 {
		m.SuperOptions = strings.Split(Unescape(f[dash+3]), ",")
	}
	return m, true
}

// Unescape undoes the octal escapes \040 and so on of blanks and backslashes.
func Unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+4 <= len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// Mounts lists the mounts that this process sees, in the order they were made.
func Mounts() ([]Mount, error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	return ParseMounts(string(text)), nil
}

// Cgroup is one line of /proc/PID/cgroup: the process's group in one hierarchy.
type Cgroup struct {
	// Hierarchy is "" for version 2, else controllers or "name=…", with commas between.
	Hierarchy string
	Path      string // absolute, as seen from this process's cgroup namespace
}

// ParseCgroups reads the text of a cgroup file.
func ParseCgroups(text string) []Cgroup {
	var list []Cgroup
	for line := range strings.Lines(text) {
		_, rest, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		if !ok {
			continue
		}
		hierarchy, path, ok := strings.Cut(rest, ":")
		if !ok || !strings.HasPrefix(path, "/") {
			continue
		}
		// A group that was removed under the process.
		path = strings.TrimSuffix(path, " (deleted)")
		list = append(list, Cgroup{hierarchy, path})
	}
	return list
}

// Cgroups gives the groups of a process; of this one if pid is 0.
func Cgroups(pid int) ([]Cgroup, error) {
	name := "/proc/self/cgroup"
	if pid != 0 {
		name = file(pid, "cgroup")
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return ParseCgroups(string(text)), nil
}
