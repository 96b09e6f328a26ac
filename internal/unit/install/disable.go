package install

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"rouse/internal/unit/name"
	"rouse/internal/unit/preset"
)

// disable takes all links of units away.
func (p *planner) disable() (int, error) { return 0, p.unlinkUnits(p.req.Units) }

// unlinkUnits takes away all links to the units called names, and of those names.
func (p *planner) unlinkUnits(names []string) error {
	var b batch
	for _, n := range names {
		if !name.Valid(n, name.Any) {
			return p.stop(Change{Kind: BadName, Path: n, Given: true})
		}
		if _, err := b.add(n, "", false); err != nil {
			return err
		}
	}
	return p.sweep(p.mark(&b), p.config)
}

// marks are names and paths; links of one of these names, and to them, are to go.
type marks map[string]bool

// mark gives what is to go for the units of a batch, and for those that Also= adds. What
// cannot be found is told, and its links go all the same.
func (p *planner) mark(b *batch) marks {
	m := marks{}
	for i := b.take(); i != nil; i = b.take() {
		_, err := p.traverse(b, i, true, true)
		at := i.path
		if at == "" {
			at = i.name
		}
		switch {
		case err == nil && i.mode == masked:
			p.note(Change{Kind: Masked, Path: at})
			continue
		case err == nil && i.mode != regular:
			continue
		case err != nil:
			r := reasonOf(err)
			if r == errNoLink {
				p.note(Change{Kind: Dangling, Path: at})
			} else if r != errMissing || !i.auxiliary {
				p.note(Change{Kind: r.kind, Path: at, Why: r.why})
			}
		}
		m[i.name] = true
	}
	return m
}

// sweep takes away the links below a directory that are marked, those to them, and so on.
func (p *planner) sweep(m marks, top string) (failed error) {
	for again := len(m) > 0; again; {
		again = p.sweepDir(m, top, top, &failed)
	}
	return failed
}

func (p *planner) sweepDir(m marks, top, dir string, failed *error) (again bool) {
	entries, _ := p.v.readDir(dir) // what cannot be listed is empty
	for _, e := range entries {
		at := path.Join(dir, e.name)
		switch {
		case e.kind.IsDir():
			again = p.sweepDir(m, top, at, failed) || again
			continue
		case e.kind&fs.ModeSymlink == 0, !name.Valid(e.name, name.Any):
			continue
		}
		if template, _ := name.TemplateOf(e.name); !m[e.name] && !m[template] {
			target, ok := p.v.resolve(at, true)
			if !ok {
				*failed = p.stop(Change{Kind: IsLink, Path: at})
				continue
			}
			if !m[path.Base(target)] && !m[target] {
				continue
			}
		}
		p.note(Change{Kind: Unlink, Path: at, Below: top})
		p.v.remove(at)
		if !m[at] {
			m[at] = true
			again = true
		}
	}
	return again
}

// preset enables and disables units as the preset files say.
func (p *planner) preset() (int, error) {
	rules, _ := preset.Read(p.FS, p.User) // what is no rule is as if it were not there
	var plus, minus batch
	for _, n := range p.req.Units {
		if err := p.presetOne(rules, &plus, &minus, n); err != nil {
			return 0, err
		}
	}
	return p.applyPresets(&plus, &minus)
}

// presetAll does so with all unit files.
func (p *planner) presetAll() (int, error) {
	rules, _ := preset.Read(p.FS, p.User)
	var plus, minus batch
	for _, dir := range p.dirs {
		entries, _ := p.v.readDir(dir)
		for _, e := range entries {
			if !name.Valid(e.name, name.Any) || !e.kind.IsRegular() && e.kind&fs.ModeSymlink == 0 {
				continue
			}
			err := p.presetOne(rules, &plus, &minus, e.name)
			if err != nil && reasonOf(err).kind == Other {
				return 0, err // others are those of one unit, and told
			}
		}
	}
	return p.applyPresets(&plus, &minus)
}

// presetOne finds out what the presets say of one unit file.
func (p *planner) presetOne(rules preset.Rules, plus, minus *batch, n string) error {
	if plus.by[n] != nil || minus.by[n] != nil {
		return nil
	}
	var tmp batch
	i, err := p.discover(&tmp, n, false)
	if err != nil {
		return p.refuse(err, n)
	}
	if i.name != n {
		return nil // an alias has no preset of its own
	}
	enable, instances := rules.Query(n)
	if !enable {
		if _, err := p.discover(minus, n, false); err != nil {
			return p.refuse(err, n)
		}
		return nil
	}
	if len(instances) == 0 {
		instances = []string{n}
	}
	for _, one := range instances {
		if _, err := p.discoverUsable(plus, one, true); err != nil {
			return err
		}
	}
	return nil
}

// applyPresets carries out what the presets say.
func (p *planner) applyPresets(plus, minus *batch) (int, error) {
	if p.req.PresetMode != "enable-only" {
		if err := p.sweep(p.mark(minus), p.config); err != nil {
			return 0, err
		}
	}
	if p.req.PresetMode == "disable-only" {
		return 0, nil
	}
	return p.apply(plus, true, true)
}

// mask makes units lead to nothing.
func (p *planner) mask() (_ int, failed error) {
	for _, n := range p.req.Units {
		err := error(errInvalid)
		if name.Valid(n, name.Any) {
			err = p.symlink(path.Join(p.config, n), "/dev/null", p.req.Force)
		}
		if failed == nil {
			failed = err
		}
	}
	return 0, failed
}

// unmask takes masks away, and links to them.
func (p *planner) unmask() (int, error) {
	var list []string
	for _, n := range p.req.Units {
		at := path.Join(p.config, n)
		if !name.Valid(n, name.Any) {
			return 0, errInvalid
		}
		switch null, err := p.v.isNull(at); {
		case err != nil && reasonOf(err) != errMissing:
			return 0, err
		case null && !slices.Contains(list, at):
			list = append(list, at)
		}
	}
	m := marks{}
	for _, at := range list {
		p.note(Change{Kind: Unlink, Path: at})
		p.v.remove(at)
		m[at] = true
	}
	return 0, p.sweep(m, p.config)
}

// link makes files outside of the search path known.
func (p *planner) link() (_ int, failed error) {
	var list []string
	for _, file := range p.req.Units {
		base := path.Base(file)
		if !path.IsAbs(file) {
			return 0, errInvalid
		}
		if !name.Valid(base, name.Any) {
			return 0, p.stop(Change{Kind: BadName, Path: file, Given: true})
		}
		kind, _, err := p.v.lstat(file)
		switch {
		case err == nil && kind.IsRegular():
		case err == nil && kind&fs.ModeSymlink != 0:
			err = errIsLink
		case err == nil && kind.IsDir():
			err = errIsDir
		case err == nil:
			err = reason{Other, "Bad file descriptor"}
		}
		if err != nil {
			return 0, p.refuse(err, file)
		}
		// A file that is known already needs no link. systemctl --root= makes one all the
		// same, which hides the file behind a link to itself; that is not done here.
		if !p.inPath(file) && !slices.Contains(list, file) {
			list = append(list, file)
		}
	}
	for _, file := range list {
		err := p.symlink(path.Join(p.config, path.Base(file)), file, p.req.Force)
		if failed == nil {
			failed = err
		}
	}
	return 0, failed
}

// revert takes away what overrides what the vendor of a unit has shipped.
func (p *planner) revert() (int, error) {
	var list []string
	for _, n := range p.req.Units {
		if !name.Valid(n, name.Any) {
			return 0, errInvalid
		}
		more, err := p.overrides(n)
		if err != nil {
			return 0, err
		}
		list = append(list, more...)
	}
	m := marks{}
	seen := map[string]bool{}
	for _, at := range list {
		if seen[at] {
			continue
		}
		seen[at] = true
		entries, _ := p.v.readDir(at) // nothing of a file
		for _, e := range entries {
			if e.kind.IsRegular() || e.kind&fs.ModeSymlink != 0 {
				p.note(Change{Kind: Unlink, Path: path.Join(at, e.name), Listed: true})
			}
		}
		p.note(Change{Kind: Unlink, Path: at, Tree: true})
		p.v.remove(at)
		m[at] = true
	}
	if err := p.sweep(m, p.Runtime); err != nil {
		return 0, err
	}
	return 0, p.sweep(m, p.Persistent)
}

// overrides lists the files and directories of drop-ins that revert takes away.
func (p *planner) overrides(n string) (list []string, err error) {
	vendor := false
	for _, dir := range p.dirs {
		at := path.Join(dir, n)
		kind, _, err := p.v.lstat(at)
		if err == nil && kind.IsRegular() {
			vendor = vendor || isGenerated(at) || strings.HasPrefix(at, "/usr/") ||
				strings.HasPrefix(at, "/lib/")
		}
		kind, _, err = p.v.lstat(at + ".d")
		isControl := strings.HasSuffix(dir, ".control")
		if err == nil && kind.IsDir() && (p.isConfig(at) || isTransient(at) || isControl) {
			list = append(list, at+".d")
		}
	}
	if !vendor {
		return list, nil
	}
	for _, dir := range p.dirs {
		at := path.Join(dir, n)
		kind, _, err := p.v.lstat(at)
		if err == nil && (kind.IsRegular() || kind&fs.ModeSymlink != 0) && p.isConfig(at) {
			list = append(list, at)
		}
	}
	return list, nil
}
