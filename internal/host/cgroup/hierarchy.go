package cgroup

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"rouse/internal/host/proc"
	"rouse/internal/host/sys"
	"rouse/internal/unit/value"
)

// hierarchy is what the control groups of both versions have in common.
type hierarchy struct {
	home   string // the group the manager was started in; "" if it was not moved
	kind   Kind
	name   string // as proc.Cgroup.Hierarchy has it
	mount  string // directory where it is mounted
	top    string // the group that is the directory mount: "/" mostly
	root   string // the group below which the units' are
	config Config
	moved  sync.WaitGroup // until the manager is where it shall be itself

	// In version 2 the kernel tells of empty groups, through this; else nil, and
	// groups are looked at when a child was reaped.
	events *sys.Inotify
	done   chan struct{}

	available Controllers        // of the root
	passing   sync.Mutex         // guards passed; nobody who has it takes mu
	passed    map[string]*passes // by directory
	local     bool               // memory.events tells of each group alone
	slices    map[string]*killing
	shelf     shelf

	mu      sync.Mutex
	sweeper sweeper
	groups  map[string]*group // by unit
	units   map[string]string // path of the group → unit
	watches map[int]*group
	pids    map[int]*group  // registered and not yet reaped
	killed  map[string]bool // directories whose cgroup.kill was written to; see killAll
}

// group is the group of one unit.
//
// While a process that the manager started is alive in it, it is not empty, and
// its end is heard of. Only when the last of those is gone and others are left is
// the kernel asked to tell: most groups never have more than one process.
type group struct {
	h    *hierarchy
	unit string
	path string
	dir  string

	// Guarded by h.mu.
	made      bool   // the directory is there, as far as is known
	watch     int    // -1 if nothing tells
	killWatch int    // the same for memory.events
	kills     uint64 // oom_kill in memory.events, when last looked at
	live      int    // processes registered and not reaped yet
	entered   uint   // how often a process was let in
	populated bool   // there may be processes
	told      string // the invocation that the directory has as an attribute
	fresh     bool   // the directory is new, and the kernel has counted nothing yet
	memory    bool   // it has the memory controller
	observed  bool   // of what the kernel kills in it is heard
	applied   applied

	control sync.Mutex // held while the directory is told things
}

// initScope is where the manager is itself, in version 2.
const initScope = "init.scope"

// openHierarchy finds the mount and the root, and tries to write there.
func openHierarchy(k Kind, name string, c Config) (*hierarchy, error) {
	m, err := findMount(k, name)
	if err != nil {
		return nil, err
	}
	h := &hierarchy{
		kind: k, name: name, mount: m.Point, top: m.Root, config: c, root: c.Root,
		killed: map[string]bool{}, groups: map[string]*group{}, units: map[string]string{},
		watches: map[int]*group{}, pids: map[int]*group{}, passed: map[string]*passes{},
		slices: map[string]*killing{}, local: slices.Contains(m.SuperOptions, "memory_localevents"),
	}
	if s := c.Saved; s != nil {
		h.home, h.root = s.Home, s.Root
	} else if h.root == "" {
		if h.root, err = ownGroup(name); err != nil {
			return nil, err
		}
		h.home = h.root
		if path.Base(h.root) == initScope { // put there by others
			h.root = path.Dir(h.root)
		}
		if own := ownScope(); own != "" && path.Base(h.root) != own && !h.isOurs() {
			h.root = path.Join(h.root, own)
		}
	}
	if _, ok := h.dir(h.root); !ok {
		return nil, fmt.Errorf("group %s: not below %s, which is mounted on %s", h.root, h.top, h.mount)
	}
	return h, h.tryWrite()
}

// ownScope names the group that a manager which is not PID 1 makes for all that is
// its: others may be in the group it was started in, and other managers too.
func ownScope() string {
	if os.Getpid() == 1 {
		return ""
	}
	return "rouse-" + strconv.Itoa(os.Getpid()) + ".scope"
}

// isOurs reports that the group this process was started in was handed to it: its owner
// may write there, and nobody else is in it. Delegate=.
func (h *hierarchy) isOurs() bool {
	dir, ok := h.dir(h.home)
	if !ok || os.Getuid() == 0 && os.Getppid() != 1 {
		return false
	}
	info, err := os.Stat(dir)
	if err != nil {
		return false
	}
	uid, _ := sys.Owner(info)
	pids, err := readPIDs(dir)
	return err == nil && uid == os.Getuid() && len(pids) == 1 && pids[0] == os.Getpid()
}

// leave goes back to where the manager was started and removes what it made.
func (h *hierarchy) leave() {
	if h.home == "" || ownScope() == "" {
		return
	}
	if dir, ok := h.dir(h.home); !ok || join(dir, os.Getpid()) != nil {
		return
	}
	var dirs []string
	root, _ := h.dir(h.root)
	filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, p)
		}
		return nil
	})
	for _, d := range slices.Backward(dirs) {
		os.Remove(d) // a group with processes stays
	}
}

// findMount finds where a hierarchy is mounted; at the usual place if at several.
func findMount(k Kind, name string) (proc.Mount, error) {
	mounts, err := proc.Mounts()
	if err != nil {
		return proc.Mount{}, err
	}
	var found proc.Mount
	for _, m := range mounts {
		v2 := k == V2 && m.Type == "cgroup2"
		v1 := k == V1 && m.Type == "cgroup" && slices.Contains(m.SuperOptions, name)
		if (v2 || v1) && (found.Point == "" || strings.HasPrefix(m.Point, "/sys/fs/cgroup")) {
			found = m
		}
	}
	if found.Point == "" {
		return found, errors.New("not mounted")
	}
	return found, nil
}

func ownGroup(name string) (string, error) {
	list, err := proc.Cgroups(0)
	if err != nil {
		return "", err
	}
	for _, g := range list {
		if g.Hierarchy == name {
			return g.Path, nil
		}
	}
	return "", fmt.Errorf("this process is in no group of hierarchy %q", name)
}

// dir gives the directory of a group; ok is false if it is not to be seen here.
func (h *hierarchy) dir(group string) (dir string, ok bool) {
	rest, ok := strings.CutPrefix(group, strings.TrimSuffix(h.top, "/"))
	if !ok || strings.HasPrefix(rest, "/..") || (rest != "" && rest[0] != '/') {
		return "", false
	}
	return filepath.Join(h.mount, rest), true
}

// tryWrite makes the manager's own group and moves it there, unless Root was
// given. PID 1 takes along all processes it finds beside it.
func (h *hierarchy) tryWrite() error {
	dir, _ := h.dir(path.Join(h.root, initScope))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if h.config.Root != "" || h.config.Saved != nil {
		return nil
	}
	if os.Getpid() == 1 {
		h.moved.Go(func() { h.moveAll(dir) })
		return nil
	}
	if err := join(dir, os.Getpid()); err != nil {
		return fmt.Errorf("move this process to %s: %w", initScope, err)
	}
	return nil
}

// moveAll moves PID 1 with all that it finds beside it, while it does other
// things: the kernel takes ten milliseconds.
func (h *hierarchy) moveAll(dir string) {
	if err := join(dir, os.Getpid()); err != nil {
		h.config.Log(fmt.Sprintf("move this process to %s: %v", initScope, err))
	}
	rootDir, _ := h.dir(h.root)
	pids, _ := readPIDs(rootDir)
	for _, pid := range pids {
		join(dir, pid) // kernel threads refuse, and may
	}
}

func join(dir string, pid int) error {
	f, err := os.OpenFile(filepath.Join(dir, "cgroup.procs"), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(strconv.Itoa(pid))
	return err
}

func (h *hierarchy) Kind() Kind   { return h.kind }
func (h *hierarchy) Root() string { return h.root }

func (h *hierarchy) UnifiedDir() string {
	if h.kind != V2 {
		return ""
	}
	dir, _ := h.dir(h.root)
	return dir
}

// Own does nothing: the kernel knows who is in which group.
// Starting: the kernel itself knows whose a new process is.
func (h *hierarchy) Starting() func() { return func() {} }

func (h *hierarchy) Own(int) {}

// Dying does nothing: the kernel knows who is in which group.
func (h *hierarchy) Dying(int) {}

func (h *hierarchy) Unit(unit, slice string) (Group, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if g, ok := h.groups[unit]; ok {
		return g, nil
	}
	if unit == "" || strings.ContainsAny(unit, "/\x00\n") {
		return nil, fmt.Errorf("control group of unit %q: not a name", unit)
	}
	g := &group{
		h: h, unit: unit, path: path.Join(h.root, unitPath(unit, slice)), watch: -1, killWatch: -1,
	}
	g.dir, _ = h.dir(g.path)
	if err := g.make(); err != nil {
		return nil, err
	}
	h.groups[unit] = g
	h.units[g.path] = unit
	return g, nil
}

func (h *hierarchy) Find(unit string) (Group, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	g, ok := h.groups[unit]
	return g, ok
}

// Owner looks for the nearest group above the process that is a unit's.
func (h *hierarchy) Owner(pid int) (unit string, ok bool) {
	h.mu.Lock()
	g, ok := h.pids[pid]
	h.mu.Unlock()
	if ok {
		return g.unit, true
	}
	list, err := proc.Cgroups(pid)
	if err != nil {
		return "", false
	}
	i := slices.IndexFunc(list, func(g proc.Cgroup) bool { return g.Hierarchy == h.name })
	if i < 0 {
		return "", false
	}
	return h.OwnerOf(list[i].Path)
}

func (h *hierarchy) OwnerOf(group string) (unit string, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for at := path.Clean(group); at != "/" && at != "."; at = path.Dir(at) {
		if unit, ok := h.units[at]; ok {
			return unit, true
		}
	}
	return "", false
}

// Reaped looks for groups that have become empty, where the kernel was not asked to
// tell. If the unit of the dead is not known, it may be any.
func (h *hierarchy) Reaped(pid int) {
	h.mu.Lock()
	known, ok := h.pids[pid]
	if ok {
		delete(h.pids, pid)
		known.live--
		last := known.live == 0 && known.watch < 0
		h.mu.Unlock()
		if last {
			known.report()
		}
		return
	}
	var look []*group
	for _, g := range h.groups {
		if g.watch < 0 && g.populated && g.live == 0 {
			look = append(look, g)
		}
	}
	h.mu.Unlock()
	slices.SortFunc(look, func(a, b *group) int { return strings.Compare(a.unit, b.unit) })
	for _, g := range look {
		g.report()
	}
}

func (h *hierarchy) Close() error {
	h.moved.Wait()
	h.sweeper.wait(&h.mu)
	h.leave()
	return h.shut()
}

// shut ends what the kernel tells.
func (h *hierarchy) shut() error {
	h.shelf.close()
	if h.events == nil {
		return nil
	}
	err := h.events.Close()
	<-h.done
	return err
}

func (g *group) Unit() string { return g.unit }
func (g *group) Path() string { return g.path }

// make makes the directory. The caller holds h.mu.
func (g *group) make() error {
	if g.made {
		return nil
	}
	if told, ok := g.h.sweeper.spare(g.dir); ok {
		g.made, g.applied = true, told
		return nil
	}
	err := sys.MakeDirectory(g.dir, 0o755)
	if errors.Is(err, fs.ErrNotExist) {
		g.h.forgetPassesTo(g.dir)
		err = os.MkdirAll(g.dir, 0o755)
	} else if err == nil && strings.HasSuffix(g.unit, ".slice") {
		g.h.forgetPasses(g.dir)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make control group of %s: %w", g.unit, err)
	}
	if err == nil {
		delete(g.h.killed, g.dir)
	}
	g.made, g.fresh = true, err == nil
	g.populated = g.populated || err != nil // whoever made it may be in it
	return nil
}

// open makes the directory, again if somebody removed it, and opens it. The caller
// holds h.mu.
func (g *group) open() (fd int, err error) {
	for range 2 {
		if err := g.make(); err != nil {
			return -1, err
		}
		if fd, err = sys.OpenPath(g.dir); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		g.lost()
	}
	return fd, err
}

// lost notes that the directory is gone. The caller holds h.mu.
func (g *group) lost() {
	g.made, g.observed = false, false
	g.applied.forget()
	g.forgetWatch(&g.watch)
	g.forgetWatch(&g.killWatch)
}

// observe has the kernel tell when the group is empty, where it does. The caller
// holds h.mu.
func (g *group) observe() {
	if g.h.events == nil || g.watch >= 0 || !g.made {
		return
	}
	watch, err := g.h.events.Add(g.dir+"/cgroup.events", sys.InModify)
	if err != nil {
		g.h.config.Log(fmt.Sprintf("%s: %v; looking for its end when children end", g.unit, err))
		return
	}
	g.watch = watch
	g.h.watches[watch] = g
}

func (g *group) Enter(sub string) (Place, error) {
	if strings.Contains(sub, "/") || sub == ".." {
		return nowhere, fmt.Errorf("group %q below %s: not a name", sub, g.unit)
	}
	g.h.mu.Lock()
	defer g.h.mu.Unlock()
	fd, err := g.open()
	if err != nil {
		return nowhere, err
	}
	g.entered++
	g.populated = true
	g.observeKills()
	dir := g.dir
	if sub != "" {
		sys.CloseFD(fd)
		dir += "/" + sub
		if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return nowhere, fmt.Errorf("make control group of %s: %w", g.unit, err)
		}
		if fd, err = sys.OpenPath(dir); err != nil {
			return nowhere, err
		}
	}
	p := Place{Dir: fd, Procs: []string{dir + "/cgroup.procs"}}
	if g.h.kind != V2 || g.h.killed[g.dir] {
		p.Close()
		p.Dir = -1
	}
	return p, nil
}

func (g *group) Register(pid int, invocation string) {
	g.tell(invocation)
	g.h.mu.Lock()
	defer g.h.mu.Unlock()
	if old := g.h.pids[pid]; old != nil {
		old.live--
	}
	g.h.pids[pid] = g
	g.live++
	g.populated = true
}

// tell has others find the invocation at the directory: trusted.invocation_id, and for
// a manager that may not set that user.invocation_id. Some kernels let nobody.
func (g *group) tell(invocation string) {
	g.h.mu.Lock()
	news := g.h.kind == V2 && invocation != "" && invocation != g.told
	if news {
		g.told = invocation
	}
	g.h.mu.Unlock()
	if news && sys.SetAttribute(g.dir, "trusted.invocation_id", invocation) != nil {
		sys.SetAttribute(g.dir, "user.invocation_id", invocation) //nolint:errcheck // see above
	}
}

func (g *group) Attach(pid int, sub string) error {
	g.h.mu.Lock()
	defer g.h.mu.Unlock()
	fd, err := g.open()
	dir := filepath.Join(g.dir, filepath.Clean("/"+sub))
	if err == nil {
		sys.CloseFD(fd)
		g.entered++
		g.populated = true
		if sub != "" {
			err = os.MkdirAll(dir, 0o755)
		}
	}
	if err == nil {
		err = join(dir, pid)
	}
	if err != nil {
		return fmt.Errorf("attach process %d to %s: %w", pid, g.unit, err)
	}
	g.observe()
	if g.h.events == nil { // it may be no child, whose end would be heard of
		if wait, err := sys.WaitGone(pid); err == nil {
			go func() {
				wait()
				g.report()
			}()
		}
	}
	return nil
}

// walk calls f for the group's directory and all below it, the deepest last.
func (g *group) walk(f func(dir, below string) error) error {
	err := filepath.WalkDir(g.dir, func(at string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed meanwhile
		}
		if err != nil || !d.IsDir() {
			return err
		}
		below := strings.TrimPrefix(strings.TrimPrefix(at, g.dir), "/")
		return f(at, below)
	})
	return err
}

func (g *group) Tree() ([]Process, error) {
	var list []Process
	err := g.walk(func(dir, below string) error {
		pids, err := readPIDs(dir)
		if err != nil {
			// Gone meanwhile, or of threads only, whose processes are listed above.
			return nil
		}
		for _, pid := range pids {
			list = append(list, describe(pid, below))
		}
		return nil
	})
	return list, err
}

func describe(pid int, below string) Process {
	s, _ := proc.Read(pid)
	return Process{PID: pid, Parent: s.Parent, Group: below, Command: proc.Command(pid)}
}

func (g *group) PIDs() ([]int, error) {
	var all []int
	err := g.walk(func(dir, _ string) error {
		pids, err := readPIDs(dir)
		if err == nil {
			all = append(all, pids...)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("processes of %s: %w", g.unit, err)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

func (g *group) Signal(sig value.Signal, except ...int) (int, error) {
	except = spared(except)
	if sig == value.SIGKILL && len(except) == 0 {
		if n, ok := g.killAll(); ok {
			return n, nil
		}
	}
	// A slice may have the manager in it.
	return signalUntilStable(g.unit, g.PIDs, sig, append(except, os.Getpid()))
}

// killAll ends the whole group with one write. Linux 5.14, version 2 only. The
// manager is in no unit's group, but may be in that of a slice above.
//
// Some kernels (6.18 is one) then kill whatever is cloned into the group from without
// as long as its directory is there. Processes have to move there by themselves.
func (g *group) killAll() (int, bool) {
	if g.h.kind != V2 {
		return 0, false
	}
	pids, err := g.PIDs()
	if err != nil || slices.Contains(pids, os.Getpid()) {
		return 0, false
	}
	f, err := os.OpenFile(filepath.Join(g.dir, "cgroup.kill"), os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) && len(pids) == 0 {
		return 0, true
	}
	if err != nil {
		return 0, false
	}
	defer f.Close()
	g.h.mu.Lock()
	defer g.h.mu.Unlock()
	for _, below := range g.h.groups {
		if strings.HasPrefix(below.dir, g.dir+"/") {
			g.h.killed[below.dir] = true
		}
	}
	g.h.killed[g.dir] = true
	_, err = f.WriteString("1")
	return len(pids), err == nil
}

func (g *group) Empty() (bool, error) {
	g.h.mu.Lock()
	populated, live, entered := g.populated, g.live, g.entered
	g.h.mu.Unlock()
	if !populated || live > 0 {
		return !populated, nil
	}
	empty, err := g.read()
	if err == nil && empty {
		g.h.mu.Lock()
		g.populated = g.populated && g.entered != entered
		g.h.mu.Unlock()
	}
	return empty, err
}

// read asks the kernel whether the group is empty.
func (g *group) read() (bool, error) {
	if g.h.kind == V2 {
		var buf [128]byte
		n, err := sys.ReadSmall(g.dir+"/cgroup.events", buf[:])
		switch {
		case err == nil:
			return bytes.Contains(buf[:n], []byte("populated 0")), nil
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, sys.ENODEV):
			return true, nil
		case errors.Is(err, sys.EMFILE), errors.Is(err, sys.ENFILE):
			return g.removed(), nil
		}
	}
	pids, err := g.PIDs()
	return len(pids) == 0, err
}

// removed removes the group if it is empty, which takes no descriptor.
func (g *group) removed() bool {
	g.h.mu.Lock()
	defer g.h.mu.Unlock()
	if err := sys.RemoveDirectory(g.dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	g.lost()
	return true
}

// report tells of the group if it is empty and was not known to be. If it is not,
// the kernel is to tell.
func (g *group) report() {
	g.h.mu.Lock()
	was := g.populated
	g.h.mu.Unlock()
	empty, err := g.Empty()
	if err == nil && !empty {
		g.h.mu.Lock()
		g.observe()
		g.h.mu.Unlock()
		empty, err = g.Empty()
	}
	if err != nil {
		g.h.config.Log(err.Error())
		return
	}
	if was && empty {
		g.h.config.Empty(g.unit)
	}
}
