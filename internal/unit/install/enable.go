package install

import (
	"path"

	"rouse/internal/unit/name"
)

// enable makes the links that the [Install] sections of units ask for.
func (p *planner) enable() (int, error) {
	var b batch
	for _, n := range p.req.Units {
		if _, err := p.discoverUsable(&b, n, true); err != nil {
			return 0, err
		}
	}
	return p.apply(&b, true, false)
}

// reenable takes all links of units away and makes them anew. A unit that is linked is
// found by its link before that goes.
func (p *planner) reenable() (int, error) {
	var names, files []string
	for _, n := range p.req.Units {
		names = append(names, path.Base(n))
		file := n
		if !path.IsAbs(n) {
			if i, err := p.discover(&batch{}, n, true); err == nil {
				file = i.path
			}
		}
		files = append(files, file)
	}
	if err := p.unlinkUnits(names); err != nil {
		return 0, err
	}
	p.req.Units = files
	return p.enable()
}

// addDependency makes links as if the units had WantedBy= or RequiredBy= with the target.
func (p *planner) addDependency() (int, error) {
	if !name.Valid(p.req.Target, name.Any) {
		return 0, errInvalid
	}
	var b batch
	target, err := p.discoverUsable(&b, p.req.Target, false)
	if err != nil {
		return 0, err
	}
	for _, n := range p.req.Units {
		i, err := p.discoverUsable(&b, n, false)
		if err != nil {
			return 0, err
		}
		if p.req.Verb == "add-wants" {
			i.WantedBy = []string{target.name}
		} else {
			i.RequiredBy = []string{target.name}
		}
	}
	return p.apply(&b, false, false)
}

// setDefault makes default.target lead to another target.
func (p *planner) setDefault() (int, error) {
	n := ""
	if len(p.req.Units) == 1 {
		n = p.req.Units[0]
	}
	if !name.Valid(n, name.Any) || name.TypeOf(n) != name.Target || n == "default.target" {
		return 0, errInvalid
	}
	i, err := p.discoverUnfollowed(n)
	if err != nil {
		return 0, err
	}
	return 0, p.symlink(path.Join(p.Persistent, "default.target"), i.path, p.req.Force)
}

// DefaultTarget names the target that default.target is.
func (place Place) DefaultTarget() (string, error) {
	p := &planner{Place: place, v: newView(place.FS), dirs: place.Path}
	i, err := p.discover(&batch{}, "default.target", false)
	if err != nil {
		return "", reasonOf(err)
	}
	return i.name, nil
}

// discoverUnfollowed is discoverUsable for what may not be one of our own links.
func (p *planner) discoverUnfollowed(n string) (*info, error) {
	var b batch
	i, err := b.add(n, "", false)
	if err == nil {
		i, err = p.traverse(&b, i, false, false)
	}
	if err != nil {
		return nil, p.refuse(err, n)
	}
	return i, p.usable(i)
}

// apply makes the links of all units of a batch, and of those that Also= adds. With read
// they are those of [Install] sections, and a name that one of our own links gives is
// refused. lenient leaves out what cannot be because a template has no instance.
func (p *planner) apply(b *batch, read, lenient bool) (rules int, failed error) {
	for i := b.take(); i != nil; i = b.take() {
		_, err := p.traverse(b, i, read, !read)
		switch {
		case err != nil && i.auxiliary:
			p.note(Change{Kind: NoAuxiliary, Path: i.name})
			continue
		case err != nil:
			r := reasonOf(err)
			return 0, p.stop(Change{Kind: r.kind, Path: i.name, Why: r.why})
		case i.mode == masked: // because Also= names it
			p.note(Change{Kind: Masked, Path: i.path})
			rules++
			continue
		case i.mode != regular:
			continue
		}
		n, err := p.applyOne(i, lenient)
		if rules += n; failed == nil {
			failed = err
		}
	}
	return rules, failed
}

// applyOne makes the links of one unit. As with systemd, what failed counts only if
// nothing before it succeeded; TestOffline in internal/client has cases.
func (p *planner) applyOne(i *info, lenient bool) (n int, err error) {
	n, err = p.linkAliases(i)
	for _, d := range []struct {
		names  []string
		suffix string
	}{{i.WantedBy, ".wants"}, {i.RequiredBy, ".requires"}, {i.UpheldBy, ".upholds"}} {
		more, failed := p.linkWants(i, d.names, d.suffix, lenient)
		if n == 0 && err == nil {
			n, err = more, failed
		}
	}
	if !p.inPath(i.path) {
		failed := p.symlink(path.Join(p.config, i.name), i.path, p.req.Force)
		if n == 0 && err == nil {
			err = failed
		}
	}
	return n, err
}

// linkAliases makes the links of Alias=.
func (p *planner) linkAliases(i *info) (n int, failed error) {
	for _, text := range i.Alias {
		dst, err := p.expand(i, text)
		if err != nil {
			err = p.stop(Change{Kind: reasonOf(err).kind, Path: text})
		} else if dst, err = p.validAlias(i, dst); err == errIsLink {
			continue // it is the unit itself
		}
		if err == nil {
			err = p.symlink(path.Join(p.config, dst), i.path, p.req.Force)
			n++
		}
		if failed == nil {
			failed = err
		}
	}
	return n, failed
}

// linkWants makes the links of WantedBy= and kin.
func (p *planner) linkWants(
	i *info, names []string, suffix string, lenient bool,
) (n int, failed error) {
	unitName, kinds := i.name, name.Any
	if name.Valid(unitName, name.Template) {
		if i.DefaultInstance != "" {
			with, err := name.WithInstance(unitName, i.DefaultInstance)
			if err != nil {
				return 0, errInvalid
			}
			unitName = with
		} else {
			kinds = name.Instance | name.Template
		}
	}
	for _, text := range names {
		dst, err := p.expand(i, text)
		if err != nil {
			return n, p.stop(Change{Kind: reasonOf(err).kind, Path: text})
		}
		switch {
		case name.Valid(dst, kinds):
			err = p.symlink(path.Join(p.config, dst+suffix, unitName), i.path, true)
			n++
			if reasonOf(p.find(dst)) == errMissing {
				p.note(Change{Kind: NoTarget, Path: dst, Source: i.path})
			}
		case lenient:
		case name.Valid(dst, name.Any):
			err = p.stop(Change{Kind: NoTemplate, Path: dst, Source: unitName})
		default:
			err = p.stop(Change{Kind: BadName, Path: dst})
		}
		if failed == nil {
			failed = err
		}
	}
	return n, failed
}
