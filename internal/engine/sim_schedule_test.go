package engine

import (
	"math/rand/v2"
	"slices"
)

// schedule is everything that chance decided in a simulated world, so that the
// world can be had again, and made smaller. Draws are grouped in spans, one for
// each unit and one for each step, so that a step can be left out without the
// others becoming something else.
type schedule struct {
	units [][]int // what the units are
	steps [][]int // what happens
}

// clone copies the spans, not the draws in them.
func (s schedule) clone() schedule {
	return schedule{slices.Clone(s.units), slices.Clone(s.steps)}
}

// dice decide by chance and write down what they decide, or repeat a schedule.
// What a schedule does not say is 0, and 0 is always the simplest.
type dice struct {
	r    *rand.Rand // nil repeats the schedule
	s    schedule
	part *[][]int // the part of the schedule that is being drawn
	span int      // in that part
	pos  int      // in that span
	calm bool     // everything is the simplest from now on
}

func newDice(seed uint64) *dice { return &dice{r: rand.New(rand.NewPCG(seed, 1))} }

// begin opens the next span of a part. It reports false when a schedule that is
// repeated has none left.
func (d *dice) begin(part *[][]int) bool {
	if d.part != part {
		d.part, d.span = part, -1
	}
	d.span, d.pos = d.span+1, 0
	if d.r != nil {
		*part = append(*part, nil)
	}
	return d.span < len(*part)
}

// n is a number from 0 to k-1.
func (d *dice) n(k int) int {
	switch {
	case d.calm || d.part == nil:
		return 0
	case d.r != nil:
		v := d.r.IntN(k)
		(*d.part)[d.span] = append((*d.part)[d.span], v)
		return v
	case d.span >= len(*d.part) || d.pos >= len((*d.part)[d.span]):
		return 0
	}
	d.pos++
	return (*d.part)[d.span][d.pos-1] % k
}

// chance is true in that many of a hundred cases; never where all is simple.
func (d *dice) chance(percent int) bool { return d.n(100) >= 100-percent }

// pick takes one of them.
func pick[T any](d *dice, from ...T) T { return from[d.n(len(from))] }

// shrink makes the schedule as small as it can while fails still says true of
// it. It asks at most limit times.
func shrink(s schedule, limit int, fails func(schedule) bool) schedule {
	ask := func(t schedule) bool {
		limit--
		if limit < 0 || !fails(t) {
			return false
		}
		s = t
		return true
	}
	for size := -1; limit > 0 && size != weight(s); {
		size = weight(s)
		dropSteps(&s, ask)
		simplify(&s, func(s *schedule) *[][]int { return &s.units }, ask)
		simplify(&s, func(s *schedule) *[][]int { return &s.steps }, ask)
	}
	return s
}

// weight is what shrinking makes less of: steps, draws that are not the simplest.
func weight(s schedule) int {
	sum := 1000000 * len(s.steps)
	for _, part := range [...][][]int{s.units, s.steps} {
		for _, span := range part {
			for _, v := range span {
				sum += v
			}
		}
	}
	return sum
}

// dropSteps leaves out steps, many at once first.
func dropSteps(s *schedule, ask func(schedule) bool) {
	for chunk := len(s.steps); chunk > 0; chunk /= 2 {
		for at := max(0, len(s.steps)-chunk); ; at -= chunk {
			at = max(at, 0)
			if end := min(at+chunk, len(s.steps)); end > at {
				t := s.clone()
				t.steps = slices.Delete(t.steps, at, end)
				ask(t)
			}
			if at == 0 {
				break
			}
		}
	}
}

// simplify makes draws less: whole spans, then one draw after the other.
func simplify(s *schedule, part func(*schedule) *[][]int, ask func(schedule) bool) {
	for i := range *part(s) {
		if span := (*part(s))[i]; slices.Max(append(span, 0)) > 0 {
			t := s.clone()
			(*part(&t))[i] = nil
			ask(t)
		}
		for k := 0; k < len((*part(s))[i]); k++ {
			v := (*part(s))[i][k]
			for _, less := range [...]int{0, v / 2, v - 1} {
				if less < 0 || less >= v {
					continue
				}
				t := s.clone()
				(*part(&t))[i] = slices.Clone((*part(&t))[i])
				(*part(&t))[i][k] = less
				if ask(t) {
					break
				}
			}
		}
	}
}
