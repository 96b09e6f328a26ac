package engine

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"rouse/internal/graph/transaction"
	"rouse/internal/tidy/tables"
	"rouse/internal/unit"
	"rouse/internal/unit/load"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
)

// kinds are the units of the table transactions, by the word after "!".
var kinds = map[string]string{
	"":         "Type=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\nExecReload=/bin/true\n",
	"noreload": "Type=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n",
	"fail":     "Type=oneshot\nRemainAfterExit=yes\nExecStart=/bin/false\nExecReload=/bin/true\n",
	"slow":     "Type=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sleep 1000\nTimeoutSec=infinity\n",
	"slowstop": "Type=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n" +
		"ExecStop=/bin/sleep 1000\nTimeoutSec=infinity\n",
	"once": "Type=oneshot\nExecStart=/bin/true\n",
	"run":  "ExecStart=/bin/sleep 1000\nExecReload=/bin/true\n",
	"die":  "ExecStart=/bin/die 0\n",
	"dief": "ExecStart=/bin/die 1\n",
}

// autoWorld is a host on which programs do what their names say.
type autoWorld struct {
	e      *Engine
	loader *load.Loader
	now    value.Instant
	queue  []Event
	later  []timedEvent
	pid    int
	reply  Replied
	full   map[string]string // "a" -> "a.service"
}

type timedEvent struct {
	at  uint64
	pid int
	ev  Event
}

func newAutoWorld(units map[string][]string) *autoWorld {
	w := &autoWorld{
		e: New(Config{Seed: 7, Strict: true}), now: value.Instant{Mono: 1e6, Real: 1e15}, pid: 10,
		full: map[string]string{},
	}
	for key := range units {
		n, kind, _ := strings.Cut(key, "!")
		w.full[n] = n + ".service"
		if kind == "target" {
			w.full[n] = n + ".target"
		}
	}
	files := fstest.MapFS{"etc/systemd/system": {Mode: fs.ModeDir | 0o755, ModTime: time.Unix(1, 0)}}
	for key, lines := range units {
		n, kind, _ := strings.Cut(key, "!")
		text := "[Unit]\nDefaultDependencies=no\nStartLimitIntervalSec=0\n"
		for _, l := range lines {
			text += w.expand(l) + "\n"
		}
		if kind != "target" {
			text += "[Service]\n" + kinds[kind]
		}
		files["etc/systemd/system/"+w.full[n]] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	w.loader = newScriptLoader(files)
	for _, n := range w.full {
		w.load(n)
	}
	for _, n := range w.full {
		w.step(Pinned{Unit: n, On: true})
	}
	return w
}

// expand gives the units in a line their full names.
func (w *autoWorld) expand(line string) string {
	key, v, _ := strings.Cut(line, "=")
	words := strings.Fields(v)
	for i, word := range words {
		if f, ok := w.full[word]; ok {
			words[i] = f
		}
	}
	return key + "=" + strings.Join(words, " ")
}

func (w *autoWorld) load(n string) {
	if w.e.unit(n) == nil {
		loaded := func(n string) bool { return w.e.unit(n) != nil }
		w.step(Loaded{Units: w.loader.Closure([]string{n}, loaded)})
	}
}

func (w *autoWorld) step(ev Event) {
	for _, fx := range w.e.Step(w.now, ev) {
		switch fx := fx.(type) {
		case Spawn:
			w.spawn(fx)
		case Kill:
			w.kill(fx)
		case TestConditions:
			ev := ConditionsTested{Op: fx.Op}
			for _, c := range fx.Unit.Conditions {
				ev.Conditions = append(ev.Conditions, (c.Param != "/nonexistent") != c.Negate)
			}
			for _, c := range fx.Unit.Asserts {
				ev.Asserts = append(ev.Asserts, (c.Param != "/nonexistent") != c.Negate)
			}
			w.queue = append(w.queue, ev)
		case Replied:
			w.reply = fx
		}
	}
}

func (w *autoWorld) spawn(fx Spawn) {
	w.pid++
	w.queue = append(w.queue, Spawned{Op: fx.Op, PID: w.pid})
	exit := Reaped{PID: w.pid, Code: ByExit, Last: true}
	switch argv := fx.Command.Argv; argv[0] {
	case "/bin/true":
	case "/bin/false":
		exit.Status = 1
	case "/bin/die":
		exit.Status = int(argv[1][0] - '0')
		w.later = append(w.later, timedEvent{w.now.Mono + 200000, w.pid, exit})
		return
	default:
		return
	}
	w.queue = append(w.queue, exit)
}

func (w *autoWorld) kill(fx Kill) {
	for _, pid := range [...]int{fx.Main, fx.Control} {
		if pid != 0 {
			w.queue = append(w.queue, Reaped{PID: pid, Code: BySignal, Status: int(fx.Signal), Last: true})
			w.later = slices.DeleteFunc(w.later, func(t timedEvent) bool { return t.pid == pid })
		}
	}
}

// rest lets things happen until nothing changes any more.
func (w *autoWorld) rest() {
	for range 2000 {
		if len(w.queue) > 0 {
			ev := w.queue[0]
			w.queue = w.queue[1:]
			w.step(ev)
			continue
		}
		at, ok := w.e.NextWake()
		if len(w.later) > 0 && (!ok || w.later[0].at <= at) {
			t := w.later[0]
			w.later = w.later[1:]
			w.now.Mono = max(w.now.Mono, t.at)
			w.step(t.ev)
			continue
		}
		if !ok || at > w.now.Mono+uint64(5*value.Second) {
			return
		}
		w.now.Mono = max(w.now.Mono, at)
		w.step(Tick{})
	}
}

// request asks for a job as the bus method EnqueueUnitJob does, and gives its error.
func (w *autoWorld) request(op [3]string) string {
	n := op[1]
	if f, ok := w.full[n]; ok {
		n = f
	}
	t, ok := transaction.ParseJobType(op[0])
	if !ok {
		return "Job type " + op[0] + " invalid"
	}
	mode, ok := unit.ParseJobMode(op[2])
	if !ok {
		return "Job mode " + op[2] + " invalid"
	}
	if !name.Valid(n, name.Plain|name.Instance) {
		return "Unit name " + n + " is not valid."
	}
	w.load(n)
	w.step(JobRequested{Unit: n, Type: t, Mode: mode})
	if w.reply.Err == nil {
		return ""
	}
	return w.short(w.reply.Err.Message)
}

// short takes the suffixes from the names of the row's units.
func (w *autoWorld) short(text string) string {
	for s, f := range w.full {
		text = strings.ReplaceAll(text, " "+f, " "+s)
		text = strings.ReplaceAll(text, "("+f, "("+s)
	}
	return text
}

func (w *autoWorld) shortName(full string) string {
	for s, f := range w.full {
		if f == full {
			return s
		}
	}
	return full
}

// TestTransactions holds the engine against systemd's answers: what a job pulls
// in, what it is refused for, and the states that result.
func TestTransactions(t *testing.T) {
	failed := 0
	for i, row := range tables.Read(t, "transactions.tsv") {
		if err := transactionRow(row); err != nil {
			failed++
			t.Errorf("row %d: %s %s %s: %v", i+1, row[0], row[1], row[2], err)
		}
	}
	if failed > 0 {
		t.Logf("%d rows differ", failed)
	}
}

func transactionRow(row []string) (err error) {
	var (
		units    map[string][]string
		pre      [][3]string
		op       [3]string
		job      *[2]string
		affected [][2]string
		after    map[string]string
	)
	for i, into := range []any{&units, &pre, &op} {
		if err := json.Unmarshal([]byte(row[i]), into); err != nil {
			return err
		}
	}
	for i, into := range []any{&job, &affected, &after} {
		if err := json.Unmarshal([]byte(row[4+i]), into); err != nil {
			return err
		}
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	w := newAutoWorld(units)
	for _, p := range pre {
		w.request(p)
		w.rest()
	}
	before := map[string]string{}
	for _, n := range w.full {
		before[n] = w.e.unit(n).invocation
	}
	if got := w.request(op); got != row[3] {
		return fmt.Errorf("error %q, want %q", got, row[3])
	}
	if err := w.checkReply(job, affected); err != nil {
		return err
	}
	w.rest()
	for s, want := range after {
		if got := w.state(w.full[s], before); got != want {
			return fmt.Errorf("%s is %q, want %q", s, got, want)
		}
	}
	return nil
}

func (w *autoWorld) checkReply(job *[2]string, affected [][2]string) error {
	if job == nil {
		return nil
	}
	got := [2]string{w.shortName(w.reply.Unit), w.reply.Type.String()}
	if got != *job {
		return fmt.Errorf("job %v, want %v", got, *job)
	}
	list := [][2]string{}
	for _, a := range w.reply.Affected {
		list = append(list, [2]string{w.shortName(a.Unit), a.Type.String()})
	}
	slices.SortFunc(list, func(a, b [2]string) int { return strings.Compare(a[0]+a[1], b[0]+b[1]) })
	if !slices.Equal(list, affected) {
		return fmt.Errorf("affected %v, want %v", list, affected)
	}
	return nil
}

func (w *autoWorld) state(n string, before map[string]string) string {
	u := w.e.unit(n)
	s := u.active().String() + "/" + u.subWord()
	if u.invocation != before[n] {
		s += " new"
	}
	if u.anyJob() != nil {
		s += " job"
	}
	return s
}
