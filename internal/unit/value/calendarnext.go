package value

import "time"

// maxReal is the last moment that is computed with, at the end of the year 9999,
// as in systemd.
const maxReal = 253402214399 * uint64(Second)

// Next gives the first elapse later than after, both in microseconds since 1970;
// local is the zone of expressions that name none. ok is false if there is none
// up to the year 2199.
//
// Times of day are those of the clock on the wall: one that a change of the clock
// leaves out is skipped, and of an hour that comes twice, only one counts: the
// one that after is in, or else the first.
func (c Calendar) Next(after uint64, local *time.Location) (next uint64, ok bool) {
	if c.IsZero() || after >= maxReal {
		return 0, false
	}
	clock := wallClock{zone: c.zone}
	switch {
	case c.utc:
		clock.zone = time.UTC
	case c.zone == nil:
		clock.zone = local
	}
	w := clock.read(after + 1)
	for range maxCalendarSteps {
		switch c.advance(&w, &clock) {
		case stepFound:
			micro := clock.moment(w)*int64(Second) + int64(w[partMicro]%microPerSecond)
			if micro > int64(after) {
				return uint64(micro), true
			}
			w[partMicro]++ // the clock was set back meanwhile
		case stepNever:
			return 0, false
		case stepAgain:
		}
		w = clock.normal(w)
	}
	return 0, false
}

// maxCalendarSteps bounds the search for dates that hardly ever come. It is
// systemd's bound too.
const maxCalendarSteps = 1000

// step is what a round of the search comes to.
type step uint8

const (
	stepAgain step = iota
	stepFound
	stepNever
)

// advance moves w to the first match of the parts from left to right, until one
// of them does not fit the month, day or hour that w is in: then w is moved to
// where the search goes on.
func (c Calendar) advance(w *wall, clock *wallClock) step {
	for p := partYear; p < calendarParts; p++ {
		list := c.parts[p]
		if p == partDay && c.endOfMonth {
			list = fromMonthEnd(list, daysIn(w[partYear], w[partMonth]))
		}
		n, found := list.next(w[p])
		if found && n != w[p] {
			w[p] = n
			w.clearBelow(p)
		}
		if p == partYear && (!found || w[p] > partInfo[partYear].most) {
			return stepNever
		}
		if !found {
			w.carry(p)
			return stepAgain
		}
		switch real := clock.normal(*w); real.compare(*w) {
		case -1: // no clock goes back where it leaves something out
			return stepNever
		case 1:
			real.clearBelow(real.firstChange(*w))
			*w = real
			return stepAgain
		}
		if p == partDay && c.weekdays != 0 && c.weekdays>>w.weekday()&1 == 0 {
			w[partDay]++
			w.clearBelow(partDay)
			return stepAgain
		}
	}
	return stepFound
}

// next gives the least number of the chain that is not less than v.
func (l chain) next(v int) (least int, found bool) {
	if l == nil {
		return v, true
	}
	for _, e := range l {
		n := e.start
		if n < v {
			if e.step == 0 {
				continue
			}
			n += (v - n + e.step - 1) / e.step * e.step
			if e.stop >= 0 && n > e.stop {
				continue
			}
		}
		if !found || n < least {
			least, found = n, true
		}
	}
	return least, found
}

// fromMonthEnd turns days counted from the end of a month into those from its
// start.
func fromMonthEnd(l chain, days int) chain {
	turned := make(chain, len(l))
	for i, e := range l {
		e.start = days + 1 - e.start
		if e.stop > 0 {
			e.start, e.stop = days+1-e.stop, e.start
		}
		turned[i] = e
	}
	return turned
}

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// wall is what a clock and a calendar on the wall show.
type wall [calendarParts]int

// clearBelow sets the parts after p to the least they can be.
func (w *wall) clearBelow(p calendarPart) {
	for p++; p < calendarParts; p++ {
		w[p] = 0
		if p <= partDay {
			w[p] = 1
		}
	}
}

// carry moves on to the start of what comes after the part before p.
func (w *wall) carry(p calendarPart) {
	w[p-1]++
	w.clearBelow(p - 1)
}

// compare compares w and v down to the second.
func (w wall) compare(v wall) int {
	p := w.firstChange(v)
	switch {
	case p == calendarParts || w[p] == v[p]:
		return 0
	case w[p] < v[p]:
		return -1
	}
	return 1
}

// firstChange gives the first part in which w and v differ by a second or more.
func (w wall) firstChange(v wall) calendarPart {
	for p := partYear; p < partMicro; p++ {
		if w[p] != v[p] {
			return p
		}
	}
	if w[partMicro]/microPerSecond != v[partMicro]/microPerSecond {
		return partMicro
	}
	return calendarParts
}

// weekday gives the day of the week, Monday being 0.
func (w wall) weekday() int { return (int(w.asUTC().Weekday()) + 6) % 7 }

// asUTC gives the moment, to the second, at which a clock in UTC shows w. Parts
// may be out of range.
func (w wall) asUTC() time.Time {
	return time.Date(w[partYear], time.Month(w[partMonth]), w[partDay], w[partHour],
		w[partMinute], w[partMicro]/microPerSecond, 0, time.UTC)
}

// wallClock turns moments into what a clock shows, and back. It keeps the offset
// of the last moment, in seconds east of UTC, to choose between two moments at
// which the clock shows the same.
type wallClock struct {
	zone   *time.Location
	offset int64
}

// read gives what the clock shows at a moment in microseconds since 1970.
func (k *wallClock) read(real uint64) wall {
	t := time.UnixMicro(int64(real)).In(k.zone)
	_, offset := t.Zone()
	k.offset = int64(offset)
	return wallOf(t, t.Nanosecond()/1000)
}

func wallOf(t time.Time, micro int) wall {
	return wall{
		t.Year(), int(t.Month()), t.Day(), t.Hour(), t.Minute(), t.Second()*microPerSecond + micro,
	}
}

// normal gives what the clock really shows at the moment that w stands for.
func (k *wallClock) normal(w wall) wall {
	seconds := k.moment(w)
	return wallOf(time.Unix(seconds, 0).In(k.zone), w[partMicro]%microPerSecond)
}

// maxGuesses bounds the search for a moment; no real zone needs more than three.
const maxGuesses = 6

// moment gives the moment at which the clock shows w, in seconds since 1970. Where
// a change of the clock leaves w out, it is the moment at which the clock would
// show w without the change.
func (k *wallClock) moment(w wall) int64 {
	want := w.asUTC().Unix()
	seconds := want - k.offset
	before := seconds
	for range maxGuesses {
		guess := want - k.at(seconds)
		if guess == seconds {
			break
		}
		if guess == before { // to and fro between the two sides of a gap
			seconds = max(seconds, guess)
			break
		}
		before, seconds = seconds, guess
	}
	k.offset = want - seconds
	return seconds
}

// at gives the offset at a moment in seconds since 1970.
func (k *wallClock) at(seconds int64) int64 {
	_, east := time.Unix(seconds, 0).In(k.zone).Zone()
	return int64(east)
}
