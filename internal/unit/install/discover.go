package install

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"rouse/internal/unit"
	"rouse/internal/unit/name"
	"rouse/internal/unit/specifier"
	"rouse/internal/unit/unitfile"
	"rouse/internal/unit/value"
)

// mode is what a name stands for on disk.
type mode uint8

// The modes.
const (
	unread  mode = iota
	regular      // a unit file
	linked       // a symlink to a file outside of the search path
	alias        // a symlink within it
	masked       // nothing
)

// info is what is known of one name while a request is planned.
type info struct {
	name      string
	path      string // "" until found
	mode      mode
	target    string // of a symlink
	auxiliary bool   // only Also= asks for it
	unit.Install
}

// hasRules reports whether enabling makes symlinks.
func (i *info) hasRules() bool {
	return len(i.Alias)+len(i.WantedBy)+len(i.RequiredBy)+len(i.UpheldBy) > 0
}

// batch are the names that one request is about, in the order in which they came.
type batch struct {
	list []*info
	by   map[string]*info
	next int // the first of list that is not worked off
}

// add gives the entry of a name, or of a path to a unit file.
func (b *batch) add(unitName, p string, auxiliary bool) (*info, error) {
	if unitName == "" {
		unitName = path.Base(p)
	}
	if !name.Valid(unitName, name.Any) {
		return nil, errInvalid
	}
	if i := b.by[unitName]; i != nil {
		i.auxiliary = i.auxiliary && auxiliary
		return i, nil
	}
	i := &info{name: unitName, path: p, auxiliary: auxiliary}
	if b.by == nil {
		b.by = map[string]*info{}
	}
	b.by[unitName] = i
	b.list = append(b.list, i)
	return i, nil
}

// take gives the next entry to be worked off; nil at the end.
func (b *batch) take() *info {
	if b.next == len(b.list) {
		return nil
	}
	b.next++
	return b.list[b.next-1]
}

// discover finds the unit file that a name or path stands for; with read, its [Install]
// section, too. Aliases are followed.
func (p *planner) discover(b *batch, nameOrPath string, read bool) (*info, error) {
	var i *info
	var err error
	if path.IsAbs(nameOrPath) {
		i, err = b.add("", nameOrPath, false)
	} else {
		i, err = b.add(nameOrPath, "", false)
	}
	if err == nil {
		i, err = p.traverse(b, i, read, true)
	}
	return i, err
}

// discoverUsable is discover for what is neither masked nor generated; it tells what is
// in the way.
func (p *planner) discoverUsable(b *batch, nameOrPath string, read bool) (*info, error) {
	i, err := p.discover(b, nameOrPath, read)
	if err != nil {
		return nil, p.refuse(err, nameOrPath)
	}
	return i, p.usable(i)
}

// refuse notes that what was asked for cannot be done.
func (p *planner) refuse(err error, nameOrPath string) error {
	r := reasonOf(err)
	p.note(Change{Kind: r.kind, Path: nameOrPath, Why: r.why, Given: true})
	return r
}

// usable refuses what is masked, generated or transient.
func (p *planner) usable(i *info) error {
	kind := Symlink
	switch {
	case i.mode == masked:
		kind = IsMasked
	case isGenerated(i.path), isTransient(i.path):
		kind = Generated
	default:
		return nil
	}
	p.note(Change{Kind: kind, Path: i.path})
	return reason{kind: kind}
}

// traverse follows the symlinks that a name leads to, up to the unit file. With follow,
// those that systemctl enable has made, too.
func (p *planner) traverse(b *batch, i *info, read, follow bool) (*info, error) {
	if err := p.search(b, i, read); err != nil {
		return nil, err
	}
	for hops := 0; i.mode == linked || i.mode == alias; hops++ {
		if hops > maxLinks || !follow && p.isConfig(i.path) {
			return nil, errIsLink
		}
		next := path.Base(i.target)
		if i.mode == linked || next == i.name {
			if err := p.follow(b, i, read); err != nil {
				return nil, err
			}
			continue
		}
		if name.Valid(i.name, name.Instance) && name.Valid(next, name.Template) {
			n, err := name.WithInstance(next, name.InstanceOf(i.name))
			if err != nil {
				return nil, errInvalid
			}
			if n == i.name { // what is linked is the template itself
				if err := p.follow(b, i, read); err != nil {
					return nil, err
				}
				continue
			}
			next = n
		}
		var err error
		if i, err = b.add(next, "", false); err != nil {
			return nil, err
		}
		if err = p.search(b, i, read); err != nil {
			if reasonOf(err) == errMissing {
				return nil, errNoLink
			}
			return nil, err
		}
	}
	return i, nil
}

// follow goes where the symlink of an entry leads.
func (p *planner) follow(b *batch, i *info, read bool) error {
	i.path, i.mode = i.target, unread
	return p.look(b, i, i.path, read, false)
}

// search finds the file of a name, or that of its template, and its drop-ins.
func (p *planner) search(b *batch, i *info, read bool) error {
	if i.mode != unread {
		return nil
	}
	if i.path != "" {
		return p.look(b, i, i.path, read, false)
	}
	template, _ := name.TemplateOf(i.name)
	names := slices.Compact([]string{i.name, template})
	found := false
	for _, n := range names {
		for _, dir := range p.dirs {
			if n == "" || found {
				break
			}
			at := path.Join(dir, n)
			switch err := p.look(b, i, at, read, false); {
			case err == nil:
				i.path, found = at, true
			case reasonOf(err) != errMissing && reasonOf(err) != errDenied:
				return err
			}
		}
	}
	switch {
	case !found:
		return errMissing
	case i.mode == masked:
		return nil
	}
	return p.dropIns(b, i, names, read)
}

// dropIns reads the drop-ins of the names.
func (p *planner) dropIns(b *batch, i *info, names []string, read bool) error {
	var files []string
	seen := map[string]bool{}
	for _, n := range names {
		for _, dir := range p.dirs {
			if n == "" {
				break
			}
			at := path.Join(dir, n+".d")
			entries, _ := p.v.readDir(at) // what cannot be listed is empty
			for _, e := range entries {
				if strings.HasSuffix(e.name, ".conf") && !seen[e.name] {
					seen[e.name] = true
					files = append(files, path.Join(at, e.name))
				}
			}
		}
	}
	slices.SortFunc(files, func(a, b string) int {
		return strings.Compare(path.Base(a), path.Base(b))
	})
	for _, f := range files {
		if null, err := p.v.isNull(f); err == nil && null {
			continue
		}
		if err := p.look(b, i, f, read, true); err != nil {
			return err
		}
	}
	return nil
}

// look sees what is at a path: a symlink, or a file, which is read if that is asked for.
func (p *planner) look(b *batch, i *info, at string, read, dropIn bool) error {
	kind, empty, err := p.v.lstat(at)
	switch {
	case err != nil:
		return err
	case kind&fs.ModeSymlink != 0 && !dropIn:
		return p.lookLink(i, at)
	case kind.IsDir():
		return errIsDir
	case !kind.IsRegular() && kind&(fs.ModeCharDevice|fs.ModeSymlink) == 0:
		return errNotFile
	case !dropIn && (empty || kind&fs.ModeCharDevice != 0):
		i.mode = masked
		return nil
	case read:
		text, err := p.v.readFile(at)
		if err != nil {
			return err
		}
		if err := p.parse(b, i, at, string(text)); err != nil {
			return err
		}
	}
	if !dropIn {
		i.mode = regular
	}
	return nil
}

// lookLink finds out what a symlink is for.
func (p *planner) lookLink(i *info, at string) error {
	target, err := p.v.readLink(at)
	if err != nil {
		return err
	}
	if !path.IsAbs(target) {
		target = path.Join(path.Dir(p.v.real(at)), target)
	}
	target = p.v.real(target)
	inPath := p.inPath(target)
	switch own, other := path.Base(at), path.Base(target); {
	case inPath && own == other:
		return errIsLink
	case inPath && !isAlias(own, other):
		return reason{kind: CrossAlias}
	}
	null, err := p.v.isNull(target)
	switch {
	case inPath:
		i.mode = alias
	case err != nil && reasonOf(err) != errMissing:
		return err
	case null:
		i.mode = masked
	default:
		i.mode = linked
	}
	i.target = target
	return nil
}

// parse takes over what the [Install] section of a file says.
func (p *planner) parse(b *batch, i *info, at, text string) error {
	p.file = at
	for _, a := range unitfile.Parse(at, text).Assignments {
		if a.Section != "Install" {
			continue
		}
		var list *[]string
		switch a.Name {
		case "Alias":
			if list = &i.Alias; !name.TypeOf(i.name).MayAlias() {
				p.fault(a, "Alias= is not allowed for "+name.TypeOf(i.name).String()+" units, ignoring.")
				continue
			}
		case "WantedBy":
			list = &i.WantedBy
		case "RequiredBy":
			list = &i.RequiredBy
		case "UpheldBy":
			list = &i.UpheldBy
		case "Also":
			if err := p.also(b, i, a); err != nil {
				return err
			}
			continue
		case "DefaultInstance":
			if err := p.defaultInstance(i, a); err != nil {
				return err
			}
			continue
		default:
			continue
		}
		words, _ := value.Words(a.Value, value.Unquote) // what is no word ends the list
		if a.Value == "" {
			*list = nil
		}
		*list = append(*list, words...)
	}
	return nil
}

// fault notes what is wrong in a unit file, in systemctl's words.
func (p *planner) fault(a unitfile.Assignment, why string) {
	p.faults = append(p.faults, unit.Fault{
		File: p.file, Line: a.Line, Name: a.Name, Value: a.Value, Why: why,
	})
}

// also adds the units of an Also= to those of the request.
func (p *planner) also(b *batch, i *info, a unitfile.Assignment) error {
	words, _ := value.Words(a.Value, value.Unquote)
	for _, w := range words {
		n, err := p.expand(i, w)
		if err != nil {
			p.fault(a, `Failed to resolve unit name in Also="`+w+`": `+err.Error())
			return err
		}
		if _, err := b.add(n, "", true); err != nil {
			return err
		}
		i.Also = append(i.Also, n)
	}
	return nil
}

// defaultInstance is the setting of that name.
func (p *planner) defaultInstance(i *info, a unitfile.Assignment) error {
	switch {
	case name.Valid(i.name, name.Instance):
		return nil // it has its own
	case !name.Valid(i.name, name.Template):
		p.fault(a, "DefaultInstance= only makes sense for template units, ignoring.")
		return nil
	}
	n, err := p.expand(i, a.Value)
	switch {
	case err != nil:
		p.fault(a, `Failed to resolve instance name in DefaultInstance="`+a.Value+`": `+err.Error())
	case n != "" && !name.ValidInstance(n):
		p.fault(a, `Invalid DefaultInstance= value "`+n+`".`)
		return errInvalid
	default:
		i.DefaultInstance = n
	}
	return nil
}

// expand expands the specifiers of a setting of [Install].
func (p *planner) expand(i *info, text string) (string, error) {
	n := i.name
	if name.Valid(n, name.Template) && i.DefaultInstance != "" {
		if with, err := name.WithInstance(n, i.DefaultInstance); err == nil {
			n = with
		}
	}
	s, err := specifier.ExpandName(text, &specifier.Unit{Name: n}, p.Machine)
	switch {
	case errors.Is(err, specifier.ErrUnknown):
		return "", reason{kind: NoFact}
	case err != nil:
		return "", reason{kind: BadSlot}
	}
	return s, nil
}
