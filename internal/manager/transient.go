package manager

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rouse/internal/engine"
	"rouse/internal/face"
	"rouse/internal/graph/transaction"
	"rouse/internal/host/proc"
	"rouse/internal/host/sys"
	"rouse/internal/unit"
	"rouse/internal/unit/directive"
	"rouse/internal/unit/name"
	"rouse/internal/unit/transient"
)

// The beginnings of the files that the manager makes itself.
const (
	transientHead = "# Made at run time by a client of the manager; gone when the unit is.\n"
	controlHead   = "# Set at run time by a client of the manager, as by systemctl set-property.\n"
)

// canTransient are the types of units that can be made at run time.
func canTransient(t name.Type) bool {
	switch t {
	case name.Service, name.Socket, name.Mount, name.Automount, name.Timer, name.Path, name.Slice,
		name.Scope:
		return true
	case name.Bad, name.Target, name.Device, name.Swap, name.Types:
	}
	return false
}

// forming is a unit that is being made.
type forming struct {
	name    string
	t       name.Type
	lines   []transient.Line
	seed    engine.ScopeSeed
	addRef  bool
	streams [3]int // descriptors for standard streams, or -1
	marks   *engine.Marked
}

// StartTransient implements face.Transient.
func (m *Manager) StartTransient(
	ctx context.Context, req face.TransientRequest,
) (face.JobReply, error) {
	job := face.JobRequest{Unit: req.Name, Type: "start", Mode: req.Mode, Replied: req.Replied}
	return m.enqueue(ctx, job, func(face.JobRequest) (ev engine.JobRequested, bad *face.Error) {
		if bad := m.form(req); bad != nil {
			return ev, bad
		}
		m.lastReq++
		return engine.JobRequested{
			Req: m.lastReq, Unit: req.Name, Type: transaction.Start, Mode: req.Mode,
			Why: "made by a client",
		}, nil
	})
}

// form makes the units of a request. Nothing is made if one of them cannot be.
func (m *Manager) form(req face.TransientRequest) *face.Error {
	dir := m.ownDirectory("systemd/transient")
	if dir == "" {
		return &face.Error{Name: face.NotSupported, Message: "No directory for transient units."}
	}
	var all []*forming
	for i, u := range append([]face.TransientUnit{req.TransientUnit}, req.Auxiliary...) {
		if bad := m.mayForm(u.Name); bad != nil {
			if i > 0 && bad.Name == face.UnitExists {
				continue // an auxiliary unit may be there
			}
			return bad
		}
		f, bad := m.formed(u, req.PID)
		if bad != nil {
			return bad
		}
		all = append(all, f)
	}
	var names []string
	for _, f := range all {
		if err := writeLines(filepath.Join(dir, f.name), transientHead, f.lines); err != nil {
			return systemError(err)
		}
		names = append(names, f.name)
	}
	m.cfg.Loader.Refresh()
	units := m.cfg.Loader.Closure(names, func(n string) bool {
		d := m.e.Definition(n)
		return d != nil && d.Load != unit.NotFound && !slices.Contains(names, n)
	})
	m.logFaults(units)
	m.step(engine.Loaded{Units: units})
	for _, f := range all {
		m.settleForm(f, req.Client)
	}
	return nil
}

// settleForm tells the engine what no file has.
func (m *Manager) settleForm(f *forming, client string) {
	if f.t == name.Scope {
		m.step(engine.ScopeFormed{Unit: f.name, ScopeSeed: f.seed})
		m.follow(f.seed.Controller)
	}
	if f.marks != nil {
		m.step(*f.marks)
	}
	if f.addRef && client != "" {
		m.step(engine.Referenced{Unit: f.name, Client: client, On: true})
		m.follow(client)
	}
	for i, fd := range f.streams {
		if fd < 0 {
			continue
		}
		if copied, err := duplicate(fd); err == nil {
			s := m.streams[f.name]
			if s == nil {
				s = &[3]int{-1, -1, -1}
				m.streams[f.name] = s
			}
			s[i] = copied
		}
	}
}

// mayForm reports why a unit of that name cannot be made.
func (m *Manager) mayForm(unitName string) *face.Error {
	t := name.TypeOf(unitName)
	switch {
	case !name.Valid(unitName, name.Plain|name.Instance):
		return &face.Error{Name: face.InvalidArgs, Message: "Invalid unit name or type."}
	case !canTransient(t):
		return &face.Error{Name: face.InvalidArgs,
			Message: "Unit type " + t.String() + " does not support transient units."}
	}
	exists := &face.Error{Name: face.UnitExists,
		Message: "Unit " + unitName + " was already loaded or has a fragment file."}
	primary, bad := m.ensure(unitName)
	if bad != nil {
		return bad
	}
	def := m.e.Definition(primary)
	if def == nil {
		def = m.cfg.Loader.Load(unitName)
	}
	s, _ := m.e.Unit(primary)
	if def.Load != unit.NotFound && def.Load != unit.Loaded || def.Fragment != "" || s.JobID != 0 ||
		def.SourcePath != "" || primary != unitName { // drop-ins are for transient units, too
		return exists
	}
	return nil
}

// formed reads the properties of a unit.
func (m *Manager) formed(u face.TransientUnit, asker int) (*forming, *face.Error) {
	f := &forming{name: u.Name, t: name.TypeOf(u.Name), streams: [3]int{-1, -1, -1}}
	var rest []directive.Property
	for _, p := range u.Properties {
		taken, bad := m.takeOwn(f, p, asker)
		if bad != nil {
			return nil, bad
		}
		if !taken {
			rest = append(rest, p)
		}
	}
	lines, err := transient.All(f.t, rest)
	if err == nil {
		err = transient.Check(f.name, f.t, lines, m.cfg.Loader.Config().Defaults)
	}
	if err != nil {
		return nil, propertyError(err)
	}
	f.lines = lines
	return f, nil
}

// takeOwn reads a property that is no setting; false if it is one.
func (m *Manager) takeOwn(f *forming, p directive.Property, asker int) (bool, *face.Error) {
	wrong := propertyError(transient.ErrPropertyType)
	text, isText := p.Value.(string)
	switch {
	case p.Name == "AddRef":
		on, ok := p.Value.(bool)
		if !ok {
			return false, wrong
		}
		f.addRef = on
	case p.Name == "Markers":
		marks, bad := markers(f.name, p)
		if bad != nil {
			return false, bad
		}
		f.marks = marks
	case f.t == name.Scope && p.Name == "PIDs":
		pids, bad := m.attachable(p, asker)
		if bad != nil {
			return false, bad
		}
		f.seed.PIDs = pids
	case f.t == name.Scope && (p.Name == "Controller" || p.Name == "User" || p.Name == "Group"):
		if !isText || p.Type != "s" {
			return false, wrong
		}
		switch p.Name {
		case "Controller":
			f.seed.Controller = text
		case "User":
			f.seed.User = text
		case "Group":
			f.seed.Group = text
		}
	case f.t == name.Service && p.Type == "h" && strings.HasSuffix(p.Name, "FileDescriptor"):
		fd, ok := p.Value.(int)
		at := slices.Index([]string{"StandardInputFileDescriptor", "StandardOutputFileDescriptor",
			"StandardErrorFileDescriptor"}, p.Name)
		if !ok || at < 0 {
			return false, wrong
		}
		f.streams[at] = fd
	default:
		return false, nil
	}
	return true, nil
}

// attachable reads the processes that a scope is made of.
func (m *Manager) attachable(p directive.Property, asker int) ([]int, *face.Error) {
	list, ok := p.Value.([]uint32)
	if !ok {
		any, isList := p.Value.([]any)
		ok = isList && p.Type == "au"
		for _, e := range any {
			n, isNumber := e.(uint32)
			ok = ok && isNumber
			list = append(list, n)
		}
	}
	if !ok {
		return nil, propertyError(transient.ErrPropertyType)
	}
	if len(list) == 0 {
		return nil, &face.Error{Name: face.InvalidArgs,
			Message: "Failed to set unit properties: Invalid argument"}
	}
	pids := make([]int, len(list))
	for i, n := range list {
		if pids[i] = int(n); n == 0 {
			pids[i] = asker
		}
		if bad := m.mayAttach(pids[i]); bad != nil {
			return nil, bad
		}
	}
	return pids, nil
}

// mayAttach reports why a process cannot be moved to another unit.
func (m *Manager) mayAttach(pid int) *face.Error {
	say := func(format string) *face.Error {
		return &face.Error{Name: face.InvalidArgs, Message: fmt.Sprintf(format, pid)}
	}
	switch s, err := proc.Read(pid); {
	case pid <= 0:
		return say("Process identifier %d is not valid.")
	case pid == 1 || pid == os.Getpid():
		return say("Process %d is a manager process, refusing.")
	case err != nil || s.Dead():
		return say("Process with ID %d does not exist.")
	case s.Parent == 2 || pid == 2 && s.Parent == 0:
		return say("Process %d is a kernel thread, refusing.")
	}
	return nil
}

// propertyError is a refusal of a property, in systemd's words.
func propertyError(err error) *face.Error {
	var none *transient.NoProperty
	var bad *transient.ErrPropertyValue
	switch {
	case errors.As(err, &none):
		return &face.Error{Name: face.PropertyReadOnly,
			Message: "Cannot set property " + none.Name + ", or unknown property."}
	case errors.As(err, &bad):
		return &face.Error{Name: face.InvalidArgs,
			Message: "Invalid " + bad.Setting + " setting: " + bad.Value}
	}
	return &face.Error{Name: "System.Error.EBADMSG",
		Message: "Failed to set unit properties: Unexpected message contents"}
}

func systemError(err error) *face.Error {
	return &face.Error{Name: face.Failed, Message: err.Error()}
}

// ownDirectory finds the directory of the search path that ends so.
func (m *Manager) ownDirectory(end string) string {
	for _, dir := range m.cfg.UnitPath {
		if strings.HasSuffix(dir, "/"+end) {
			return dir
		}
	}
	return ""
}

// writeLines makes a file of settings, all of it or nothing.
func writeLines(path, head string, lines []transient.Line) error {
	var b strings.Builder
	b.WriteString(head)
	section := ""
	for _, l := range lines {
		if l.Section != section {
			section = l.Section
			b.WriteString("[" + section + "]\n")
		}
		b.WriteString(l.Name + "=" + l.Value + "\n")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	tmp := path + ".new~"
	if err := os.WriteFile(tmp, []byte(b.String()), 0o644); err != nil {
		os.Remove(tmp)
		return err
	}
	return os.Rename(tmp, path)
}

// closeStreams closes what a client gave a service: whoever reads at the other end waits
// for that.
func (m *Manager) closeStreams(unitName string) {
	s := m.streams[unitName]
	if s == nil {
		return
	}
	delete(m.streams, unitName)
	for _, fd := range s {
		if fd >= 0 {
			sys.CloseFD(fd)
		}
	}
}

// forgetTransient removes the files of a unit that was made at run time and is gone.
func (m *Manager) forgetTransient(unitName string) {
	m.closeStreams(unitName)
	dir := m.ownDirectory("systemd/transient")
	if dir == "" || !canTransient(name.TypeOf(unitName)) {
		return
	}
	path := filepath.Join(dir, unitName)
	if err := os.Remove(path); err != nil {
		if !os.IsNotExist(err) {
			m.logf(engine.Warning, unitName, "remove its file: %v", err)
		}
		return
	}
	if err := os.RemoveAll(path + ".d"); err != nil {
		m.logf(engine.Warning, unitName, "remove its drop-ins: %v", err)
	}
}

// SetProperties implements face.Transient.
func (m *Manager) SetProperties(
	ctx context.Context, unitName string, runtime bool, list []face.Property,
) error {
	var bad *face.Error
	done := make(chan struct{})
	err := m.call(ctx, func() {
		primary, e := m.ensure(unitName)
		if bad = e; e == nil {
			bad = m.setProperties(primary, runtime, list)
		}
		if bad == nil {
			m.controlAgain(func(def *unit.Unit) bool { return m.isWithin(def, primary) },
				func() { close(done) })
		}
	})
	switch {
	case bad != nil:
		return bad
	case err != nil:
		return err
	}
	select { // who has set a limit finds it there
	case <-done:
	case <-ctx.Done():
	case <-m.ctx.Done():
	}
	return nil
}

func (m *Manager) setProperties(unitName string, runtime bool, list []face.Property) *face.Error {
	def := m.e.Definition(unitName)
	if def == nil || def.Load == unit.NotFound {
		return &face.Error{Name: face.NoSuchUnit, Message: "Unit " + unitName + " not found."}
	}
	var marks *engine.Marked
	files := map[string][]transient.Line{}
	for _, p := range list {
		if !transient.Live(def.Type, p.Name) {
			return propertyError(&transient.NoProperty{Name: p.Name})
		}
		if p.Name == "Markers" {
			set, bad := markers(unitName, p)
			if bad != nil {
				return bad
			}
			marks = set
			continue
		}
		lines, err := transient.All(def.Type, []directive.Property{p})
		if err == nil {
			err = transient.Check(unitName, def.Type, lines, m.cfg.Loader.Config().Defaults)
		}
		if err != nil {
			return propertyError(err)
		}
		for _, l := range lines { // an empty line before the first resets what files say
			files[l.Name] = append(files[l.Name], l)
		}
	}
	dir := m.controlDirectory(def, runtime)
	if dir == "" {
		return &face.Error{Name: face.NotSupported, Message: "No directory for properties."}
	}
	for setting, lines := range files {
		file := filepath.Join(dir, unitName+".d", "50-"+setting+".conf")
		if err := writeLines(file, controlHead, lines); err != nil {
			return systemError(err)
		}
	}
	if marks != nil {
		m.step(*marks)
	}
	if len(files) > 0 {
		m.cfg.Loader.Refresh()
		m.step(engine.Loaded{Units: []*unit.Unit{m.cfg.Loader.Load(unitName)}})
	}
	return nil
}

// controlDirectory is where drop-ins that set properties go; those of a unit that is
// there for a while only go with it.
func (m *Manager) controlDirectory(def *unit.Unit, runtime bool) string {
	kind := "system.control"
	if m.cfg.User {
		kind = "user.control"
	}
	if def.Transient {
		return m.ownDirectory("systemd/transient")
	}
	for _, dir := range m.cfg.UnitPath {
		inRun := strings.HasPrefix(dir, m.cfg.RuntimeDir+"/")
		if strings.HasSuffix(dir, "/systemd/"+kind) && inRun == runtime {
			return dir
		}
	}
	return ""
}

// markers reads the property Markers: words, each with + or - before it to add or take
// away, or without to set.
func markers(unitName string, p directive.Property) (*engine.Marked, *face.Error) {
	words, ok := p.Value.([]string)
	if !ok {
		return nil, propertyError(transient.ErrPropertyType)
	}
	ev := &engine.Marked{Unit: unitName}
	plain := false
	for _, w := range words {
		word := strings.TrimLeft(w, "+-")
		mark, ok := engine.ParseMarker(word)
		switch {
		case !ok:
			return nil, &face.Error{Name: face.InvalidArgs, Message: "Unknown marker \"" + w + "\"."}
		case w[0] == '-':
			ev.Clear |= mark
		case w[0] == '+':
			ev.Set |= mark
		default:
			ev.Set |= mark
			plain = true
		}
	}
	if plain || len(words) == 0 {
		ev.Clear |= (engine.NeedsReload | engine.NeedsRestart) &^ ev.Set
	}
	return ev, nil
}
