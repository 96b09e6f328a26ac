// Package graph holds the dependencies between loaded units: which unit is
// tied to which, in what way, and where that is written. It also knows the
// dependencies that no file states (implicit and default ones). It knows
// nothing of jobs or of what runs. It answers for the dependency parts of
// systemd.unit(5).
package graph

import (
	"iter"
	"slices"
	"strings"

	"rouse/internal/unit"
	"rouse/internal/unit/name"
)

// Link is one dependency of a node. To is the other end.
type Link struct {
	To   *Node
	Kind unit.Dep
	// Mask tells which ends stated it: 1 the node itself, 2 the other one.
	Mask uint8
	Line int32
	File string
}

// The bits of Link.Mask.
const (
	own uint8 = 1 << iota
	foreign
)

// Node is a unit in the graph. Def is its definition and is replaced by a reload.
type Node struct {
	ID   int // small and dense; reused after Remove
	Name string
	Def  *unit.Unit

	links  []Link // sorted by kind and name of the other end once sorted is set
	sorted bool
	off    [unit.Deps + 1]int32
}

// Graph is a set of nodes, reached by any of their names.
type Graph struct {
	byName map[string]*Node
	nodes  []*Node // by ID; nil where free
	free   []int
}

// New returns an empty graph.
func New() *Graph { return &Graph{byName: map[string]*Node{}} }

// Get finds the node with the given name or alias; nil if there is none.
func (g *Graph) Get(name string) *Node { return g.byName[name] }

// Len is one more than the largest ID in use.
func (g *Graph) Len() int { return len(g.nodes) }

// At returns the node with the given ID, or nil.
func (g *Graph) At(id int) *Node { return g.nodes[id] }

// Nodes returns all nodes, sorted by name.
func (g *Graph) Nodes() []*Node {
	all := make([]*Node, 0, len(g.nodes))
	for _, n := range g.nodes {
		if n != nil {
			all = append(all, n)
		}
	}
	slices.SortFunc(all, func(a, b *Node) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Add makes nodes of the definitions and links them to each other and to what
// is there already. A definition whose name is known replaces the former one,
// with the dependencies that one stated. Other ends that are not known are left
// out; they are linked when they are added. If all definitions are those that are
// there, nothing changes.
func (g *Graph) Add(defs []*unit.Unit) []*Node {
	added := make([]*Node, 0, len(defs))
	var former []*Node
	changed := false
	for _, def := range defs {
		if n := g.byName[def.Name]; n != nil && n.Name == def.Name {
			former = append(former, n)
			changed = changed || n.Def != def
		}
	}
	if len(former) == len(defs) && !changed {
		return former
	}
	if len(former) > 0 {
		g.dropOwn(former)
	}
	for _, def := range defs {
		n := g.byName[def.Name]
		if n == nil || n.Name != def.Name {
			n = &Node{Name: def.Name}
			g.place(n)
		} else {
			g.dropAliases(n)
		}
		n.Def = def
		g.byName[def.Name] = n
		for _, alias := range def.Names {
			// A unit that is loaded under that name keeps it.
			if is := g.byName[alias]; is == nil || is.Name != alias || is.Def.Load != unit.Loaded {
				g.byName[alias] = n
			}
		}
		added = append(added, n)
	}
	if len(added) > 1 {
		g.makeRoom(added)
	}
	g.eachEdge(added, connect)
	g.orderTargets(added)
	return added
}

// eachEdge calls f for the edges that the nodes state and whose other ends are there.
func (g *Graph) eachEdge(nodes []*Node, f func(from, to *Node, e *unit.Edge)) {
	for _, n := range nodes {
		for i := range n.Def.Edges {
			e := &n.Def.Edges[i]
			if to := g.byName[e.Name]; to != nil && to != n {
				f(n, to, e)
			}
		}
	}
}

// makeRoom makes as much room for links as the edges of new nodes need.
func (g *Graph) makeRoom(added []*Node) {
	need := make([]int, len(g.nodes)) // by ID
	g.eachEdge(added, func(from, to *Node, _ *unit.Edge) {
		need[from.ID]++
		need[to.ID]++
	})
	for id, count := range need {
		if count > 0 {
			g.nodes[id].links = slices.Grow(g.nodes[id].links, count)
		}
	}
}

func (g *Graph) place(n *Node) {
	if k := len(g.free); k > 0 {
		n.ID = g.free[k-1]
		g.free = g.free[:k-1]
		g.nodes[n.ID] = n
		return
	}
	n.ID = len(g.nodes)
	g.nodes = append(g.nodes, n)
}

// orderTargets orders targets after what they pull in. systemd.target(5).
func (g *Graph) orderTargets(added []*Node) {
	order := func(target, other *Node) {
		if target.Def.Type != name.Target || target.Has(unit.After, other) ||
			target.Has(unit.Before, other) || !TargetAfter(target.Def, other.Def) {
			return
		}
		connect(target, other, &unit.Edge{Kind: unit.After, Name: other.Name, Default: true})
	}
	pulls := [...]unit.Dep{unit.Wants, unit.Requires, unit.Requisite, unit.BindsTo, unit.Upholds}
	for _, n := range added {
		for _, k := range pulls {
			for _, l := range slices.Clone(n.Links(k)) {
				order(n, l.To)
			}
			for _, l := range slices.Clone(n.Links(k.Inverse())) {
				order(l.To, n)
			}
		}
	}
}

// Remove takes nodes and all their links out of the graph.
func (g *Graph) Remove(nodes ...*Node) {
	gone := make(map[*Node]bool, len(nodes))
	for _, n := range nodes {
		gone[n] = true
	}
	near := map[*Node]bool{}
	for _, n := range nodes {
		for _, l := range n.links {
			near[l.To] = !gone[l.To]
		}
	}
	for n, stays := range near {
		if stays {
			n.unlink(gone)
		}
	}
	for _, n := range nodes {
		g.remove(n)
	}
}

func (g *Graph) remove(n *Node) {
	n.links = nil
	if g.byName[n.Name] == n {
		delete(g.byName, n.Name)
	}
	g.dropAliases(n)
	g.nodes[n.ID] = nil
	g.free = append(g.free, n.ID)
}

func (g *Graph) dropAliases(n *Node) {
	for _, alias := range n.Def.Names {
		if g.byName[alias] == n {
			delete(g.byName, alias)
		}
	}
}

// connect records the edge at both ends.
func connect(from, to *Node, e *unit.Edge) {
	from.add(Link{To: to, Kind: e.Kind, Mask: own, File: e.File, Line: int32(e.Line)})
	to.add(Link{To: from, Kind: e.Kind.Inverse(), Mask: foreign, File: e.File, Line: int32(e.Line)})
}

func (n *Node) add(l Link) {
	n.links = append(n.links, l)
	n.sorted = false
}

// dropOwn forgets the links that the former definitions of the nodes stated.
func (g *Graph) dropOwn(nodes []*Node) {
	former := make([]bool, len(g.nodes)) // by ID
	near := make([]bool, len(g.nodes))
	for _, n := range nodes {
		former[n.ID], near[n.ID] = true, true
		for i := range n.links {
			near[n.links[i].To.ID] = true
		}
	}
	for id, is := range near {
		if is {
			g.nodes[id].dropStated(former)
		}
	}
}

// dropStated forgets what n, if it is one of those nodes, and what they stated.
func (n *Node) dropStated(nodes []bool) {
	n.sort()
	keep := n.links[:0]
	for _, l := range n.links {
		if nodes[n.ID] {
			l.Mask &^= own
		}
		if nodes[l.To.ID] {
			l.Mask &^= foreign
		}
		if l.Mask != 0 {
			keep = append(keep, l)
		}
	}
	clear(n.links[len(keep):])
	n.links = keep
	n.index()
}

func (n *Node) unlink(gone map[*Node]bool) {
	n.links = slices.DeleteFunc(n.links, func(l Link) bool { return gone[l.To] })
	n.sorted = false
}

// Links are the dependencies of one kind, sorted by the name of the other end.
// The slice is the node's own and holds until the graph changes.
func (n *Node) Links(kind unit.Dep) []Link {
	n.sort()
	return n.links[n.off[kind]:n.off[kind+1]]
}

// Linked reports whether anything depends on n or n on anything.
func (n *Node) Linked() bool { return len(n.links) > 0 }

// Has reports whether n has a dependency of that kind on the other node.
func (n *Node) Has(kind unit.Dep, other *Node) bool {
	_, ok := n.Find(kind, other)
	return ok
}

// Find returns the link of that kind to the other node.
func (n *Node) Find(kind unit.Dep, other *Node) (Link, bool) {
	links := n.Links(kind)
	i, ok := slices.BinarySearchFunc(links, other.Name, func(l Link, s string) int {
		return strings.Compare(l.To.Name, s)
	})
	if !ok {
		return Link{}, false
	}
	return links[i], true
}

// sort orders the links and makes one of those that say the same; a link that
// is written in a file is kept before an implicit one.
func (n *Node) sort() {
	if n.sorted {
		return
	}
	slices.SortStableFunc(n.links, func(a, b Link) int {
		if a.Kind != b.Kind {
			return int(a.Kind) - int(b.Kind)
		}
		return strings.Compare(a.To.Name, b.To.Name)
	})
	out := n.links[:0]
	for _, l := range n.links {
		if k := len(out) - 1; k >= 0 && out[k].Kind == l.Kind && out[k].To == l.To {
			out[k].Mask |= l.Mask
			if out[k].File == "" {
				out[k].File, out[k].Line = l.File, l.Line
			}
			continue
		}
		out = append(out, l)
	}
	clear(n.links[len(out):])
	n.links = out
	n.index()
	n.sorted = true
}

// index finds where the links of each kind begin. They are sorted.
func (n *Node) index() {
	kind := unit.Dep(0)
	for i := range n.links {
		for ; kind <= n.links[i].Kind; kind++ {
			n.off[kind] = int32(i)
		}
	}
	for ; kind <= unit.Deps; kind++ {
		n.off[kind] = int32(len(n.links))
	}
}

// Refers gives the nodes that n's own definition names, in the order of its links.
func (n *Node) Refers() iter.Seq[*Node] { return n.stated(own) }

// ReferredBy gives the nodes whose definitions name n, in the order of its links.
func (n *Node) ReferredBy() iter.Seq[*Node] { return n.stated(foreign) }

// stated gives the other ends of the links that one end stated.
func (n *Node) stated(by uint8) iter.Seq[*Node] {
	return func(yield func(*Node) bool) {
		for i := range n.links {
			if n.links[i].Mask&by != 0 && !yield(n.links[i].To) {
				return
			}
		}
	}
}
