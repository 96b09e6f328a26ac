package engine

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rouse/internal/graph"
	"rouse/internal/graph/transaction"
	"rouse/internal/unit"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
)

// JobResult is how a job ended. org.freedesktop.systemd1(5), JobRemoved.
type JobResult uint8

// The job results.
const (
	JobDoneOK JobResult = iota
	JobCanceled
	JobTimeout
	JobFailed
	JobDependency
	JobSkipped
	JobInvalid
	JobAssert
	JobUnsupported
	JobCollected
	JobOnce
	JobResults
)

var jobResultWords = [JobResults]string{
	"done", "canceled", "timeout", "failed", "dependency", "skipped", "invalid", "assert",
	"unsupported", "collected", "once",
}

func (r JobResult) String() string { return jobResultWords[r] }

// job is a queued job. A unit has at most one, besides a nop job.
type job struct {
	id           uint32
	u            *runUnit
	t            transaction.JobType
	running      bool
	irreversible bool
	ignoreOrder  bool
	queued       bool // is in the run queue
	gone         bool
	began        value.Instant
	trigger      *Trigger // what the unit is to be started for
	cause        *Cause
}

// install makes a transaction's jobs real. It returns the anchor job and the others.
func (e *Engine) install(res *transaction.Result) (anchor *job, affected []*job) {
	for _, note := range res.Dropped {
		e.log(Warning, nil, "%s", note)
	}
	for _, n := range res.Cancel {
		if j := e.at(n).job; j != nil {
			e.finish(j, JobCanceled, false)
		}
	}
	for _, t := range res.Jobs {
		j := e.installJob(t, res)
		if t == res.Anchor {
			anchor = j
		} else {
			affected = append(affected, j)
		}
	}
	return anchor, affected
}

func (e *Engine) installJob(t *transaction.Job, res *transaction.Result) *job {
	u := e.at(t.Node)
	slot := &u.job
	if t.Type == transaction.Nop {
		slot = &u.nop
	}
	if old := *slot; old != nil {
		if !transaction.Conflicting(old.t, t.Type) {
			return e.mergeInto(old, t, res)
		}
		e.finish(old, JobCanceled, false)
	}
	e.lastJob++
	j := &job{
		id: e.lastJob, u: u, t: t.Type, irreversible: res.Irreversible,
		ignoreOrder: res.IgnoreOrder, began: e.now, cause: e.because(t),
	}
	*slot = j
	e.jobs[j.id] = j
	e.busy = true
	e.emit(JobNew{ID: j.id, Unit: u.Name, Type: j.t})
	e.enqueue(j)
	if t.Type != transaction.Nop && u.Def.JobTimeout != 0 {
		e.arm(u, timerJob, u.Def.JobTimeout)
	}
	return j
}

// mergeInto lets a job that is there already do the new one's work as well.
func (e *Engine) mergeInto(old *job, t *transaction.Job, res *transaction.Result) *job {
	late := t.Type != transaction.Reload && transaction.Superset(old.t, t.Type)
	old.t, _ = transaction.Merge(old.t, t.Type, old.u.active())
	old.irreversible = old.irreversible || res.Irreversible
	old.ignoreOrder = old.ignoreOrder || res.IgnoreOrder
	if old.running && !late {
		old.running = false
	}
	e.enqueue(old)
	return old
}

// because tells why a job of a transaction is there.
func (e *Engine) because(t *transaction.Job) *Cause {
	l := t.Because
	if l.To == nil {
		return e.cause
	}
	why := "pulled in by " + l.To.Name + " " + l.Kind.String() + "=" + t.Node.Name
	if l.File != "" {
		why += " (" + l.File + ":" + strconv.Itoa(int(l.Line)) + ")"
	}
	return &Cause{
		At: e.now, Unit: t.Node.Name, What: "job " + t.Type.String() + " queued", Why: why,
		From: e.cause,
	}
}

func (e *Engine) enqueue(j *job) {
	if !j.queued && !j.gone {
		j.queued = true
		e.runq = append(e.runq, j)
	}
}

// runnable reports whether no other job must be done before j.
func (e *Engine) runnable(j *job) bool {
	if j.ignoreOrder || j.t == transaction.Nop {
		return true
	}
	for _, l := range j.u.Links(unit.After) {
		if o := e.at(l.To).job; o != nil && !o.ignoreOrder && transaction.Comes(o.t, j.t) < 0 {
			return false
		}
	}
	for _, l := range j.u.Links(unit.Before) {
		if o := e.at(l.To).job; o != nil && !o.ignoreOrder && transaction.Comes(j.t, o.t) > 0 {
			return false
		}
	}
	return true
}

// JobOrder lists by ID the jobs that wait for a queued job (after), or those that it
// waits for.
func (e *Engine) JobOrder(id uint32, after bool) (list []QueuedJob) {
	j := e.jobs[id]
	if j == nil {
		return nil
	}
	seen := map[uint32]bool{}
	for _, kind := range [...]unit.Dep{unit.After, unit.Before} {
		for _, l := range j.u.Links(kind) {
			o := e.at(l.To).job
			if o == nil || o == j || seen[o.id] || j.ignoreOrder || o.ignoreOrder {
				continue
			}
			first := transaction.Comes(j.t, o.t)
			if kind == unit.After {
				first = -transaction.Comes(o.t, j.t)
			}
			if first < 0 && after || first > 0 && !after {
				seen[o.id] = true
				list = append(list, o.brief())
			}
		}
	}
	slices.SortFunc(list, func(a, b QueuedJob) int { return int(a.ID) - int(b.ID) })
	return list
}

// breakDeadlock looks whether all queued jobs wait for each other, and lets the
// oldest go first. Transactions have no ordering cycles, but a restart that has
// become a start can close one between jobs of several.
func (e *Engine) breakDeadlock() bool {
	var oldest *job
	for _, j := range e.jobs {
		if j.running || e.runnable(j) {
			return false
		}
		if oldest == nil || j.id < oldest.id {
			oldest = j
		}
	}
	if oldest == nil {
		return false
	}
	e.log(Warning, oldest.u, "All queued jobs wait for each other; carrying out %s/%s "+
		"regardless of its order.", oldest.u.Name, oldest.t)
	oldest.ignoreOrder = true
	e.enqueue(oldest)
	return true
}

// verdict is what an attempt to start, stop or reload a unit comes to.
type verdict uint8

const (
	underway verdict = iota // events will tell
	already                 // nothing to do: done
	later                   // not in this state; tried again when it changes
	skip                    // a condition does not hold; counts as done
	skipped
	invalid
	assertFailed
	unsupported
	noDependency
	failedVerdict
	once
)

// jobOutcome says what becomes of the job for each verdict that ends it.
var jobOutcome = [...]JobResult{
	already: JobDoneOK, skip: JobDoneOK, skipped: JobSkipped, invalid: JobInvalid,
	assertFailed: JobAssert, unsupported: JobUnsupported, noDependency: JobDependency,
	failedVerdict: JobFailed, once: JobOnce,
}

// runJob looks whether a job can be carried out now, and does it.
func (e *Engine) runJob(j *job) {
	j.queued = false
	if j.gone || j.running || !e.runnable(j) {
		return
	}
	u := j.u
	j.running = true
	if u.Def.JobRunningTimeout != 0 && j.t != transaction.Nop {
		e.arm(u, timerRunning, u.Def.JobRunningTimeout)
	}
	e.cause = j.cause
	var v verdict
	switch j.t {
	case transaction.Start:
		if u.trigger == nil {
			u.trigger = j.trigger
		}
		v = e.start(u)
	case transaction.VerifyActive:
		switch {
		case u.active().Up():
			v = already
		case u.active() == graph.Activating:
			v = later
		default:
			v = skipped
		}
	case transaction.Stop, transaction.Restart:
		v = e.stop(u)
	case transaction.Reload:
		v = e.reload(u)
	case transaction.Nop:
		v = already
	case transaction.TryRestart, transaction.TryReload, transaction.ReloadOrStart,
		transaction.ReloadOrRestart, transaction.ReloadOrTryRestart, transaction.JobTypes:
		e.bug(u, "job of type "+j.t.String())
		v = invalid
	}
	switch {
	case j.gone:
	case v == underway:
		if u.testing == 0 { // else it has not begun yet
			e.logBegin(j)
		}
	case v == later:
		j.running = false
	default:
		e.finish(j, jobOutcome[v], true)
	}
}

// finish ends a job. With spread, those that depend on its success fail with it.
func (e *Engine) finish(j *job, result JobResult, spread bool) {
	u, t := j.u, j.t
	if j.gone {
		return
	}
	if result == JobDoneOK && t == transaction.Restart {
		e.logJob(j, transaction.Stop, result)
		j.t, j.running = transaction.Start, false
		e.enqueue(j)
		e.wakeNeighbours(u)
		return
	}
	j.gone = true
	delete(e.jobs, j.id)
	if u.nop == j {
		u.nop = nil
	} else {
		u.job = nil
		e.disarm(u, timerJob)
		e.disarm(u, timerRunning)
	}
	e.emit(JobDone{ID: j.id, Unit: u.Name, Type: t, Result: result})
	if t == transaction.Nop {
		return
	}
	e.logJob(j, t, result)
	if spread {
		e.spread(u, t, result)
	}
	if result == JobTimeout || result == JobDependency {
		e.trigger(u, unit.OnFailure, u.Def.OnFailureJobMode, "job result "+result.String(), e.cause)
	}
	e.tellTimers(u)
	e.touch(u)
	e.wakeNeighbours(u)
}

// failsWith are the dependencies along which a failed start fails others.
var failsWith = [...]unit.Dep{unit.RequiredBy, unit.RequisiteOf, unit.BoundBy}

// spread fails the jobs that needed this one.
func (e *Engine) spread(u *runUnit, t transaction.JobType, result JobResult) {
	starts := t == transaction.Start || t == transaction.VerifyActive
	switch {
	case result != JobDoneOK && starts:
		for _, kind := range failsWith {
			e.failDependents(u, kind)
		}
	case result != JobDoneOK && t == transaction.Stop:
		e.failDependents(u, unit.ConflictedBy)
	case (t == transaction.Start || t == transaction.Reload) && !u.active().Up():
		// A oneshot that is done and down again satisfies Requires=, not Requisite=.
		e.failDependents(u, unit.RequisiteOf)
	}
}

func (e *Engine) failDependents(u *runUnit, kind unit.Dep) {
	for _, l := range u.Links(kind) {
		j := e.at(l.To).job
		if j == nil || j.t != transaction.Start && j.t != transaction.VerifyActive {
			continue
		}
		j.u.setCause(&Cause{
			At: e.now, Unit: j.u.Name, What: "job " + j.t.String() + " failed, result dependency",
			Why:  "the job of " + u.Name + " (" + kind.Inverse().String() + "=) did not succeed",
			From: u.cause,
		})
		e.finish(j, JobDependency, true)
	}
}

// wakeNeighbours looks again at the jobs that may have waited for u's.
func (e *Engine) wakeNeighbours(u *runUnit) {
	for _, kind := range [...]unit.Dep{unit.After, unit.Before} {
		for _, l := range u.Links(kind) {
			if j := e.at(l.To).job; j != nil && !j.running {
				e.enqueue(j)
			}
		}
	}
}

// advance tells the unit's job of the state that the unit has reached. It
// reports whether the job did not foresee the change.
func (e *Engine) advance(u *runUnit, ns graph.ActiveState, reloadFailed bool) (unexpected bool) {
	j := u.job
	if j == nil {
		return true
	}
	if !j.running {
		e.enqueue(j)
	}
	failed := JobDoneOK
	if ns == graph.Failed {
		failed = JobFailed
	}
	switch j.t {
	case transaction.Start, transaction.VerifyActive:
		switch {
		case ns.Up():
			e.finish(j, JobDoneOK, true)
		case j.running && ns.Down():
			e.finish(j, failed, true)
			return true
		case j.running && ns != graph.Activating:
			return true
		}
	case transaction.Reload:
		switch {
		case !j.running:
		case ns == graph.Active:
			if reloadFailed {
				failed = JobFailed
			}
			e.finish(j, failed, true)
		case ns.Down():
			e.finish(j, failed, true)
			return true
		case ns != graph.Activating && ns != graph.Reloading:
			return true
		}
	case transaction.Stop, transaction.Restart:
		switch {
		case ns.Down():
			e.finish(j, JobDoneOK, true)
		case j.running && ns != graph.Deactivating:
			e.finish(j, JobFailed, true)
			return true
		}
	case transaction.Nop, transaction.TryRestart, transaction.TryReload, transaction.ReloadOrStart,
		transaction.ReloadOrRestart, transaction.ReloadOrTryRestart, transaction.JobTypes:
		e.bug(u, "job of type "+j.t.String())
	}
	return false
}

func (e *Engine) jobCancelled(ev JobCancelled) {
	if j := e.jobs[ev.ID]; j != nil {
		e.cause = &Cause{
			At: e.now, Unit: j.u.Name, What: "job " + j.t.String() + " cancelled", From: j.cause,
		}
		e.finish(j, JobCanceled, true)
	}
}

func (e *Engine) jobTimedOut(u *runUnit) {
	j := u.job
	if j == nil {
		return
	}
	e.log(Warning, u, "Job %s/%s timed out.", u.Name, j.t)
	e.finish(j, JobTimeout, true)
	e.act(u, u.Def.JobTimeoutAction, -1, u.Def.JobTimeoutRebootArgument, "JobTimeoutAction=")
}

// words are what is said about jobs of a unit type, where it is not what is said about
// most: when they begin, if that is said, and when they are done or have failed.
type words struct {
	starting, started, notStarted, startTimeout string
	stopping, stopped, notStopped, stopTimeout  string
}

var wordsOf = [name.Types]words{
	name.Socket: {started: "Listening on %s.", notStarted: "Failed to listen on %s.",
		stopped: "Closed %s.", notStopped: "Failed shutting down %s."},
	name.Target: {started: "Reached target %s.", stopped: "Stopped target %s."},
	name.Slice:  {started: "Created slice %s.", stopped: "Removed slice %s."},
	name.Mount: {starting: "Mounting %s...", started: "Mounted %s.",
		notStarted: "Failed to mount %s.", startTimeout: "Timed out mounting %s.",
		stopping: "Unmounting %s...", stopped: "Unmounted %s.",
		notStopped: "Failed unmounting %s.", stopTimeout: "Timed out unmounting %s."},
	name.Automount: {started: "Set up automount %s.",
		notStarted: "Failed to set up automount %s.", stopped: "Unset automount %s."},
	name.Swap: {starting: "Activating swap %s...", started: "Activated swap %s.",
		notStarted: "Failed to activate swap %s.", startTimeout: "Timed out activating swap %s.",
		stopping: "Deactivating swap %s...", stopped: "Deactivated swap %s.",
		notStopped:  "Failed deactivating swap %s.",
		stopTimeout: "Timed out deactivating swap %s."},
	name.Device: {started: "Found device %s."},
}

// jobWords are what is said about a finished job, by type and result.
var jobWords = [transaction.JobTypes][JobResults]string{
	transaction.Start: {
		JobDoneOK: "Started %s.", JobTimeout: "Timed out starting %s.", JobFailed: "Failed to start %s.",
		JobDependency: "Dependency failed for %s.", JobAssert: "Assertion failed for %s.",
		JobOnce:        "Unit %s was started already once and can't be started again.",
		JobUnsupported: "Starting of %s unsupported.",
	},
	transaction.Stop: {
		JobDoneOK: "Stopped %s.", JobTimeout: "Timed out stopping %s.",
		JobFailed: "Stopped (with error) %s.",
	},
	transaction.Reload: {
		JobDoneOK: "Reloaded %s.", JobTimeout: "Timed out reloading %s.",
		JobFailed: "Reload failed for %s.",
	},
}

// jobLevels are how important that is.
var jobLevels = [JobResults]Level{
	JobDoneOK: Info, JobCanceled: Info, JobTimeout: Err, JobFailed: Err, JobDependency: Warning,
	JobSkipped: Notice, JobInvalid: Info, JobAssert: Warning, JobUnsupported: Warning,
	JobCollected: Info, JobOnce: Err,
}

// The kinds of messages that have a number of their own, as journalctl's catalogue knows
// them. sd-messages.h of systemd.
const (
	messageStarting  = "7d4958e842da4a758f6c1cdc7b36dcc5"
	messageStarted   = "39f53479d3a045ac8e11786248231fbf"
	messageFailed    = "be02cf6855d2428ba40df7e9d022f03d"
	messageStopping  = "de5b426a63be47a7b6ac3eaac82e2f6f"
	messageStopped   = "9d1aaa27d60140bd96365438aad20286"
	messageReloading = "d34d037fff1847e6ae669a370e694725"
	messageReloaded  = "7b05ebc668384222baa8881179cfda54"
	messageExit      = "98e322203f7a4ed290d09fe03c09fe15"
	messageSuccess   = "7ad2d189f7e94e70a38c781354912448"
	messageResult    = "d9b373ed55a64feb8242e02dbe79a49c"
	messageRestart   = "5eb03494b6584870a536b337290809b3"
)

// says writes a line about a job, which has the unit in it.
func (e *Engine) says(l Level, j *job, message, text string, more ...string) {
	if text == "" || l > e.level {
		return
	}
	fields := append([]string{
		"JOB_ID=" + itoa(int(j.id)), "JOB_TYPE=" + j.t.String(), "MESSAGE_ID=" + message,
	}, more...)
	e.report(l, j.u, true, fields, fmt.Sprintf(text, j.u.Title()))
}

// logBegin says that a job that takes time has begun. One that systemd has done at once
// takes time here only because somebody else does it.
func (e *Engine) logBegin(j *job) {
	u := j.u
	w := wordsOf[u.Def.Type]
	switch j.t {
	case transaction.Start:
		if !u.atOnce() {
			e.says(Info, j, messageStarting, cmp.Or(w.starting, "Starting %s..."))
		}
	case transaction.Stop, transaction.Restart:
		e.says(Info, j, messageStopping, cmp.Or(w.stopping, "Stopping %s..."))
	case transaction.Reload:
		e.says(Info, j, messageReloading, "Reloading %s...")
	case transaction.VerifyActive, transaction.Nop, transaction.TryRestart, transaction.TryReload,
		transaction.ReloadOrStart, transaction.ReloadOrRestart, transaction.ReloadOrTryRestart,
		transaction.JobTypes:
	}
}

// atOnce reports that the start that has begun waits for nothing but the host.
func (u *runUnit) atOnce() bool {
	switch {
	case u.svc != nil:
		t := u.Def.Service.Type
		return u.svc.Sub == Start && (t == unit.Simple || t == unit.Idle)
	case u.sock != nil:
		d := u.Def.Socket
		return u.sock.Sub == SocketStartChown && d.SocketUser == "" && d.SocketGroup == "" &&
			len(d.Commands[unit.SocketStartPost]) == 0
	case u.mnt != nil:
		return false
	}
	return true
}

// logJob says how a job has ended. as is what it was, or a part of it.
func (e *Engine) logJob(j *job, as transaction.JobType, result JobResult) {
	u, message := j.u, messageReloaded
	switch {
	case as == transaction.Stop:
		message = messageStopped
	case as == transaction.Start && result == JobDoneOK:
		if u.skipped {
			return
		}
		message = messageStarted
	case as == transaction.Start:
		message = messageFailed
	}
	text := cmp.Or(u.ownWords(as, result), jobWords[as][result])
	e.says(jobLevels[result], j, message, text, "JOB_RESULT="+result.String())
	if result == JobTimeout || result == JobDependency {
		e.report(Notice, u, false,
			[]string{"JOB_TYPE=" + j.t.String(), "JOB_RESULT=" + result.String()},
			fmt.Sprintf("Job %s/%s failed with result '%s'.", u.Name, j.t, result))
	}
}

// ownWords are those of the unit's type.
func (u *runUnit) ownWords(as transaction.JobType, result JobResult) string {
	w := wordsOf[u.Def.Type]
	start, stop := as == transaction.Start, as == transaction.Stop
	switch {
	case start && result == JobDoneOK && u.svc != nil && u.Def.Service.Type == unit.Oneshot:
		return "Finished %s."
	case start && result == JobDoneOK:
		return w.started
	case start && result == JobFailed:
		return w.notStarted
	case start && result == JobTimeout:
		return w.startTimeout
	case stop && result == JobDoneOK:
		return w.stopped
	case stop && result == JobFailed:
		return w.notStopped
	case stop && result == JobTimeout:
		return w.stopTimeout
	}
	return ""
}

// logEnd says with which result a unit has come to rest.
func (e *Engine) logEnd(u *runUnit, r Result) {
	if r == ResultSuccess {
		e.report(Info, u, false, []string{"MESSAGE_ID=" + messageSuccess}, "Deactivated successfully.")
		return
	}
	e.report(Warning, u, false, []string{"UNIT_RESULT=" + r.String(), "MESSAGE_ID=" + messageResult},
		"Failed with result '"+r.String()+"'.")
}

// logExit says how a process has ended.
func (e *Engine) logExit(u *runUnit, what string, p *proc, ok bool) {
	l := Notice
	switch {
	case ok:
		l = Debug
	case p.Status.Code != ByExit:
		l = Warning
	}
	if l > e.level {
		return
	}
	end := p.Status.Code.words(p.Status.Status)
	code, _, _ := strings.Cut(end, ",")
	command := p.Kind
	if u.mnt != nil {
		command = "n/a"
	}
	e.report(l, u, false, []string{
		"EXIT_CODE=" + code, "EXIT_STATUS=" + itoa(p.Status.Status), "COMMAND=" + command,
		"MESSAGE_ID=" + messageExit,
	}, what+" process exited, code="+end)
}
