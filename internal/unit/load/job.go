package load

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"rouse/internal/unit"
	"rouse/internal/unit/directive"
	"rouse/internal/unit/name"
	"rouse/internal/unit/specifier"
	"rouse/internal/unit/unitfile"
)

// job is one unit that is being loaded.
type job struct {
	*Loader
	u       *unit.Unit
	context directive.Context
	facts   specifier.Unit // what specifiers tell of the unit

	modified int64 // of the file read last, in nanoseconds
}

// load makes j.u of what is found under the name.
func (j *job) load(asked string) {
	t := name.TypeOf(asked)
	if kind := name.KindOf(asked); kind == 0 || kind == name.Template {
		j.u = directive.New(asked, t, j.c.Defaults)
		why := "Unit name " + asked + " is not valid."
		if kind == name.Template {
			why = "Unit name " + asked + " is missing the instance name."
		}
		j.refuse(unit.LoadFailed, why)
		return
	}
	f, found := j.scan().find(asked)
	primary := asked
	if found {
		primary = f.unitName(asked)
	}
	j.u = j.shared.New(primary, t, j.c.Defaults)
	j.u.Perpetual = j.perpetual(primary)
	if j.u.Perpetual && j.u.Mount != nil {
		j.u.Mount.Where = "/"
	}
	j.facts.Name = primary
	j.context = directive.Context{
		Expand: j.expand, ExpandName: j.expandName, User: j.c.User, Home: j.c.Home,
		RuntimeDir: j.c.RuntimeDir, Defaults: j.c.Defaults, Shared: &j.shared,
	}
	if fault, ok := j.tree.refused[asked]; ok {
		j.u.Faults = append(j.u.Faults, fault)
	}
	if found {
		j.u.Names = j.tree.aliases(primary, asked)
		j.fragment(f)
	} else if j.mounted() {
		j.u.Load = unit.Loaded
	} else if needsFile(t) && !j.u.Perpetual {
		j.u.Load = unit.NotFound
	} else {
		j.u.Load = unit.Loaded
	}
	if j.u.Load == unit.NotFound {
		j.refuse(unit.NotFound, "Unit "+primary+" not found.")
		return
	}
	j.edgesFromDirectories()
	j.dropIns()
	if j.u.SourcePath != "" {
		j.u.SourceTime, _ = j.modifiedAt(j.u.SourcePath)
	}
	j.finish()
}

// mounted makes j.u of what is mounted at the path that it is named after.
func (j *job) mounted() bool {
	if j.u.Mount == nil || j.c.Mounted == nil {
		return false
	}
	m, ok := j.c.Mounted(j.u.Name)
	if !ok {
		return false
	}
	own := j.u.Mount
	own.What, own.Where, own.FSType, own.Options = m.What, m.Where, m.FSType, m.Options
	own.Found = true
	j.u.SourcePath = "/proc/self/mountinfo"
	return true
}

// fragment reads the main file of the unit. Perpetual units are what is built in
// first, and cannot be masked.
func (j *job) fragment(f file) {
	j.u.Load = unit.Loaded
	if f.builtin || j.u.Perpetual {
		j.builtin()
	}
	if f.builtin {
		return
	}
	j.u.Fragment = f.path
	j.u.Transient = strings.HasSuffix(path.Dir(f.path), "/systemd/transient")
	if !f.masked {
		j.facts.Fragment = j.tree.realFile(&f)
		j.disk(f)
	} else {
		j.u.Load = unit.Masked
	}
	if j.u.Perpetual && j.u.Load == unit.Masked {
		j.u.Load = unit.Loaded
	}
}

// builtin applies the text of the built-in unit, if there is one.
func (j *job) builtin() {
	unitName := j.u.Name
	f, ok := j.tree.builtins[unitName]
	if template, isInstance := name.TemplateOf(unitName); !ok && isInstance {
		unitName = template
		f, ok = j.tree.builtins[template]
	}
	if !ok {
		return
	}
	key := "builtin:" + unitName
	parsed := j.read[key].file
	if parsed == nil {
		parsed = unitfile.Parse("", f.text)
		j.read[key] = reading{file: parsed}
	}
	j.apply(parsed, "")
}

// disk applies a file of the search path.
func (j *job) disk(f file) {
	text, err := j.file(f.path, j.facts.Fragment, !f.linked, name.KindOf(f.name) == name.Template)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		j.u.Fragment = ""
		j.u.Load = unit.NotFound
		return
	case err != nil:
		j.u.Faults = append(j.u.Faults, unit.Fault{
			File: f.path, Why: "reading it: " + cause(err), Then: "not loading the unit", Fatal: true,
		})
		j.broken(cause(err))
		return
	case text == nil:
		j.u.Load = unit.Masked
		return
	}
	j.u.FragmentTime = j.modified
	j.apply(text, f.path)
	switch {
	case j.u.Broken == unit.BadSetting:
		j.u.Load = unit.BadSetting
	case j.u.Broken != unit.Stub:
		j.broken("Invalid argument")
	case text.Broken != unitfile.Whole:
		j.broken(text.Broken.String())
	}
	j.u.Broken = unit.Stub // what breaks a drop-in does not break the unit
}

// reading is a file that was read, and when it had last been modified.
type reading struct {
	file     *unitfile.File
	modified int64
}

// readFile reads a file, and tells when it was last modified, in nanoseconds.
func readFile(fsys fs.FS, name string) ([]byte, int64, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	text := make([]byte, info.Size()+1)
	n, err := io.ReadFull(f, text)
	if err == nil { // it has grown
		var rest []byte
		rest, err = io.ReadAll(f)
		return append(text, rest...), info.ModTime().UnixNano(), err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return text[:n], info.ModTime().UnixNano(), err
}

// file reads and parses a file. It gives nil for an empty file and for a device
// such as /dev/null. regular is set if the file is known to be no other thing;
// shared, if other units will ask for it as well.
func (j *job) file(shown, real string, regular, shared bool) (*unitfile.File, error) {
	if shared {
		if r, ok := j.read[real]; ok {
			j.modified = r.modified
			return r.file, nil
		}
	}
	if !regular {
		info, err := fs.Stat(j.c.FS, inFS(real))
		switch {
		case err != nil:
			return nil, err
		case info.IsDir():
			return nil, errDirectory
		case info.Mode()&fs.ModeDevice != 0:
			return nil, nil
		case !info.Mode().IsRegular():
			return nil, errNoFile
		}
	}
	text, modified, err := readFile(j.c.FS, inFS(real))
	if err != nil {
		return nil, err
	}
	j.modified = modified
	var f *unitfile.File
	if len(text) > 0 {
		f = unitfile.Parse(shown, string(text))
	}
	if shared {
		j.read[real] = reading{f, modified}
	}
	return f, nil
}

var (
	errDirectory = errors.New("is a directory")
	errNoFile    = errors.New("not a regular file")
)

// cause gives the innermost error, as errno words it.
func cause(err error) string {
	var inner *fs.PathError
	if errors.As(err, &inner) {
		err = inner.Err
	}
	s := err.Error()
	if s == "" {
		return "Input/output error"
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// apply carries out what a file says, up to a fatal fault. What is built in has
// no file and no lines.
func (j *job) apply(f *unitfile.File, shown string) {
	faults := j.faults(f, shown)
	for _, a := range f.Assignments {
		for len(faults) > 0 && faults[0].Line <= a.Line {
			j.u.Faults = append(j.u.Faults, faults[0])
			faults = faults[1:]
		}
		if !j.knows(a.Section) {
			continue
		}
		if shown == "" {
			a.Line = 0
		}
		j.u.Faults = append(j.u.Faults, directive.Apply(j.u, directive.Assignment{
			Section: a.Section, Name: a.Name, Value: a.Value, File: shown, Line: a.Line,
		}, &j.context)...)
		if j.u.Broken != unit.Stub {
			return
		}
	}
	j.u.Faults = append(j.u.Faults, faults...)
}

// knows reports whether the unit has a section of that name, or nobody minds it.
func (j *job) knows(section string) bool {
	if section == "Unit" || section == "Install" || strings.HasPrefix(section, "X-") {
		return true
	}
	own := j.u.Type.String() // the section is named after the type
	return len(section) == len(own) && section[1:] == own[1:] && section[0]^0x20 == own[0]
}

// faults gives what is wrong in the form of the file, and the sections that the
// unit cannot have, by line.
func (j *job) faults(f *unitfile.File, shown string) []unit.Fault {
	faults := slices.Clone(f.Faults)
	seen := map[string]bool{}
	for _, s := range f.Sections {
		if seen[s.Name] || j.knows(s.Name) {
			continue
		}
		seen[s.Name] = true
		faults = append(faults, unit.Fault{
			File: shown, Line: s.Line, Why: "unknown section [" + s.Name + "]",
			Then: "ignoring what is in it",
		})
	}
	slices.SortStableFunc(faults, func(a, b unit.Fault) int { return cmp.Compare(a.Line, b.Line) })
	return faults
}

// finish checks the unit as a whole and completes it.
func (j *job) finish() {
	if j.u.Load == unit.Loaded && j.u.Type == name.Slice && !name.ValidSlice(j.u.Name) {
		j.broken("Invalid argument")
	}
	if j.u.Load == unit.Loaded && !j.u.Perpetual { // -.mount has no What=
		err := directive.Finish(j.u, &j.context, j.c.Defaults)
		if err == nil {
			err = checkIsolate(j.u)
		}
		if err != nil {
			j.u.Load = unit.BadSetting
			j.u.Faults = append(j.u.Faults, unit.Fault{
				File: j.u.Fragment, Why: err.Error(), Then: "not loading the unit", Fatal: true,
			})
		}
	}
	if j.u.Description == "" {
		j.u.Description = j.description()
	}
	switch j.u.Load {
	case unit.Loaded:
		if j.c.Complete != nil {
			j.c.Complete(j.u, j.hasFile)
		}
	case unit.Masked:
		j.u.LoadError = "Unit " + j.u.Name + " is masked."
	case unit.BadSetting:
		j.u.LoadError = "Unit " + j.u.Name + " has a bad unit file setting."
	case unit.Stub, unit.NotFound, unit.LoadFailed, unit.Merged, unit.LoadStates: // said already
	}
}

// checkIsolate: only one unit can be isolated when this one fails.
func checkIsolate(u *unit.Unit) error {
	n := 0
	for _, e := range u.Edges {
		if e.Kind == unit.OnFailure {
			n++
		}
	}
	if n > 1 && u.OnFailureJobMode == unit.Isolate {
		return errors.New("OnFailureJobMode=isolate with more than one unit in OnFailure=")
	}
	return nil
}

// description is what a unit without Description= is called.
func (j *job) description() string {
	switch j.u.Type {
	case name.Slice:
		p, err := name.UnescapePath(name.Prefix(j.u.Name))
		if err == nil && j.u.Load == unit.Loaded && p != "/" {
			return "Slice " + p
		}
	case name.Device:
		if p, err := name.ToPath(j.u.Name); err == nil {
			return p
		}
	case name.Bad, name.Service, name.Socket, name.Target, name.Mount, name.Automount, name.Swap,
		name.Timer, name.Path, name.Scope, name.Types:
	}
	return j.u.Name
}

// refuse gives the unit a state in which it cannot be used.
func (j *job) refuse(state unit.LoadState, why string) {
	j.u.Load = state
	j.u.LoadError = why
	j.u.Description = j.u.Name
}

// broken marks the unit as one whose file cannot be read to its end.
func (j *job) broken(why string) {
	j.u.Load = unit.LoadFailed
	j.u.LoadError = "Unit " + j.u.Name + " failed to load properly, " +
		"please adjust/correct and reload service manager: " + why
}

func (j *job) expand(format string) (string, error) {
	return specifier.Expand(format, j.specifiers(), j.c.Machine)
}

func (j *job) expandName(format string) (string, error) {
	return specifier.ExpandName(format, j.specifiers(), j.c.Machine)
}

func (j *job) specifiers() *specifier.Unit {
	j.facts.Slice = j.u.Slice
	return &j.facts
}

// inFS turns an absolute path into one of the file system.
func inFS(p string) string {
	if p = path.Clean(p); p != "/" {
		return strings.TrimPrefix(p, "/")
	}
	return "."
}
