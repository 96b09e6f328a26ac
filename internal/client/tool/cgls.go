package tool

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unicode/utf8"

	"rouse/internal/unit/value"
)

var cglsProgram = Program{
	Name: "systemd-cgls", Args: "[CGROUP...]", About: "Recursively show control group contents",
	Flags: []Flag{
		{"", "no-pager", "", "Do not pipe output into a pager"},
		{"a", "all", "", "Show all groups, including empty"},
		{"u", "unit", "?UNIT", "Show the subtrees of specified system units"},
		{"", "user-unit", "?UNIT", "Show the subtrees of specified user units"},
		{"", "xattr", "BOOL", "Control whether to show cgroup extended attributes"},
		{"", "cgroup-id", "BOOL", "Show cgroup ID"},
		{"l", "full", "", "Do not ellipsize output"},
		{"k", "", "", "Include kernel threads in output"},
		{"M", "machine", "NAME", "Show container"},
	},
	Run: listGroups,
}

// groups shows the tree of control groups.
type groups struct {
	r     *Run
	fs    fs.FS
	mount string // where the hierarchy is
	width int
	ids   bool // --cgroup-id=
}

func listGroups(r *Run) (int, error) {
	if r.Has("machine") {
		return 1, Complain("Containers are not known here; look at their unit with --unit=.")
	}
	g := &groups{r: r, fs: r.Root("/"), width: r.Width}
	switch {
	case r.Has("full"):
		g.width = 1 << 30
	case g.width == 0:
		g.width = 80
	}
	g.ids = true
	if r.Has("cgroup-id") {
		var err error
		if g.ids, err = value.ParseBool(r.Value("cgroup-id")); err != nil {
			return 1, Complain("Failed to parse boolean argument to --cgroup-id=: %s.",
				r.Value("cgroup-id"))
		}
	}
	for _, m := range []string{"sys/fs/cgroup", "sys/fs/cgroup/unified", "sys/fs/cgroup/systemd"} {
		if _, err := fs.Stat(g.fs, path.Join(m, "cgroup.procs")); err == nil {
			g.mount = m
			break
		}
	}
	if g.mount == "" {
		return 1, Complain("Failed to determine control group: there is no hierarchy of them")
	}
	units, user := append(r.Values("unit"), r.Values("user-unit")...), r.Has("user-unit")
	if r.Has("unit") || user {
		return g.ofUnits(slices.DeleteFunc(append(units, r.Args...), func(s string) bool {
			return s == ""
		}), user)
	}
	if len(r.Args) > 0 {
		for _, at := range r.Args {
			at = strings.TrimPrefix(path.Clean("/"+at), "/"+g.mount)
			r.Print("Control group /%s:\n", strings.TrimPrefix(at, "/"))
			if !g.show(at, "") {
				return 1, Complain("Failed to list cgroup tree: No such file or directory")
			}
		}
		return 0, nil
	}
	r.Print("Control group /:\n-.slice\n")
	g.show("/", "")
	return 0, nil
}

// ofUnits shows the groups of units, which the manager knows.
func (g *groups) ofUnits(units []string, user bool) (int, error) {
	m, err := g.r.Dial(g.r.Ctx, user)
	if err != nil {
		return 1, Complain("Failed to connect to the manager: %v", err)
	}
	for _, u := range units {
		list, err := m.UnitProperties(g.r.Ctx, u, []string{"ControlGroup"})
		if err != nil {
			return 1, Complain("Failed to query unit control group path: %v", err)
		}
		at := ""
		for _, p := range list {
			if p.Name == "ControlGroup" {
				at, _ = p.Value.(string)
			}
		}
		if at == "" {
			g.r.Say("Unit %s not found.", u)
			return 1, ErrTold
		}
		g.r.Print("Unit %s (%s):\n", u, at)
		g.show(at, "")
	}
	return 0, nil
}

// show prints what is in a group; false if there is no such group.
func (g *groups) show(at, prefix string) bool {
	dir := path.Join(g.mount, at)
	entries, err := fs.ReadDir(g.fs, dir)
	if err != nil {
		return false
	}
	var below []string
	for _, e := range entries {
		if e.IsDir() && (g.r.Has("all") || g.populated(path.Join(dir, e.Name()))) {
			below = append(below, e.Name())
		}
	}
	g.processes(dir, prefix, len(below) > 0)
	for i, n := range below {
		sign, next := "├─", "│ "
		if i == len(below)-1 {
			sign, next = "└─", "  "
		}
		g.r.Print("%s%s%s%s\n", prefix, sign, unescapeGroup(n), g.number(path.Join(dir, n)))
		g.show(path.Join(at, n), prefix+next)
	}
	return true
}

// number is the ID of a group, which is the number of its inode.
func (g *groups) number(dir string) string {
	if !g.ids {
		return ""
	}
	info, err := fs.Stat(g.fs, dir)
	if err != nil {
		return ""
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	return fmt.Sprintf(" (#%d)", st.Ino)
}

// unescapeGroup: a name that could be one of the kernel's has a "_" before it.
func unescapeGroup(n string) string {
	return strings.TrimPrefix(n, "_")
}

func (g *groups) populated(dir string) bool {
	if text, err := fs.ReadFile(g.fs, path.Join(dir, "cgroup.events")); err == nil {
		return strings.Contains(string(text), "populated 1")
	}
	text, _ := fs.ReadFile(g.fs, path.Join(dir, "cgroup.procs"))
	if len(text) > 0 {
		return true
	}
	entries, _ := fs.ReadDir(g.fs, dir)
	for _, e := range entries {
		if e.IsDir() && g.populated(path.Join(dir, e.Name())) {
			return true
		}
	}
	return false
}

// processes prints those of one group.
func (g *groups) processes(dir, prefix string, more bool) {
	text, err := fs.ReadFile(g.fs, path.Join(dir, "cgroup.procs"))
	if err != nil {
		return
	}
	type process struct {
		pid  int
		line string
	}
	var list []process
	width := 0
	for w := range strings.FieldsSeq(string(text)) {
		pid, err := strconv.Atoi(w)
		if err != nil || pid == 0 {
			continue
		}
		line, kernel := g.command(pid)
		if kernel && !g.r.Has("k") {
			continue
		}
		list = append(list, process{pid, line})
		width = max(width, len(w))
	}
	slices.SortFunc(list, func(a, b process) int { return a.pid - b.pid })
	for i, p := range list {
		sign := "├─"
		if i == len(list)-1 && !more {
			sign = "└─"
		}
		head := fmt.Sprintf("%s%s%*d ", prefix, sign, width, p.pid)
		g.r.Print("%s%s\n", head, cut(p.line, max(g.width-utf8.RuneCountInString(head), 20)))
	}
}

// cut shortens a line to a number of characters.
func cut(s string, width int) string {
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	r := []rune(s)
	return string(r[:width-1]) + "…"
}

// command gives the command line of a process, or its name in brackets.
func (g *groups) command(pid int) (line string, kernel bool) {
	dir := path.Join("proc", strconv.Itoa(pid))
	text, err := fs.ReadFile(g.fs, path.Join(dir, "cmdline"))
	if err != nil {
		return "n/a", false
	}
	line = strings.ReplaceAll(strings.TrimRight(string(text), "\x00"), "\x00", " ")
	if line != "" {
		return line, false
	}
	text, _ = fs.ReadFile(g.fs, path.Join(dir, "comm"))
	return "[" + strings.TrimSpace(string(text)) + "]", true
}
