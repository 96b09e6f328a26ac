package transaction

import (
	"fmt"
	"strings"

	"rouse/internal/graph"
	"rouse/internal/unit"
)

// settle makes the collected jobs consistent: nothing superfluous, no cycle,
// one job per unit, nothing destroyed that must not be.
func (b *builder) settle() *Error {
	b.markMattering(b.anchor)
	if b.mode == unit.Fail {
		b.minimizeImpact()
	}
	b.dropRedundant()
	for {
		if b.mode != unit.Isolate {
			b.collect()
		}
		again, err := b.checkOrder()
		if err == nil && !again {
			again, err = b.mergeJobs()
		}
		if err == nil && !again {
			again, err = b.checkOrder() // a start that has become a restart goes elsewhere
		}
		if err != nil {
			return err
		}
		if !again {
			break
		}
	}
	b.dropRedundant()
	return b.checkDestructive()
}

func (b *builder) markMattering(j *Job) {
	j.matters = true
	for _, n := range j.needs {
		if n.matters && !n.of.matters {
			b.markMattering(n.of)
		}
	}
}

// remove takes j out, and with dependants also the jobs that cannot do without it.
func (b *builder) remove(j *Job, dependants bool) {
	if j.gone {
		return
	}
	j.gone = true
	jobs := b.jobs[j.Node]
	keep := jobs[:0]
	for _, k := range jobs {
		if k != j {
			keep = append(keep, k)
		}
	}
	b.jobs[j.Node] = keep
	for _, n := range j.needs {
		n.cut = true
	}
	for _, n := range j.by {
		if n.cut {
			continue
		}
		n.cut = true
		if n.matters && dependants {
			b.remove(n.by, true)
		}
	}
}

// minimizeImpact leaves out what stops something running or changes a queued
// job, if the anchor can do without. Only for job mode "fail".
func (b *builder) minimizeImpact() {
	for again := true; again; {
		again = false
		for _, n := range b.order {
			for _, j := range b.jobs[n] {
				if j.matters {
					continue
				}
				t, _, queued := b.view.Queued(n)
				if j.Type == Stop && b.view.State(n).Rising() || queued && Conflicting(j.Type, t) {
					b.note("%s/%s left out: it would change what is there", n.Name, j.Type)
					b.remove(j, true)
					again = true
					break
				}
			}
		}
	}
}

// dropRedundant leaves out the jobs of units that are what all of their jobs want.
func (b *builder) dropRedundant() {
	for _, n := range b.order {
		if b.redundant(n) {
			for len(b.jobs[n]) > 0 {
				b.remove(b.jobs[n][0], false)
			}
		}
	}
}

func (b *builder) redundant(n *graph.Node) bool {
	state := b.view.State(n)
	t, _, queued := b.view.Queued(n)
	for _, j := range b.jobs[n] {
		if j == b.anchor || !Redundant(j.Type, state) || queued && Conflicting(j.Type, t) {
			return false
		}
	}
	return true
}

// collect leaves out the jobs that nothing asks for any more.
func (b *builder) collect() {
	for again := true; again; {
		again = false
		for _, n := range b.order {
			for i := 0; i < len(b.jobs[n]); i++ {
				if j := b.jobs[n][i]; j != b.anchor && !j.needed() {
					b.remove(j, true)
					again = true
					i--
				}
			}
		}
	}
}

func (j *Job) needed() bool {
	for _, n := range j.by {
		if !n.cut {
			return true
		}
	}
	return false
}

// mergeJobs makes one job of all those of a unit. If two contradict each
// other, one that the anchor can do without goes, and again is true.
func (b *builder) mergeJobs() (again bool, err *Error) {
	for _, n := range b.order {
		jobs := b.jobs[n]
		if len(jobs) < 2 {
			continue
		}
		t := jobs[0].Type
		for _, j := range jobs[1:] {
			m, ok := Merge(t, j.Type, b.view.State(n))
			if !ok {
				return true, b.dropConflicting(n)
			}
			t = m
		}
	}
	for _, n := range b.order {
		b.mergeUnit(n)
	}
	return false, nil
}

func (b *builder) mergeUnit(n *graph.Node) {
	jobs := b.jobs[n]
	if len(jobs) < 2 {
		return
	}
	into := jobs[0]
	for _, j := range jobs {
		if j == b.anchor {
			into = j
		}
	}
	for _, j := range jobs {
		if j == into {
			continue
		}
		into.Type, _ = Merge(into.Type, j.Type, b.view.State(n))
		into.matters = into.matters || j.matters
		into.ignoreOrder = into.ignoreOrder || j.ignoreOrder
		for _, x := range j.needs {
			x.by = into
		}
		for _, x := range j.by {
			x.of = into
		}
		into.needs = append(into.needs, j.needs...)
		into.by = append(into.by, j.by...)
		j.gone = true
	}
	b.jobs[n] = []*Job{into}
}

// dropConflicting removes one of two jobs of n that contradict each other.
func (b *builder) dropConflicting(n *graph.Node) *Error {
	for i, j := range b.jobs[n] {
		for _, k := range b.jobs[n][i+1:] {
			if !Conflicting(j.Type, k.Type) {
				continue
			}
			drop := lesser(j, k)
			if drop == nil {
				return fail("TransactionJobsConflicting", "Transaction contains conflicting jobs "+
					"'%s' and '%s' for %s. Probably contradicting requirement dependencies configured.",
					j.Type, k.Type, n.Name)
			}
			b.note("%s/%s left out: it contradicts another job for %s", n.Name, drop.Type, n.Name)
			b.remove(drop, true)
			return nil
		}
	}
	return nil
}

// lesser picks the one of two contradicting jobs that can go; nil if neither can.
// A stop gives way to a start, unless a Conflicts= asked for the stop.
func lesser(j, k *Job) *Job {
	switch {
	case j.matters && k.matters:
		return nil
	case !j.matters && k.matters:
		return j
	case j.matters:
		return k
	case j.Type == Stop && j.conflicted():
		return k
	case k.Type == Stop && k.conflicted():
		return j
	case k.Type == Stop:
		return k
	}
	return j
}

func (j *Job) conflicted() bool {
	for _, n := range j.by {
		if !n.cut && n.conflicts {
			return true
		}
	}
	return false
}

// checkDestructive refuses to replace queued jobs that must not be replaced.
func (b *builder) checkDestructive() *Error {
	for _, n := range b.order {
		for _, j := range b.jobs[n] {
			t, irreversible, queued := b.view.Queued(n)
			if !queued || b.mode != unit.Fail && !irreversible || !Conflicting(t, j.Type) {
				continue
			}
			return fail("TransactionIsDestructive", "Transaction for %s/%s is destructive (%s has "+
				"'%s' job queued, but '%s' is included in transaction).",
				b.anchor.Node.Name, b.anchor.Type, n.Name, t, j.Type)
		}
	}
	return nil
}

// checkOrder looks for ordering cycles. It removes one job that the anchor can
// do without and says again; without such a job there is no transaction.
func (b *builder) checkOrder() (again bool, err *Error) {
	b.gen++
	walk := orderWalk{b: b, foreign: map[*graph.Node]*Job{}}
	for _, n := range b.order {
		for _, j := range b.jobs[n] {
			again, err = walk.visit(j, nil)
			if again || err != nil {
				return again, err
			}
		}
	}
	return false, nil
}

// orderWalk is one depth-first walk along "must be done before".
type orderWalk struct {
	b       *builder
	foreign map[*graph.Node]*Job // stand-ins for jobs that are queued already
}

func (w *orderWalk) visit(j, from *Job) (again bool, err *Error) {
	if j.visit == w.b.gen {
		if j.path == nil {
			return false, nil // seen before, and no cycle was there
		}
		return w.cycle(j, from)
	}
	j.visit, j.path = w.b.gen, from
	if from == nil {
		j.path = j
	}
	for _, kind := range [...]unit.Dep{unit.Before, unit.After} {
		for _, l := range j.Node.Links(kind) {
			o := w.jobOf(l.To)
			if o == nil || !goesFirst(j, o, kind) {
				continue
			}
			if again, err = w.visit(o, j); again || err != nil {
				return again, err
			}
		}
	}
	j.path = nil
	return false, nil
}

func (w *orderWalk) jobOf(n *graph.Node) *Job {
	if jobs := w.b.jobs[n]; len(jobs) > 0 {
		return jobs[0]
	}
	if j := w.foreign[n]; j != nil {
		return j
	}
	t, _, queued := w.b.view.Queued(n)
	if !queued {
		return nil
	}
	j := &Job{Node: n, Type: t, gone: true}
	w.foreign[n] = j
	return j
}

// goesFirst reports whether j must be done before o, given that j's unit has
// the ordering dependency kind on o's.
func goesFirst(j, o *Job, kind unit.Dep) bool {
	if j.ignoreOrder || o.ignoreOrder {
		return false
	}
	if kind == unit.Before {
		return Comes(j.Type, o.Type) < 0
	}
	return Comes(o.Type, j.Type) > 0
}

// cycle deals with a cycle that goes from j … to from and back to j.
func (w *orderWalk) cycle(j, from *Job) (again bool, err *Error) {
	var ring []*Job // backwards, j last
	for k := from; ; k = k.path {
		ring = append(ring, k)
		if k == j || k.path == k || k.path == nil {
			break
		}
	}
	var drop *Job
	for _, k := range ring {
		if !k.gone && !w.b.mattering(k.Node) {
			drop = k
			break
		}
	}
	text := describeCycle(ring)
	if drop == nil {
		w.b.note("%s", text)
		return false, &Error{Name: "TransactionOrderIsCyclic", Message: "Transaction order is cyclic. " +
			"See system logs for details.", Detail: text}
	}
	w.b.note("%s; job %s/%s deleted to break it", text, drop.Node.Name, drop.Type)
	for len(w.b.jobs[drop.Node]) > 0 {
		w.b.remove(w.b.jobs[drop.Node][0], true)
	}
	return true, nil
}

// mattering reports that the anchor cannot do without some job of n.
func (b *builder) mattering(n *graph.Node) bool {
	for _, j := range b.jobs[n] {
		if j.matters {
			return true
		}
	}
	return false
}

// describeCycle names each unit of the ring and where its order is written.
func describeCycle(ring []*Job) string {
	var s strings.Builder
	s.WriteString("ordering cycle: ")
	for i := len(ring) - 1; i >= 0; i-- {
		a, next := ring[i].Node, ring[(i-1+len(ring))%len(ring)].Node
		l, ok := a.Find(unit.Before, next)
		if !ok {
			l, _ = a.Find(unit.After, next)
		}
		where := "implicit"
		if l.File != "" {
			where = fmt.Sprintf("%s:%d", l.File, l.Line)
		}
		fmt.Fprintf(&s, "%s before %s (%s), ", a.Name, next.Name, where)
	}
	return strings.TrimSuffix(s.String(), ", ")
}
