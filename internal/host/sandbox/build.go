package sandbox

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"rouse/internal/host/sys"
	"rouse/internal/unit"
)

// A builder plans the mounts of a view.
type builder struct {
	*Config
	host  tree // what is mounted on the host
	tree  tree // what is mounted in the view
	view  view
	all   *view // the whole of the host
	steps []Step
}

// Steps lists what makes the view, in the order in which it is to be done. It is for a
// process in a mount namespace of its own, at whose Base the root directory of the view
// is mounted already, with all below it. A path that must be there and is not becomes a
// step that fails.
func (c *Config) Steps() []Step {
	b := &builder{
		Config: c, host: newTree(c.Mounts, ""), tree: newTree(c.Mounts, c.Root),
		view: view{root: c.Root}, all: &view{},
	}
	list := arrange(append(c.entries(), b.extensions()...))
	for i := 0; i < len(list); i++ {
		e := &list[i]
		if e.done {
			continue
		}
		at, l := b.view.chase(e.path)
		if at != e.path {
			e.path = at
			list = arrange(list)
			i = -1
			continue
		}
		e.done = true
		e.absent = !b.apply(e, l)
	}
	b.links()
	b.flags(list)
	return b.steps
}

// links makes the symlinks to the unit's directories that its view has not got.
func (b *builder) links() {
	e := &entry{}
	for _, l := range b.Dirs.Links {
		at, found := b.view.chase(path.Dir(l.Path))
		if link := join(at, "/"+path.Base(l.Path)); b.view.look(link).err != nil {
			if found.err != nil {
				b.mkdir(e, at)
			}
			to, err := filepath.Rel(path.Dir(l.Path), l.To)
			if err != nil {
				to = l.To
			}
			b.step(e, Step{Do: Symlink, Path: link, Source: to, Optional: true})
		}
	}
}

func (b *builder) step(e *entry, s Step) {
	s.Directive = e.directive
	s.Path = join(b.Base, s.Path)
	for i := range s.Else {
		s.Else[i].Path, s.Else[i].Directive = join(b.Base, s.Else[i].Path), e.directive
	}
	b.steps = append(b.steps, s)
}

func (b *builder) fail(e *entry, at string, err error) {
	b.steps = append(b.steps, Step{
		Do: Fail, Path: at, Errno: int(sys.ErrnoOf(err)), Directive: e.directive,
	})
}

// apply plans what one entry mounts. It reports whether there is something.
func (b *builder) apply(e *entry, l look) bool {
	switch e.mode {
	case readOnly, readWrite, readWriteImplicit, noExec, exec:
		if !b.present(e, l) {
			return false
		}
		if !b.tree.isPoint(e.path) {
			b.step(e, Step{
				Do: Mount, Path: e.path, Source: join(b.Base, e.path), Flags: FlagBind | FlagRecursive,
			})
			b.tree = b.tree.bind(b.tree, e.path, e.path, true)
		}
	case inaccessible:
		if !b.present(e, l) {
			return false
		}
		b.detach(e)
		b.block(e, l)
	case overlay:
		b.overlay(e)
	case bind, privateTmp:
		return b.bind(e, l)
	case tmpfs, empty:
		b.detach(e)
		b.newTmpfs(e)
	case runtimeTmpfs:
		if !b.tree.isPoint(e.path) {
			b.newTmpfs(e)
		}
	case hostDev, hostSys:
		if !b.tree.isPoint(e.path) {
			b.mkdir(e, e.path)
			b.mountHost(e, e.path)
		}
	case privateDev:
		b.privateDev(e)
	case newProc:
		b.newProc(e)
	case mqueue:
		b.mkdir(e, e.path)
		b.detach(e)
		const flags = FlagNoSUID | FlagNoDev | FlagNoExec | FlagRelatime
		b.step(e, Step{Do: Mount, Path: e.path, Source: "mqueue", Type: "mqueue", Flags: flags})
		b.tree = b.tree.mount(e.path, "mqueue", flags)
		b.view.showsNothing(e.path)
	case modes:
	}
	return true
}

// present reports whether the path of an entry is there. If it has to be, and is not, the
// start fails.
func (b *builder) present(e *entry, l look) bool {
	switch {
	case l.err == nil:
		return true
	case !e.optional || !os.IsNotExist(l.err):
		b.fail(e, e.path, l.err)
	}
	return false
}

// mkdir makes a directory of the view, with those above it.
func (b *builder) mkdir(e *entry, dir string) {
	for _, p := range b.view.make(dir) {
		b.step(e, Step{Do: Mkdir, Path: p, Mode: 0o755})
	}
}

// detach takes away what is mounted at the path of an entry.
func (b *builder) detach(e *entry) {
	if b.tree.isPoint(e.path) && e.path != "/" {
		b.step(e, Step{Do: Unmount, Path: e.path, Optional: true})
	}
}

func (b *builder) newTmpfs(e *entry) {
	b.mkdir(e, e.path)
	b.step(e, Step{
		Do: Mount, Path: e.path, Source: "tmpfs", Type: "tmpfs", Options: e.options, Flags: e.flags,
	})
	b.tree = b.tree.mount(e.path, "tmpfs", e.flags)
	b.view.showsNothing(e.path)
}

// mountHost mounts what the host has at the same path, with all below it.
func (b *builder) mountHost(e *entry, at string) {
	b.step(e, Step{Do: Mount, Path: at, Source: at, Flags: FlagBind | FlagRecursive})
	b.tree = b.tree.bind(b.host, at, at, true)
	b.view.shows(at, at)
}

// blocks are the names of the nodes below Config.Blocked, by type of file.
var blocks = []struct {
	mask, mode fs.FileMode
	name       string
}{
	{fs.ModeDir, fs.ModeDir, "dir"},
	{fs.ModeCharDevice, fs.ModeCharDevice, "chr"},
	{fs.ModeDevice, fs.ModeDevice, "blk"},
	{fs.ModeNamedPipe, fs.ModeNamedPipe, "fifo"},
	{fs.ModeSocket, fs.ModeSocket, "sock"},
	{0, 0, "reg"},
}

// block mounts a node that nobody can use over what is there.
func (b *builder) block(e *entry, l look) {
	name := ""
	for _, k := range blocks {
		if l.mode&k.mask == k.mode {
			name = k.name
			break
		}
	}
	if b.all.host(b.Blocked+"/"+name).err != nil {
		name = "sock" // devices cannot be made everywhere
	}
	source := b.Blocked + "/" + name
	b.step(e, Step{Do: Mount, Path: e.path, Source: source, Flags: FlagBind})
	b.tree = b.tree.bind(b.host, source, e.path, false)
	b.view.shows(e.path, source)
}

func (b *builder) bind(e *entry, l look) bool {
	source, what := b.all.chase(e.source)
	if what.err != nil {
		if !e.optional || !os.IsNotExist(what.err) {
			b.fail(e, e.source, what.err)
		}
		return false
	}
	if l.err != nil {
		if what.mode.IsDir() {
			b.mkdir(e, e.path)
		} else {
			b.mkdir(e, path.Dir(e.path))
			b.step(e, Step{Do: Touch, Path: e.path, Mode: 0o600})
		}
	}
	flags := FlagBind | FlagRecursive
	if e.flat {
		flags = FlagBind
	}
	b.step(e, Step{Do: Mount, Path: e.path, Source: source, Flags: flags})
	b.tree = b.tree.bind(b.host, source, e.path, !e.flat)
	b.view.shows(e.path, source)
	return true
}

// procOptions are the mount options of the words of ProtectProc=.
var procOptions = [unit.ProtectProcs]string{
	unit.ProtectProcNoAccess:   "hidepid=noaccess",
	unit.ProtectProcInvisible:  "hidepid=invisible",
	unit.ProtectProcPtraceable: "hidepid=ptraceable",
}

// procNames are what of /proc is there with ProcSubset=pid, besides processes.
var procNames = []string{"self", "thread-self", "mounts", "net"}

// newProc mounts /proc anew, for options hold for one mount of it only. Where that is not
// permitted, the host's must do.
func (b *builder) newProc(e *entry) {
	b.mkdir(e, e.path)
	b.detach(e)
	var options []string
	pid := b.Exec.ProcSubset == unit.ProcSubsetPID && b.Wants("ProcSubset") && !b.Privileged
	if o := procOptions[b.Exec.ProtectProc]; o != "" && b.Wants("ProtectProc") && !b.Privileged {
		options = append(options, o)
	}
	if pid {
		options = append(options, "subset=pid")
	}
	const flags = FlagNoSUID | FlagNoDev | FlagNoExec
	again := []Step{{Do: Mount, Path: e.path, Source: "/proc", Flags: FlagBind | FlagRecursive}}
	plain := Step{
		Do: Mount, Path: e.path, Source: "proc", Type: "proc", Flags: flags, Else: again,
	}
	if len(options) > 0 {
		with := plain
		with.Options = strings.Join(options, ",")
		plain.Directive, plain.Path = e.directive, join(b.Base, plain.Path)
		plain.Else[0].Path = join(b.Base, plain.Else[0].Path)
		with.Else = nil
		b.step(e, with)
		b.steps[len(b.steps)-1].Else = []Step{plain}
	} else {
		b.step(e, plain)
	}
	b.tree = b.tree.mount(e.path, "proc", flags|FlagRelatime)
	if pid {
		b.view.showsOnly(e.path, "/proc", procNames)
	} else {
		b.view.shows(e.path, "/proc")
	}
}

// Real gives the path of a directory of the host without symlinks.
func Real(dir string) (string, error) { return filepath.EvalSymlinks(dir) }
