package manager

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rouse/internal/engine"
	"rouse/internal/host/cgroup"
	"rouse/internal/host/clock"
	"rouse/internal/host/condition"
	"rouse/internal/host/credentials"
	"rouse/internal/host/dirs"
	"rouse/internal/host/generator"
	"rouse/internal/host/journal"
	"rouse/internal/host/mounts"
	"rouse/internal/host/notify"
	"rouse/internal/host/output"
	"rouse/internal/host/proc"
	"rouse/internal/host/reap"
	"rouse/internal/host/socket"
	"rouse/internal/host/spawn"
	"rouse/internal/host/sys"
	"rouse/internal/host/watch"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// open starts the host's rooms.
func (m *Manager) open() (err error) {
	m.keepSpares()
	if err := os.MkdirAll(filepath.Dir(m.notifyPath()), 0o755); err != nil {
		return fmt.Errorf("make the manager's directory: %w", err)
	}
	m.journalUnits = journal.NewUnits(
		filepath.Join(m.cfg.RuntimeDir, "systemd", "units"), journal.Socket)
	m.tracker, err = cgroup.Open(cgroup.Config{
		Kind: m.cfg.Cgroups, Empty: m.unitEmpty, Killed: m.unitKilled, Log: m.logLine,
		Saved: m.given().Tracker,
	})
	if err != nil {
		return err
	}
	given := &m.cfg.Credentials
	m.machine.Credentials = append(slices.Clone(given.Received), given.Sealed...)
	m.machine.CgroupDir = m.tracker.UnifiedDir()
	m.openPlace()
	m.spawner = &spawn.Spawner{
		Users: m.users, Started: m.startedProcess, Directory: m.cfg.Home, Place: m.place,
	}
	m.judge = m.newJudge()
	m.router = output.New(output.Config{
		Console: m.cfg.Console, Default: m.cfg.Output, DefaultError: m.cfg.OutputError, Log: m.logLine,
		Inherit: !m.cfg.Init,
	})
	m.notify, err = notify.Listen(notify.Config{
		Path: m.notifyPath(), Given: m.given().Notify, Deliver: m.notified, Log: m.logLine,
	})
	if err != nil {
		return err
	}
	if m.poller, err = socket.NewPoller(m.traffic); err != nil {
		return err
	}
	if m.watcher, err = watch.New(m.fileChanged, m.logLine); err != nil {
		m.logf(engine.Notice, "", "PID files are read only once: %v", err)
		m.watcher = nil
	}
	m.watchClock()
	if m.cfg.Mounts != nil {
		m.watchMounts()
	}
	m.cfg.Credentials.Decrypter = &credentials.Decrypter{
		Start: m.startProcess, Awaited: &m.awaited,
	}
	if m.cfg.Generators != nil {
		m.generators = &generator.Runner{
			Places: *m.cfg.Generators, Start: m.startProcess, Log: m.logLine,
			Awaited: &m.awaited,
		}
	}
	if err := reap.Subreaper(); err != nil && !m.cfg.Init {
		m.logf(engine.Notice, "", "processes that services leave to init cannot be followed: %v", err)
	}
	m.departure.missing = m.given().missing()
	m.reaper = reap.Start(reap.Config{
		Forking: m.spawner.Forking(), Before: m.tracker.Dying, Deliver: m.died, Log: m.logLine,
	})
	return nil
}

// notifyPath is where services send their messages; systemd's for the system manager.
func (m *Manager) notifyPath() string {
	return filepath.Join(m.cfg.RuntimeDir, "systemd", "notify")
}

// close ends what open has started.
func (m *Manager) close() {
	m.queue.close()
	if m.stopGenerators != nil {
		m.stopGenerators()
	}
	if m.reaper != nil {
		m.reaper.Close()
	}
	if m.bus != nil {
		m.bus.Close()
	}
	if m.notify != nil {
		m.notify.Close()
	}
	if m.poller != nil {
		m.poller.Close()
	}
	if m.watcher != nil {
		m.watcher.Close()
	}
	if m.table != nil {
		m.table.Close()
	}
	if m.clock != nil {
		m.clock.Close()
	}
	for _, set := range m.sockets {
		set.Close()
	}
	for h := range m.conns {
		m.closeConn(h)
	}
	m.closeStore()
	m.crew.dismiss()
	for ch := range m.listeners {
		close(ch)
	}
	clear(m.listeners)
	if m.router != nil {
		m.router.Close()
	}
	if m.tracker != nil {
		m.tracker.Close()
	}
	m.log.close()
}

// died is called by the reaper for each child that ended.
func (m *Manager) died(x reap.Exit) {
	codes := [reap.Codes]engine.ExitCode{
		reap.Exited: engine.ByExit, reap.Killed: engine.BySignal, reap.Dumped: engine.ByDump,
	}
	ev := engine.Reaped{PID: x.PID, Code: codes[x.Code], Status: x.Status}
	m.tracker.Reaped(x.PID)
	if m.awaited.Reaped(x) {
		return
	}
	m.carry(func() { m.reaped(ev) })
}

// reaped tells the engine of the end of a process, with whether it was the last of
// its unit. Of a process that is not known it is told once its spawn has come in.
func (m *Manager) reaped(ev engine.Reaped) {
	name := m.e.Awaits(ev.PID)
	if len(m.aloft) > 0 && name == "" {
		m.early[ev.PID] = ev
		return
	}
	if strings.HasSuffix(name, ".mount") {
		m.refreshMounts() // what it has done counts before its end does
	}
	if name != "" && ev.Code == engine.BySignal {
		m.askOOM(name) // it is to be known before the end of the process
	}
	if def := m.e.Definition(name); name != "" && def != nil && def.Exec != nil {
		if output.TidiesTerminal(def.Exec) {
			output.TidyTerminal(def.Exec)
		}
		if def.Exec.UtmpIdentifier != "" {
			m.departed(def, ev)
		}
	}
	ev.Last = name != "" && m.flyingBy[name] == 0 && m.isEmpty(name)
	m.step(ev)
	if ev.Last {
		m.exited(name)
	}
}

// exited removes the group of a service that stays active without any process.
func (m *Manager) exited(unit string) {
	if s, ok := m.e.Unit(unit); ok && s.Sub == "exited" {
		m.removeGroup(unit)
	}
}

// isEmpty reports that no process of the unit is left.
func (m *Manager) isEmpty(unit string) bool {
	g := m.group(unit)
	if g == nil {
		return true
	}
	empty := false
	err := m.spare(func() (err error) {
		empty, err = g.Empty()
		return err
	})
	return err == nil && empty
}

// spares is how many descriptors are kept for when there are no others.
const spares = 6

// spare does what must not fail for want of a descriptor.
func (m *Manager) spare(f func() error) error {
	err := f()
	if !errors.Is(err, sys.EMFILE) && !errors.Is(err, sys.ENFILE) {
		return err
	}
	for _, f := range m.kept {
		f.Close()
	}
	err = f()
	m.keepSpares()
	return err
}

func (m *Manager) keepSpares() {
	m.kept = m.kept[:0]
	for range spares {
		if f, err := os.Open(os.DevNull); err == nil {
			m.kept = append(m.kept, f)
		}
	}
}

// unitKilled is called by the tracker when the kernel may have killed a process of the
// unit for want of memory.
func (m *Manager) unitKilled(unit string) { m.post(func() { m.askOOM(unit) }) }

// askOOM tells the engine if it is so.
func (m *Manager) askOOM(unit string) {
	if g := m.group(unit); g != nil && g.OOMKilled() {
		m.step(engine.OOMKilled{Unit: unit})
	}
}

// unitEmpty is called by the tracker for a unit whose last process is gone.
func (m *Manager) unitEmpty(unit string) { m.carry(func() { m.emptied(unit) }) }

// emptied tells the engine, if it is still so and nothing is under way.
func (m *Manager) emptied(unit string) {
	if m.flyingBy[unit] > 0 {
		return
	}
	if !m.isEmpty(unit) {
		return
	}
	m.step(engine.Emptied{Unit: unit, After: m.carried[unit]})
	m.exited(unit)
}

// kill signals processes of a unit.
func (m *Manager) kill(fx engine.Kill) {
	signals := []value.Signal{fx.Signal}
	if fx.Hangup && fx.Signal != value.SIGHUP {
		signals = append(signals, value.SIGHUP)
	}
	if fx.Signal != value.SIGKILL && fx.Signal != value.SIGCONT {
		signals = append(signals, value.SIGCONT)
	}
	g := m.group(fx.Unit)
	for _, sig := range signals {
		for _, pid := range [...]int{fx.Main, fx.Control} {
			if pid > 0 {
				m.killOne(fx.Unit, pid, sig)
			}
		}
		if !fx.Group || g == nil {
			continue
		}
		err := m.spare(func() error {
			_, err := g.Signal(sig, fx.Main, fx.Control)
			return err
		})
		if err != nil {
			m.logf(engine.Warning, fx.Unit, "%v", err)
		}
	}
}

func (m *Manager) killOne(unit string, pid int, sig value.Signal) {
	if err := sys.Kill(pid, sig); err != nil && !errors.Is(err, sys.ESRCH) {
		m.logf(engine.Warning, unit, "signal process %d: %v", pid, err)
	}
}

// findMain reads the PID file, or guesses.
func (m *Manager) findMain(fx engine.FindMain) {
	if fx.PIDFile == "" {
		m.local = append(m.local, engine.MainFound{Op: fx.Op, PID: m.guessMain(fx.Unit)})
		return
	}
	pid, err := m.readPIDFile(fx.Unit, fx.PIDFile)
	if err == nil || !fx.Wait || m.watcher == nil {
		ev := engine.MainFound{Op: fx.Op, PID: pid}
		if err != nil {
			ev.Why = err.Error()
		}
		m.local = append(m.local, ev)
		return
	}
	m.finds[fx.Unit] = fx
	if err := m.watcher.Add(fx.Unit, watch.Path{Path: fx.PIDFile, Kind: watch.Changed}); err != nil {
		m.logf(engine.Warning, fx.Unit, "watch %s: %v", fx.PIDFile, err)
	}
}

// fileChanged is called when something has happened to a watched path.
func (m *Manager) fileChanged(id string, index int, itself bool) {
	if unit, op, ok := ofPaths(id); ok {
		m.post(func() { m.pathChanged(unit, op, index, itself) })
		return
	}
	m.post(func() {
		switch id {
		case mounts.UserOptions:
			m.refreshMounts()
			return
		case clock.LocalTime:
			m.refreshZone()
			return
		}
		fx, ok := m.finds[id]
		if !ok {
			return
		}
		pid, err := m.readPIDFile(fx.Unit, fx.PIDFile)
		if err != nil {
			return
		}
		m.forgetFind(id)
		m.step(engine.MainFound{Op: fx.Op, PID: pid})
	})
}

func (m *Manager) forgetFind(unit string) {
	if _, ok := m.finds[unit]; ok {
		delete(m.finds, unit)
		m.watcher.Remove(unit)
	}
}

// readPIDFile reads the number in a PID file and checks that it can be the main
// process: one of the unit, or one that root named.
func (m *Manager) readPIDFile(unit, path string) (int, error) {
	said, err := proc.ReadPIDFile(path)
	if err != nil {
		return 0, err
	}
	pid := said.PID
	if errors.Is(sys.Kill(pid, 0), sys.ESRCH) {
		return 0, fmt.Errorf("%s: process %d does not exist", path, pid)
	}
	if owner, ok := m.tracker.Owner(pid); ok && owner == unit {
		return pid, nil
	}
	if said.Trusted && pid != os.Getpid() {
		return pid, nil
	}
	return 0, fmt.Errorf("%s: process %d does not belong to the unit", path, pid)
}

// guessMain is the one process of the unit that is a child of the manager; 0 if
// there is none or more than one.
func (m *Manager) guessMain(unit string) int {
	g := m.group(unit)
	if g == nil {
		return 0
	}
	tree, err := g.Tree()
	if err != nil {
		return 0
	}
	found := 0
	for _, p := range tree {
		if p.Parent != os.Getpid() {
			continue
		}
		if found != 0 {
			return 0
		}
		found = p.PID
	}
	return found
}

func (m *Manager) testConditions(fx engine.TestConditions, env *condition.Env) engine.Event {
	test := func(list []unit.Condition) []bool {
		met := make([]bool, len(list))
		for i, c := range list {
			ok, err := condition.Test(c, env)
			if err != nil {
				m.logf(engine.Warning, fx.Unit.Name, "cannot test %s=%s: %v; taken as not met",
					c.Name, c.Param, err)
			}
			met[i] = ok
		}
		return met
	}
	return engine.ConditionsTested{
		Op: fx.Op, Conditions: test(fx.Unit.Conditions), Asserts: test(fx.Unit.Asserts),
	}
}

// listen opens the sockets of a unit, on a goroutine.
func (m *Manager) listen(fx engine.Listen) {
	name := fx.Unit.Name
	if g, err := m.tracker.Unit(name, fx.Unit.Slice); err != nil {
		m.logf(engine.Warning, name, "%v", err)
	} else {
		m.control(m.controls(fx.Unit), g)
	}
	if m.sockets[name] != nil {
		m.local = append(m.local, engine.Listening{Op: fx.Op})
		return
	}
	config := socket.Config{
		Lookup: m.lookup, Log: func(line string) { m.logf(engine.Warning, name, "%s", line) },
	}
	if fx.Service != nil {
		config.Descriptors = fx.Service.USBFunctionDescriptors
		config.Strings = fx.Service.USBFunctionStrings
	}
	m.goes(func() {
		set, err := socket.Open(fx.Unit.Socket, config)
		m.carry(func() {
			ev := engine.Listening{Op: fx.Op}
			if err != nil {
				ev.Why = err.Error()
			} else {
				m.sockets[name] = set
			}
			m.step(ev)
			u, ok := m.e.Unit(name)
			if err == nil && (!ok || u.Active == "inactive" || u.Active == "failed") {
				m.closeSockets(engine.CloseSockets{Unit: fx.Unit}) // stopped in the meantime
			}
		})
	})
}

func (m *Manager) lookup(user, group string) (uid, gid int, err error) {
	uid, gid = -1, -1
	if user != "" {
		u, err := m.users.User(user)
		if err != nil {
			return 0, 0, fmt.Errorf("SocketUser=%s: %w", user, err)
		}
		uid, gid = u.UID, u.GID
	}
	if group != "" {
		g, err := m.users.Group(group)
		if err != nil {
			return 0, 0, fmt.Errorf("SocketGroup=%s: %w", group, err)
		}
		gid = g.GID
	}
	return uid, gid, nil
}

func (m *Manager) watch(unit string) {
	if set := m.sockets[unit]; set != nil {
		m.poller.Watch(unit, set.Watched)
	}
}

// traffic is called by the poller when something came in.
func (m *Manager) traffic(unit string, fd int) {
	m.carry(func() {
		def := m.e.Definition(unit)
		if def == nil || m.sockets[unit] == nil {
			return
		}
		if !def.Socket.Accept {
			m.step(engine.Incoming{Unit: unit})
			return
		}
		m.accept(unit, fd)
	})
}

// accept takes one connection for a service of its own.
func (m *Manager) accept(unit string, fd int) {
	conn, err := socket.Accept(fd)
	if err != nil {
		if !errors.Is(err, sys.EAGAIN) {
			m.logf(engine.Warning, unit, "accept: %v", err)
		}
		m.watch(unit)
		return
	}
	m.lastHandle++
	m.conns[m.lastHandle] = conn
	ev := engine.Connected{
		Unit: unit, Conn: m.lastHandle, Instance: conn.Instance, Source: conn.Source,
	}
	if conn.RemoteAddr != "" {
		ev.Env = []string{"REMOTE_ADDR=" + conn.RemoteAddr, "REMOTE_PORT=" + conn.RemotePort}
	}
	m.step(ev)
}

func (m *Manager) closeSockets(fx engine.CloseSockets) {
	name := fx.Unit.Name
	set := m.sockets[name]
	if set == nil {
		return
	}
	if fx.Flush {
		m.poller.Unwatch(name)
		for _, fd := range set.FDs {
			if err := socket.Flush(fd); err != nil {
				m.logf(engine.Warning, name, "flush pending traffic: %v", err)
			}
		}
		return
	}
	m.poller.Release(name)
	delete(m.sockets, name)
	if err := set.Close(); err != nil {
		m.logf(engine.Warning, name, "close sockets: %v", err)
	}
}

func (m *Manager) closeConn(h engine.Handle) {
	if c := m.conns[h]; c != nil {
		delete(m.conns, h)
		c.Close()
	}
}

// clean removes what a unit at rest leaves on the machine.
func (m *Manager) clean(fx engine.Clean) {
	name := fx.Unit.Name
	if m.watcher != nil {
		m.forgetFind(name)
	}
	if x := fx.Unit.Exec; x != nil {
		if err := dirs.Remove(x, m.cfg.Bases, fx.Restart); err != nil {
			m.logf(engine.Warning, name, "%v", err)
		}
		if x.User != "" || x.Group != "" {
			m.removeIPC(fx.Unit)
		}
		m.takeTerminal(fx.Unit)
		m.dismiss(fx.Unit)
		if credentials.Any(x) {
			if err := m.cfg.Credentials.Remove(name); err != nil {
				m.logf(engine.Warning, name, "remove credentials: %v", err)
			}
		}
	}
	m.leaveSpace(name)
	if s := fx.Unit.Service; s != nil && s.PIDFile != "" {
		if err := os.Remove(s.PIDFile); err != nil && !os.IsNotExist(err) {
			m.logf(engine.Debug, name, "remove PID file: %v", err)
		}
	}
	if !fx.Restart {
		m.closeStreams(name)
		m.removeGroup(name)
		m.forgetPlace(name)
		if err := m.journalUnits.Forget(name, fx.Unit.Exec); err != nil {
			m.logf(engine.Debug, name, "%v", err)
		}
	}
}

// removeGroup removes the group of a unit if no process is left in it. One that
// restarts keeps it.
func (m *Manager) removeGroup(name string) {
	if g := m.group(name); g != nil && m.flyingBy[name] == 0 {
		m.keepUsage(name)
		if err := g.Remove(); err != nil && !errors.Is(err, sys.EBUSY) {
			m.logf(engine.Warning, name, "%v", err)
		}
	}
}

// killRest ends the processes that no stop job has ended.
func (m *Manager) killRest() {
	for _, u := range m.e.Units() {
		g := m.group(u.Name)
		if g == nil {
			continue
		}
		if def := m.e.Definition(u.Name); def != nil && def.SurviveFinalKill {
			continue
		}
		if empty, err := g.Empty(); err == nil && !empty {
			m.logf(engine.Notice, u.Name, "killing what is left")
			g.Signal(value.SIGKILL)
		}
	}
}

// processes lists the processes of a unit.
func (m *Manager) processes(name string) []cgroup.Process {
	g := m.group(name)
	if g == nil {
		return nil
	}
	tree, err := g.Tree()
	if err != nil {
		return nil
	}
	return tree
}
