package spawn

import (
	"encoding/binary"

	"rouse/internal/host/sys"
)

// A plan goes to an executor as a row of numbers and strings, which the same
// program reads: no other version of it ever does.

type encoder struct{ text []byte }

func (e *encoder) int(n int) { e.text = binary.AppendVarint(e.text, int64(n)) }

func (e *encoder) string(s string) {
	e.int(len(s))
	e.text = append(e.text, s...)
}

func (e *encoder) strings(list []string) {
	e.int(len(list))
	for _, s := range list {
		e.string(s)
	}
}

func (e *encoder) ints(list []int) {
	e.int(len(list))
	for _, n := range list {
		e.int(n)
	}
}

// decoder reads what encoder wrote. After an error it gives zeros, and bad is set.
type decoder struct {
	text []byte
	bad  bool
}

func (d *decoder) int() int {
	v, n := binary.Varint(d.text)
	if n <= 0 || int64(int(v)) != v {
		d.bad, d.text = true, nil
		return 0
	}
	d.text = d.text[n:]
	return int(v)
}

// length reads a number of things of which each takes at least a byte.
func (d *decoder) length() int {
	n := d.int()
	if n < 0 || n > len(d.text) {
		d.bad, d.text = true, nil
		return 0
	}
	return n
}

func (d *decoder) string() string {
	n := d.length()
	s := string(d.text[:n])
	d.text = d.text[n:]
	return s
}

func (d *decoder) strings() []string {
	list := make([]string, d.length())
	for i := range list {
		list[i] = d.string()
	}
	return list
}

func (d *decoder) ints() []int {
	list := make([]int, d.length())
	for i := range list {
		list[i] = d.int()
	}
	return list
}

// encode writes what an executor needs. Messages are made by the manager.
func (p *plan) encode() []byte {
	var e encoder
	e.strings(p.argv)
	e.strings(p.env)
	e.ints(p.pids)
	fault := 0
	if p.fault != nil {
		fault = p.fault.Errno
	}
	e.int(fault)
	e.int(len(p.steps))
	for i := range p.steps {
		s := &p.steps[i]
		e.int(int(s.kind))
		e.int(s.status)
		e.string(s.text)
		e.strings(s.list)
		e.int(int(s.n[0]))
		e.int(int(s.n[1]))
		e.ints(s.ids)
		e.text = binary.BigEndian.AppendUint64(e.text, s.limit[0])
		e.text = binary.BigEndian.AppendUint64(e.text, s.limit[1])
		e.calls(s.calls)
	}
	return e.text
}

func (e *encoder) calls(list []call) {
	e.int(len(list))
	for i := range list {
		c := &list[i]
		any := 0
		if c.any {
			any = 1
		}
		e.ints([]int{int(c.nr), any, c.skip, c.done})
		e.int(len(c.fine))
		for _, errno := range c.fine {
			e.int(int(errno))
		}
		e.int(len(c.args))
		for _, g := range c.args {
			e.int(int(g.kind))
			e.int(int(g.n))
			e.string(g.text)
		}
	}
}

func (d *decoder) calls() []call {
	list := make([]call, d.length())
	for i := range list {
		c := &list[i]
		if n := d.ints(); len(n) == 4 {
			c.nr, c.any, c.skip, c.done = uintptr(n[0]), n[1] == 1, n[2], n[3]
		} else {
			d.bad = true
		}
		for range d.length() {
			c.fine = append(c.fine, sys.Errno(d.int()))
		}
		for range d.length() {
			c.args = append(c.args, arg{kind: argKind(d.int()), n: int64(d.int()), text: d.string()})
		}
		d.bad = d.bad || len(c.args) > 6 || len(c.fine) > 3
	}
	return list
}

func decodePlan(text []byte) (*plan, bool) {
	d := decoder{text: text}
	p := &plan{argv: d.strings(), env: d.strings(), pids: d.ints(), cgroup: -1}
	p.fault = &StepError{Errno: d.int()}
	for range d.length() {
		s := step{
			kind: stepKind(d.int()), status: d.int(), text: d.string(), list: d.strings(),
		}
		s.n = [2]int64{int64(d.int()), int64(d.int())}
		s.ids = d.ints()
		s.limit = [2]uint64{d.uint64(), d.uint64()}
		s.calls = d.calls()
		p.steps = append(p.steps, s)
	}
	for _, i := range p.pids {
		d.bad = d.bad || i < 0 || i >= len(p.env)
	}
	return p, !d.bad
}

func (d *decoder) uint64() uint64 {
	if len(d.text) < 8 {
		d.bad, d.text = true, nil
		return 0
	}
	v := binary.BigEndian.Uint64(d.text)
	d.text = d.text[8:]
	return v
}
