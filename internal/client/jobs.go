package client

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"

	"rouse/internal/face"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// jobVerbs says which job a verb asks for; isolate is set for those that isolate,
// unit for those that name their unit themselves.
var jobVerbs = map[string]struct {
	job     string
	isolate bool
	unit    string
}{
	"start":                 {job: "start"},
	"stop":                  {job: "stop"},
	"reload":                {job: "reload"},
	"restart":               {job: "restart"},
	"try-restart":           {job: "try-restart"},
	"condrestart":           {job: "try-restart"},
	"reload-or-restart":     {job: "reload-or-restart"},
	"try-reload-or-restart": {job: "reload-or-try-restart"},
	"reload-or-try-restart": {job: "reload-or-try-restart"},
	"condreload":            {job: "reload-or-try-restart"},
	"force-reload":          {job: "reload-or-try-restart"},
	"isolate":               {job: "start", isolate: true},
	"default":               {job: "start", isolate: true, unit: "default.target"},
	"rescue":                {job: "start", isolate: true, unit: "rescue.target"},
	"emergency":             {job: "start", isolate: true, unit: "emergency.target"},
	"suspend":               {job: "start", unit: "suspend.target"},
	"hibernate":             {job: "start", unit: "hibernate.target"},
	"hybrid-sleep":          {job: "start", unit: "hybrid-sleep.target"},

	"suspend-then-hibernate": {job: "start", unit: "suspend-then-hibernate.target"},
}

// errorStatus gives the exit status for errors of the manager; 1 for others.
var errorStatus = map[string]int{
	face.NoSuchUnit:               exitNotInstalled,
	face.JobTypeNotApplicable:     exitNotApplicable,
	face.NotSupported:             exitNotApplicable,
	face.AccessDenied:             exitNoPermission,
	face.OnlyByDependency:         exitNoPermission,
	face.NoIsolation:              exitNoPermission,
	face.TransactionIsDestructive: exitNoPermission,
	face.LoadFailed:               6, // not configured
}

// plainErrors are those after which there is nothing to be found in the logs.
var plainErrors = []string{face.NoSuchUnit, face.UnitMasked, face.JobTypeNotApplicable}

// changeState queues a job for each unit, and unless --no-block waits for all of
// them.
func changeState(a *app, args []string) (int, error) {
	jv := jobVerbs[a.verb.name]
	suffix, modeWord := ".service", a.opts.jobMode
	if jv.isolate {
		suffix, modeWord = ".target", unit.Isolate.String()
	}
	if jv.unit != "" {
		args = []string{jv.unit}
	}
	if a.opts.dryRun {
		return a.dryRun(args)
	}
	a.warnGlobs(jv.job, args)
	units, err := a.resolveAs(args, suffix)
	if err != nil {
		return exitFailure, err
	}
	mode, ok := unit.ParseJobMode(modeWord)
	if !ok {
		status := exitOK
		for _, u := range units {
			status = a.refused(jv.job, u, complain("Job mode %s invalid", modeWord))
		}
		return status, nil
	}
	m, err := a.manager()
	if err != nil {
		return exitFailure, err
	}
	var watch *watcher
	if a.opts.wait && jv.job != "stop" {
		if watch, err = a.watch(m); err != nil {
			return exitFailure, err
		}
		defer watch.close()
	}
	status, started := a.enqueueAll(m, jv.job, units, mode)
	if watch != nil && status == exitOK {
		return watch.ended(started)
	}
	return status, nil
}

// dryRun shows what would be queued for each unit on its own.
func (a *app) dryRun(args []string) (int, error) {
	result := exitOK
	for _, arg := range args {
		status, err := a.planned(a.verb.name, arg)
		if err != nil {
			return status, err
		}
		if result == exitOK {
			result = status
		}
	}
	return result, nil
}

// warnGlobs says that patterns seldom start anything.
func (a *app) warnGlobs(job string, args []string) {
	glob := slices.ContainsFunc(args, func(s string) bool { return strings.ContainsAny(s, "*?[") })
	if job != "start" || !glob || a.opts.all || a.opts.quiet {
		return
	}
	a.warn(`Warning: %[1]s start called with a glob pattern.
Hint: unit globs expand to loaded units, so start will usually have no effect.
      Passing --all will also load units which are pulled in by other units.
      See systemctl(1) for more details.`, a.name())
}

// outcome is what became of one request for a job.
type outcome struct {
	unit  string
	reply face.JobReply
	err   error
}

// enqueueAll queues all jobs at once and reports first on those that were refused,
// then on those that did not end well. It gives the exit status, and the units for
// which all went well.
func (a *app) enqueueAll(
	m face.Manager, job string, units []string, mode unit.JobMode,
) (status int, good []string) {
	outcomes := make([]outcome, len(units))
	var wg sync.WaitGroup
	for i, u := range units {
		o := &outcomes[i]
		o.unit = u
		queued := make(chan struct{})
		tell := sync.OnceFunc(func() { close(queued) })
		wg.Go(func() {
			defer tell()
			o.reply, o.err = m.Enqueue(a.ctx, face.JobRequest{
				Unit: u, Type: job, Mode: mode, Wait: !a.opts.noBlock, Queued: tell,
			})
		})
		<-queued // one after the other, and then all are waited for
	}
	wg.Wait()
	for _, o := range outcomes {
		if o.err != nil {
			if s := a.refused(job, o.unit, o.err); status == exitOK {
				status = s
			}
		}
	}
	for _, o := range outcomes {
		switch {
		case o.err != nil:
			continue
		case !a.opts.noBlock && !a.finished(o.reply):
			status = exitFailure
			continue
		}
		good = append(good, o.unit)
		a.afterJob(job, o.unit)
	}
	return status, good
}

// refused says why a job could not be queued.
func (a *app) refused(job, u string, err error) int {
	a.warn("Failed to %s %s: %v", job, u, err)
	var e *face.Error
	if errors.As(err, &e) {
		if !slices.Contains(plainErrors, e.Name) {
			a.seeLogs(u)
		}
		if s, ok := errorStatus[e.Name]; ok {
			return s
		}
		return exitFailure
	}
	a.seeLogs(u)
	return exitFailure
}

func (a *app) seeLogs(u string) {
	if a.opts.quiet {
		return
	}
	which, option := "system", ""
	if a.opts.user {
		which, option = "user", " --user"
	}
	a.warn("See %s logs and '%s%s status %s' for details.", which, a.name(), option, u)
}

// resultTexts say what the result of a job means, where that is not "failed".
var resultTexts = map[string]string{
	"canceled":    "Job for %s canceled.",
	"timeout":     "Job for %s timed out.",
	"dependency":  "A dependency job for %s failed. See 'journalctl -xe' for details.",
	"invalid":     "%s is not active, cannot reload.",
	"assert":      "Assertion failed on job for %s.",
	"unsupported": "Operation on or unit type of %s not supported on this system.",
	"collected":   "Queued job for %s was garbage collected.",
	"once":        "Unit %s was started already once and can't be started again.",
}

// becauseTexts say what the result of a service means.
var becauseTexts = map[string]string{
	"resources":       "of unavailable resources or another system error",
	"protocol":        "the service did not take the steps required by its unit configuration",
	"timeout":         "a timeout was exceeded",
	"exit-code":       "the control process exited with error code",
	"signal":          "a fatal signal was delivered to the control process",
	"core-dump":       "a fatal signal was delivered causing the control process to dump core",
	"watchdog":        "the service failed to send watchdog ping",
	"start-limit-hit": "start of the service was attempted too often",
	"oom-kill":        "of an out-of-memory (OOM) situation",
}

// finished says what became of a job, if that is not good.
func (a *app) finished(r face.JobReply) (good bool) {
	if r.Result == "done" || r.Result == "skipped" {
		return true
	}
	if a.opts.quiet {
		return false
	}
	if text, ok := resultTexts[r.Result]; ok {
		a.warn(text, r.Unit)
		return false
	}
	if !strings.HasSuffix(r.Unit, ".service") {
		a.warn(`Job failed. See "journalctl -xe" for details.`)
		return false
	}
	because, result := "", ""
	if p, err := a.properties(r.Unit, "Result"); err == nil {
		result = p.string("Result")
	}
	if text := becauseTexts[result]; text != "" {
		because = " because " + text
	}
	ctl, log := a.name(), "journalctl"
	if a.opts.user {
		ctl, log = ctl+" --user", log+" --user"
	}
	a.warn("Job for %[1]s failed%[2]s.\n"+
		`See "%[3]s status %[1]s" and "%[4]s -xeu %[1]s" for details.`, r.Unit, because, ctl, log)
	if result == "start-limit-hit" {
		a.warn("To force a start use \"%[2]s reset-failed %[1]s\"\n"+
			"followed by \"%[2]s start %[1]s\" again.", r.Unit, ctl)
	}
	return false
}

// afterJob warns of what may surprise: files that changed on disk, units that
// start again what was stopped.
func (a *app) afterJob(job, u string) {
	if a.opts.quiet {
		return
	}
	p, err := a.properties(u, "NeedDaemonReload", "TriggeredBy", "LoadState")
	if err != nil {
		return
	}
	a.warnOutdated(p, u)
	if job != "stop" || a.opts.noBlock || p.string("LoadState") == "masked" {
		return
	}
	var active []string
	for _, t := range p.strings("TriggeredBy") {
		if s := a.activeState(t); s == "active" || s == "reloading" {
			active = append(active, t)
		}
	}
	if len(active) > 0 {
		slices.Sort(active)
		a.warn("Warning: Stopping %s, but it can still be activated by:\n  %s",
			u, strings.Join(active, "\n  "))
	}
}

// warnOutdated says that the files of a unit have changed since they were read.
func (a *app) warnOutdated(p properties, u string) {
	if p.bool("NeedDaemonReload") {
		a.warn("Warning: The unit file, source configuration file or drop-ins of %s changed on "+
			"disk. Run '%s daemon-reload' to reload units.", u, a.name())
	}
}

// watcher follows events until units have stopped again.
type watcher struct {
	a      *app
	m      face.Manager
	events <-chan face.Event
	close  context.CancelFunc
}

func (a *app) watch(m face.Manager) (*watcher, error) {
	ctx, cancel := context.WithCancel(a.ctx)
	events, err := m.Subscribe(ctx)
	if err != nil {
		cancel()
		return nil, complain("Failed to watch units: %v", err)
	}
	return &watcher{a: a, m: m, events: events, close: cancel}, nil
}

// ended waits until the units are inactive or failed; one that failed makes the
// status 1.
func (w *watcher) ended(units []string) (int, error) {
	status := exitOK
	waiting := map[string]bool{}
	look := func(u, active string) {
		switch active {
		case "failed":
			status = exitFailure
			delete(waiting, u)
		case "inactive":
			delete(waiting, u)
		}
	}
	for _, u := range units {
		waiting[u] = true
		look(u, w.a.activeState(u))
	}
	for len(waiting) > 0 {
		e, ok := <-w.events
		if !ok {
			return exitFailure, complain("Lost the connection to the manager while waiting.")
		}
		if e.Kind == "unit-changed" && waiting[e.Unit] {
			look(e.Unit, e.Active)
		}
	}
	return status, nil
}

// activeState gives the active state of a unit in memory; "inactive" if it is not
// there.
func (a *app) activeState(u string) string {
	m, err := a.manager()
	if err != nil {
		return "inactive"
	}
	list, err := m.Units(a.ctx, []string{u}, false)
	if err != nil || len(list) == 0 {
		return "inactive"
	}
	return list[0].Active
}

func kill(a *app, args []string) (int, error) {
	sig := value.SIGTERM
	if a.opts.signal != "" {
		var err error
		if sig, err = value.ParseSignal(a.opts.signal); err != nil {
			return exitFailure, complain("Failed to parse signal string \"%s\".", a.opts.signal)
		}
	}
	return a.each(args, "Failed to kill unit %s: %v", func(m face.Manager, u string) error {
		return m.Kill(a.ctx, u, a.opts.killWhom, sig)
	})
}

// each does something to every unit and says what failed.
func (a *app) each(args []string, text string, f func(face.Manager, string) error) (int, error) {
	units, err := a.resolve(args)
	if err != nil {
		return exitFailure, err
	}
	m, err := a.manager()
	if err != nil {
		return exitFailure, err
	}
	status := exitOK
	for _, u := range units {
		if err := f(m, u); err != nil {
			a.warn(text, u, err)
			status = exitFailure
		}
	}
	return status, nil
}

func resetFailed(a *app, args []string) (int, error) {
	if len(args) > 0 {
		return a.each(args, "Failed to reset failed state of unit %s: %v",
			func(m face.Manager, u string) error { return m.ResetFailed(a.ctx, []string{u}) })
	}
	m, err := a.manager()
	if err != nil {
		return exitFailure, err
	}
	return exitOK, m.ResetFailed(a.ctx, nil)
}

func loadUnits(a *app, args []string) (int, error) {
	return a.each(args, "Failed to load unit %s: %v", func(m face.Manager, u string) error {
		loaded, err := m.Load(a.ctx, []string{u})
		for _, l := range loaded {
			if err == nil && l.Load != "loaded" {
				err = errors.New(l.Load)
			}
		}
		return err
	})
}

func removeUnits(a *app, args []string) (int, error) {
	return a.each(args, "Failed to remove unit %s: %v", func(m face.Manager, u string) error {
		return m.Remove(a.ctx, u)
	})
}

func cancel(a *app, args []string) (int, error) {
	m, err := a.manager()
	if err != nil {
		return exitFailure, err
	}
	var ids []uint32
	for _, arg := range args {
		id, err := strconv.ParseUint(arg, 10, 32)
		if err != nil {
			return exitFailure, complain("Failed to parse job id \"%s\": Invalid argument", arg)
		}
		ids = append(ids, uint32(id))
	}
	if len(args) == 0 {
		jobs, err := m.Jobs(a.ctx)
		if err != nil {
			return exitFailure, complain("Failed to list jobs: %v", err)
		}
		for _, j := range jobs {
			ids = append(ids, j.ID)
		}
	}
	status := exitOK
	for _, id := range ids {
		var e *face.Error
		err := m.Cancel(a.ctx, id)
		if len(args) == 0 && errors.As(err, &e) && e.Name == face.NoSuchJob {
			continue // it went with another one, or has finished
		}
		if err != nil {
			a.warn("Failed to cancel job %d: %v", id, err)
			status = exitFailure
		}
	}
	return status, nil
}
