package manager

import (
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"rouse/internal/engine"
	"rouse/internal/host/ability"
	"rouse/internal/host/cgroup"
	"rouse/internal/host/control"
	"rouse/internal/host/credentials"
	"rouse/internal/host/dirs"
	"rouse/internal/host/output"
	"rouse/internal/host/private"
	"rouse/internal/host/spawn"
	"rouse/internal/host/sys"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// launch is one Spawn on its way, with what only the owner of the engine may touch.
type launch struct {
	engine.Spawn
	files   []int    // descriptors of sockets, then the stored ones, duplicated
	names   []string // FileDescriptorName= or FDNAME= of each
	stored  int      // how many of files are stored ones
	conn    int      // the socket for standard streams, or -1
	named   map[string]int
	given   *[3]int  // duplicates of what a client gave for the standard streams
	journal string   // $JOURNAL_STREAM
	base    []string // what the manager gives to all that it starts
	verdict ability.Verdict
	control *control.Request
	space   *private.Space
	early   bool   // the engine was told of the process before Start has returned
	left    func() // nothing waits for the rest any more
}

// spawn starts a process on a goroutine of its own.
func (m *Manager) spawn(fx engine.Spawn) {
	l := &launch{Spawn: fx, conn: -1, named: map[string]int{}, base: m.env}
	l.control = m.controls(fx.Unit)
	l.verdict = m.judge.Of(fx.Unit)
	if line := l.verdict.Line(); line != "" && l.verdict.New {
		m.logf(engine.Notice, fx.Unit.Name, "%s", line)
	}
	err := m.gather(l)
	x := fx.Unit.Exec
	if private.Needs(x) {
		l.space = m.spaces.Of(fx.Unit.Name, m.e.Joined(fx.Unit.Name))
	}
	m.aloft[fx.Op] = fx.Unit.Name
	m.flyingBy[fx.Unit.Name]++
	start := func() {
		p, problem := spawn.Process{}, ""
		if err == nil {
			p, problem, err = m.launch(l)
		}
		l.close()
		m.carry(func() { m.launched(l, p, problem, err) })
	}
	// For a terminal and for PAM it may wait long.
	if x.Stdin == unit.StdioTTY || x.PAMName != "" && m.cfg.PAM.Path != "" {
		m.goesAside(l, start)
	} else {
		m.goes(start)
	}
}

// gather collects the descriptors that the process gets: from socket units, and then
// from the descriptor store.
func (m *Manager) gather(l *launch) error {
	if err := m.gatherSockets(l); err != nil {
		return err
	}
	if err := m.gatherStreams(l); err != nil {
		return err
	}
	if l.Unit.Exec.OnSocket() {
		if len(l.files) != 1 {
			return fmt.Errorf("the standard streams are to be one socket, of %d", len(l.files))
		}
		l.conn, l.files, l.names = l.files[0], nil, nil
		return nil
	}
	for _, f := range l.Stored {
		s := m.stored[f.FD]
		if s == nil {
			continue
		}
		d, err := duplicate(s.fd)
		if err != nil {
			return err
		}
		l.files, l.names = append(l.files, d), append(l.names, f.Name)
		l.stored++
	}
	return nil
}

// gatherStreams duplicates what the client that made the unit gave for its streams.
func (m *Manager) gatherStreams(l *launch) error {
	s := m.streams[l.Unit.Name]
	if s == nil {
		return nil
	}
	l.given = &[3]int{-1, -1, -1}
	for i, fd := range s {
		if fd < 0 {
			continue
		}
		d, err := duplicate(fd)
		if err != nil {
			return err
		}
		l.given[i] = d
	}
	return nil
}

func (m *Manager) gatherSockets(l *launch) error {
	if c := m.conns[l.Conn]; c != nil {
		f, err := duplicate(c.FD)
		if err != nil {
			return err
		}
		l.files, l.names = append(l.files, f), append(l.names, "connection")
		return nil
	}
	for _, name := range l.Sockets {
		set, def := m.sockets[name], m.e.Definition(name)
		if set == nil || def == nil {
			continue
		}
		as := def.Socket.FileDescriptorName
		if as == "" {
			as = name
		}
		for _, f := range set.FDs {
			d, err := duplicate(f)
			if err != nil {
				return err
			}
			l.files, l.names = append(l.files, d), append(l.names, as)
			l.named[as] = d
		}
	}
	return nil
}

func duplicate(fd int) (int, error) {
	d, err := sys.DupAbove(fd, 3)
	if err != nil {
		return -1, fmt.Errorf("duplicate a descriptor: %w", err)
	}
	return d, nil
}

func (l *launch) close() {
	for _, fd := range l.files {
		sys.CloseFD(fd)
	}
	if l.conn >= 0 {
		sys.CloseFD(l.conn)
	}
	if l.given != nil {
		for _, fd := range l.given {
			if fd >= 0 {
				sys.CloseFD(fd)
			}
		}
	}
}

// launch prepares all that the process is given and starts it. A problem is what
// went wrong in the process itself, which is reaped like any other.
func (m *Manager) launch(l *launch) (p spawn.Process, problem string, err error) {
	x := l.Unit.Exec
	req := l.request(x)
	owner, home, known := m.identify(req)
	if err := m.journalUnits.Tell(l.Unit.Name, l.Invocation, x); err != nil {
		m.logf(engine.Debug, l.Unit.Name, "tell the journal about the unit: %v", err)
	}
	files, err := dirs.Files(x.EnvironmentFiles)
	if err != nil {
		return p, "", fmt.Errorf("load environment files: %w", err)
	}
	streams := &output.Streams{In: -1, Out: -1, Err: -1}
	if known { // else no file is made that the process would not come to
		streams, err = m.openStreams(l, req)
	}
	if err != nil {
		return p, "", err
	}
	defer streams.Close()
	if fail := m.openFiles(l); fail != nil {
		req.Fail = fail
	}
	if known && req.Fail == nil { // else nothing is made that the process would not come to
		m.directories(l, req, owner)
		m.credentials(l, req, owner.UID)
	}
	l.journal = streams.Journal
	if l.Notify {
		req.Notify = m.notify.Path()
	}
	req.Env = m.environment(l, home, files)
	if req.Session = m.session(l, req, owner); req.Session == nil {
		req.Complete()
	}
	req.Files, req.Stored = l.files, l.stored
	req.Stdin, req.Stdout, req.Stderr = streams.In, streams.Out, streams.Err
	m.enrol(l, req, owner)
	m.onTerminal(l, req, streams, owner)
	if s := l.Unit.Service; s != nil {
		other := l.Kind != unit.ExecStart.String()
		req.NonBlocking = s.NonBlocking
		req.NoChroot = s.RootDirectoryStartOnly && other
		if s.PermissionsStartOnly && other { // neither user nor limits, like a + before it
			req.Command.Flags |= value.FullPrivilege
		}
	}
	return m.enter(l, req, owner, known, streams)
}

// enter starts the process that is prepared in its unit's control group.
func (m *Manager) enter(
	l *launch, req *spawn.Request, owner dirs.Owner, known bool, streams *output.Streams,
) (p spawn.Process, problem string, err error) {
	group, err := m.tracker.Unit(l.Unit.Name, l.Unit.Slice)
	if err != nil {
		return p, "", err
	}
	m.control(l.control, group)
	place, err := group.Enter(beside(l))
	if err != nil {
		return p, "", err
	}
	m.delegate(l, group, owner)
	defer place.Close()
	m.enclose(l, req)
	req.Cgroup, req.CgroupProcs = place.Dir, place.Procs
	l.verdict.Apply(req)
	if known && req.Fail == nil && !m.spawner.HasView(req) {
		if err := dirs.MakeLinks(req.Exec, m.cfg.Bases); err != nil {
			req.Fail = directoryFailure(req.Unit, err)
		}
	}
	p, err = m.startProcess(req)
	for why, again := l.verdict.Again(req, err); again; why, again = l.verdict.Again(req, err) {
		m.logf(engine.Warning, l.Unit.Name, "%s; starting once more without", why)
		p, err = m.startProcess(req)
	}
	if p.PID != 0 {
		streams.Started(p.PID)
		if err != nil {
			problem, err = err.Error(), nil
		}
	}
	return p, problem, err
}

// request says what to start, before anything is made for it.
func (l *launch) request(x *unit.Exec) *spawn.Request {
	req := &spawn.Request{
		Unit: l.Unit.Name, Command: *l.Command, Exec: x, Cgroup: -1, Invocation: l.Invocation,
	}
	if l.Unit.Mount == nil { // whose commands nobody has written
		req.Directive = l.Kind
	}
	return req
}

// beside gives the group below the unit's that a process belongs in: a service that has
// its way with its group may have processes in none but the deepest.
func beside(l *launch) string {
	if !l.Unit.Resources.Delegate {
		return ""
	}
	for _, kind := range [...]unit.ExecKind{
		unit.ExecStartPost, unit.ExecReload, unit.ExecStop, unit.ExecStopPost,
	} {
		if l.Kind == kind.String() {
			return ".control"
		}
	}
	return ""
}

// launched brings the outcome of a spawn to the engine.
func (m *Manager) launched(l *launch, p spawn.Process, problem string, err error) {
	if l.early { // it did, when the process began to wait
		if problem != "" {
			m.logf(engine.Err, l.Unit.Name, "%s", problem)
		}
		return
	}
	m.landed(outcome{Op: l.Op, Unit: l.Unit.Name, PID: p.PID, Problem: problem}, err)
}

// landed brings it to the engine, or keeps it for the next manager's.
func (m *Manager) landed(o outcome, err error) {
	name := o.Unit
	delete(m.aloft, o.Op)
	if m.departure.frozen {
		if err != nil {
			o.Err = err.Error()
		}
		m.departure.outcomes = append(m.departure.outcomes, o)
		return
	}
	if m.flyingBy[name]--; m.flyingBy[name] == 0 {
		delete(m.flyingBy, name)
	}
	m.carried[name] = max(m.carried[name], o.Op)
	if err != nil {
		m.step(engine.SpawnFailed{Op: o.Op, Why: err.Error()})
		m.emptied(name)
	} else {
		m.step(engine.Spawned{Op: o.Op, PID: o.PID, Problem: o.Problem})
	}
	m.catchUp(o.PID)
}

// catchUp deals with what a new process has said, and with its end, if these
// came before the engine knew of it.
func (m *Manager) catchUp(pid int) {
	held := m.held
	m.held = nil
	for _, h := range held {
		m.hear(h)
	}
	if exit, ok := m.early[pid]; ok {
		delete(m.early, pid)
		m.reaped(exit)
	}
	if len(m.aloft) == 0 {
		clear(m.early) // orphans, which no unit waits for
	}
}

// startProcess starts any process.
func (m *Manager) startProcess(req *spawn.Request) (spawn.Process, error) {
	defer m.tracker.Starting()()
	return m.spawner.Start(req)
}

// startedProcess is called for each new process before its end can be noticed.
func (m *Manager) startedProcess(r *spawn.Request, p spawn.Process) {
	m.reaper.Born()
	g, ok := m.tracker.Find(r.Unit)
	if !ok {
		m.tracker.Own(p.PID)
		return
	}
	invocation := ""
	for _, kv := range r.Env {
		if v, ok := strings.CutPrefix(kv, "INVOCATION_ID="); ok {
			invocation = v
		}
	}
	g.Register(p.PID, invocation)
}

// openStreams opens the standard streams. What they cannot be opened for is the failure of
// the process, or of the start.
func (m *Manager) openStreams(l *launch, req *spawn.Request) (*output.Streams, error) {
	streams, err := m.router.Open(output.Request{
		Unit: l.Unit.Name, Exec: req.Exec, Identifier: path.Base(l.Command.Path), Socket: l.conn,
		Given: l.given,
		Named: func(name string) int {
			if fd, ok := l.named[name]; ok {
				return fd
			}
			return -1
		},
	})
	if err == nil {
		return streams, nil
	}
	if req.Fail = streamFailure(l.Unit.Name, err); req.Fail == nil {
		return nil, err
	}
	return &output.Streams{In: -1, Out: -1, Err: -1}, nil
}

// streamFailure is the failure of a process one of whose standard streams cannot be
// opened; nil if that is for want of descriptors, of the manager's or those of sockets:
// then there is no process.
func streamFailure(name string, err error) *spawn.StepError {
	var of *output.Error
	if !errors.As(err, &of) || errors.Is(err, sys.EMFILE) || errors.Is(err, sys.ENFILE) ||
		errors.Is(err, output.ErrNoDescriptor) {
		return nil
	}
	status := spawn.StatusStdin
	switch of.Directive {
	case "StandardOutput":
		status = spawn.StatusStdout
	case "StandardError":
		status = spawn.StatusStderr
	}
	return &spawn.StepError{
		Unit: name, Step: "open streams", Directive: of.Directive, Err: err, Status: status,
	}
}

// directoryStatus is the exit status of a process whose directories could not be
// made. systemd.exec(5), PROCESS EXIT CODES.
var directoryStatus = [unit.DirectoryKinds]int{
	unit.RuntimeDirectory:       spawn.StatusRuntimeDirectory,
	unit.StateDirectory:         spawn.StatusStateDirectory,
	unit.CacheDirectory:         spawn.StatusCacheDirectory,
	unit.LogsDirectory:          spawn.StatusLogsDirectory,
	unit.ConfigurationDirectory: spawn.StatusConfigDirectory,
}

func directoryFailure(name string, err error) *spawn.StepError {
	fail := &spawn.StepError{
		Unit: name, Step: "make directories", Err: err, Status: spawn.StatusRuntimeDirectory,
	}
	var of *dirs.Error
	if errors.As(err, &of) {
		fail.Directive, fail.Status = of.Kind.String(), directoryStatus[of.Kind]
	}
	return fail
}

// directories makes the unit's directories.
func (m *Manager) directories(l *launch, req *spawn.Request, o dirs.Owner) {
	x := req.Exec
	if x.DynamicUser && l.without("ProtectSystem") {
		// Nothing is mounted here, so the user would not get to what is private.
		public := *x
		public.DynamicUser = false
		x = &public
		if len(dirs.MountsFor(req.Exec, m.cfg.Bases).Empty) > 0 {
			m.logf(engine.Notice, req.Unit, "The directories are open to others: nothing is mounted.")
		}
	}
	switch {
	case m.cfg.User: // who cannot give anything away
		o = dirs.Owner{UID: -1, GID: -1}
	case os.Geteuid() == 0:
		o = dirs.Owner{UID: max(o.UID, 0), GID: max(o.GID, 0)}
	}
	notes, err := dirs.Make(x, m.cfg.Bases, o)
	if err != nil {
		req.Fail = directoryFailure(req.Unit, err)
	}
	for _, note := range notes {
		m.logf(engine.Notice, req.Unit, "%s", note)
	}
	req.Dirs = dirs.MountsFor(x, m.cfg.Bases)
}

// without reports whether a setting is left out in this place.
func (l *launch) without(directive string) bool {
	var r spawn.Request
	l.verdict.Apply(&r)
	return slices.Contains(r.Without, directive)
}

// handsOver are the commands before which the credentials are written anew.
var handsOver = []string{
	unit.ExecCondition.String(), unit.ExecStartPre.String(), unit.ExecStart.String(),
}

// credentials hands the unit's credentials over.
func (m *Manager) credentials(l *launch, req *spawn.Request, uid int) {
	if !credentials.Any(req.Exec) {
		return
	}
	req.Credentials = m.cfg.Credentials.Dir(req.Unit)
	if l.Unit.Service == nil || !slices.Contains(handsOver, l.Kind) || req.Fail != nil {
		return
	}
	err := m.cfg.Credentials.Make(req.Unit, req.Exec, uid)
	if err == nil {
		return
	}
	req.Fail = &spawn.StepError{
		Unit: req.Unit, Step: "hand over credentials", Directive: "LoadCredential", Err: err,
		Status: spawn.StatusCredentials,
	}
	var of *credentials.Error
	if errors.As(err, &of) {
		req.Fail.Directive = of.Directive
	}
}

// delegate hands the group of a unit to the user that its processes run as.
func (m *Manager) delegate(l *launch, g cgroup.Group, o dirs.Owner) {
	if !l.Unit.Resources.Delegate || o.UID < 0 {
		return
	}
	if err := g.Delegate(o.UID, o.GID); err != nil {
		m.logf(engine.Warning, l.Unit.Name, "%v", err)
	}
}

// environment is the complete environment of a process, in systemd's order: what
// comes later wins. systemd.exec(5), ENVIRONMENT VARIABLES IN SPAWNED PROCESSES.
func (m *Manager) environment(l *launch, home, files []string) []string {
	x := l.Unit.Exec
	env := slices.Clone(l.base)
	env = append(env, l.Env...)
	env = append(env, "INVOCATION_ID="+l.Invocation, "SYSTEMD_EXEC_PID=")
	if l.journal != "" {
		env = append(env, "JOURNAL_STREAM="+l.journal)
	}
	if m.cfg.User {
		env = append(env, "MANAGERPID="+itoa(os.Getpid()))
	}
	if l.Notify {
		env = append(env, "NOTIFY_SOCKET="+m.notify.Path())
	}
	if l.Watchdog != 0 {
		env = append(env, "WATCHDOG_PID=", "WATCHDOG_USEC="+strconv.FormatUint(uint64(l.Watchdog), 10))
	}
	if len(l.files) > 0 {
		env = append(env, "LISTEN_PID=", "LISTEN_FDS="+strconv.Itoa(len(l.files)),
			"LISTEN_FDNAMES="+strings.Join(l.names, ":"))
	}
	env = append(env, home...)
	if credentials.Any(x) && m.cfg.Credentials.Base != "" {
		env = append(env, "CREDENTIALS_DIRECTORY="+m.cfg.Credentials.Dir(l.Unit.Name))
	}
	env = append(env, m.terminalType(x)...)
	if x.LogNamespace != "" {
		env = append(env, "LOG_NAMESPACE="+x.LogNamespace)
	}
	env = append(env, dirs.Environment(x, m.cfg.Bases)...)
	if len(x.SearchPath) > 0 {
		env = append(env, "PATH="+strings.Join(x.SearchPath, ":"))
	}
	env = append(env, dirs.Pass(x.PassEnvironment, m.cfg.Environ)...)
	env = append(env, x.Environment...)
	env = append(env, files...)
	return value.MergeEnv(env)
}

// group finds the processes of a unit.
func (m *Manager) group(name string) cgroup.Group {
	if g, ok := m.tracker.Find(name); ok {
		return g
	}
	return nil
}

// openFiles opens what OpenFile= says, after the descriptors that the process gets
// from elsewhere. A file that cannot be opened fails the process.
func (m *Manager) openFiles(l *launch) *spawn.StepError {
	if l.Unit.Service == nil || l.Kind != unit.ExecStart.String() {
		return nil
	}
	for _, f := range l.Unit.Service.OpenFiles {
		fd, err := openFile(f)
		if err != nil && f.Graceful {
			m.logf(engine.Debug, l.Unit.Name, "OpenFile=: %v; going on without", err)
			continue
		}
		if err != nil {
			return &spawn.StepError{
				Unit: l.Unit.Name, Step: "open files", Directive: "OpenFile", Err: err,
				Status: spawn.StatusFDs,
			}
		}
		l.files, l.names = append(l.files, fd), append(l.names, f.Name)
		l.stored++ // NonBlocking= is not for them
	}
	return nil
}

// openFile gives a descriptor above those of the standard streams.
func openFile(f unit.OpenFile) (fd int, err error) {
	info, err := os.Stat(f.Path)
	if err != nil {
		return -1, err
	}
	if info.Mode()&os.ModeSocket != 0 {
		fd, err = sys.ConnectUnix(f.Path)
		if err != nil {
			return -1, fmt.Errorf("connect to %s: %w", f.Path, err)
		}
		if f.ReadOnly {
			err = sys.ShutdownWrite(fd)
		}
	} else {
		mode := sys.OpenReadWrite
		switch {
		case f.ReadOnly:
			mode = sys.OpenReadOnly
		case f.Append:
			mode = sys.OpenAppend
		case f.Truncate:
			mode = sys.OpenTruncate
		}
		if fd, err = sys.Open(f.Path, mode); err != nil {
			return -1, err
		}
	}
	defer sys.CloseFD(fd)
	if err != nil {
		return -1, err
	}
	return sys.DupAbove(fd, 3)
}
