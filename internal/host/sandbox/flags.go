package sandbox

// flags plans which mounts become read-only, and what else they lose. An entry changes
// what is mounted below its path too, as far as no other entry is about that. The kernel
// changes all that is below: first that is done, so that no mount is left out that comes
// while this one plans, and then what was too much is undone.
func (b *builder) flags(list []entry) {
	for i := range list {
		if e := &list[i]; e.isReadOnly() && !e.absent {
			b.set(e, FlagReadOnly, list)
		}
	}
	for i := range list {
		switch e := &list[i]; {
		case e.absent:
		case e.isNoExec():
			b.set(e, FlagNoExec, list)
		case e.isExec():
			for _, p := range b.below(e, list) {
				p.wants &^= FlagNoExec
			}
		}
	}
	all := b.Exec.NoNewPrivileges && b.Wants("NoNewPrivileges") && !b.Privileged
	for i := range list {
		if e := &list[i]; !e.absent && (all || e.noSUID) {
			b.set(e, FlagNoSUID, nil)
		}
	}
	for i := range b.tree {
		b.adjust(&b.tree[i])
	}
}

// adjust brings one mount from the flags it has by then to those it shall have.
func (b *builder) adjust(p *point) {
	at := join(b.Base, p.path)
	if !b.Deep {
		if p.wants&kept != p.had&kept {
			b.steps = append(b.steps, Step{Do: Remount, Path: at, Flags: p.had&^kept | p.wants})
		}
		return
	}
	now := p.had | p.set
	if off := now &^ p.wants & kept; off != 0 {
		b.steps = append(b.steps, Step{Do: Clear, Path: at, Flags: off})
	}
}

// deep reports whether an entry is about what is mounted below it too.
func (e *entry) deep(flag Flags) bool {
	return e.mode != empty && e.mode != tmpfs &&
		(e.mode != privateDev || flag == FlagNoSUID || e.ro)
}

// set gives a flag to the mounts that an entry is about; others are entries that are
// about those below.
func (b *builder) set(e *entry, flag Flags, others []entry) {
	for _, p := range b.below(e, others) {
		if p.path == e.path || e.deep(flag) {
			p.wants |= flag
		}
	}
	if !b.Deep {
		return
	}
	s := Step{Do: Set, Path: e.path, Flags: flag}
	if e.deep(flag) {
		s.Flags |= FlagRecursive
	}
	for i := range b.tree {
		p := &b.tree[i]
		if p.path == e.path || e.deep(flag) && inside(e.path, p.path) {
			p.set |= flag
		}
	}
	b.step(e, s)
}

// below gives the mounts at and below the path of an entry that no other is about.
func (b *builder) below(e *entry, others []entry) (list []*point) {
	for i := range b.tree {
		p := &b.tree[i]
		if !inside(e.path, p.path) {
			continue
		}
		mine := true
		for j := range others {
			o := &others[j]
			if !o.absent && o.path != e.path && inside(e.path, o.path) && inside(o.path, p.path) {
				mine = false
				break
			}
		}
		if mine {
			list = append(list, p)
		}
	}
	return list
}
