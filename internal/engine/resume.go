package engine

import (
	"rouse/internal/graph/transaction"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// Resume gives a restored engine's orders to a host that knows of none: what it is to
// watch, and what was under way when the state was saved, but for processes. The
// outcomes of those Spawns the host must bring over itself. It is called once, before
// the first Step.
func (e *Engine) Resume() []Effect {
	fx := e.out
	e.out = nil
	if e.waking != 0 {
		fx = append(fx, SetAlarm{At: e.waking})
	}
	for _, n := range e.g.Nodes() {
		u := e.at(n)
		if u.testing != 0 {
			fx = append(fx, TestConditions{Op: u.testing, Unit: u.Def})
		}
		switch {
		case u.svc != nil:
			fx = u.svc.resume(u, fx)
		case u.sock != nil:
			fx = u.sock.resume(e, u, fx)
		case u.mnt != nil && u.mnt.Preparing != 0:
			fx = append(fx, PrepareMount{Op: u.mnt.Preparing, Unit: u.Def})
		case u.pth != nil && u.pth.Sub == PathWaiting:
			u.pth.check(e, u, false, false) // what has come since is news
			fx, e.out = append(fx, e.out...), nil
		case u.tim != nil && u.tim.Reading != 0:
			fx = append(fx, ReadStamp{Op: u.tim.Reading, Unit: u.Name})
		}
	}
	return fx
}

func (s *service) resume(u *runUnit, fx []Effect) []Effect {
	if u.Def.Service == nil {
		return fx
	}
	if s.Finding != 0 { // an order that came back at once is not under way
		fx = append(fx, FindMain{
			Op: s.Finding, Unit: u.Name, PIDFile: u.Def.Service.PIDFile, Wait: true,
		})
	}
	atRest := s.Sub == Dead || s.Sub == Failed || s.Sub == AutoRestart
	if name := u.Def.Service.BusName; name != "" && !atRest {
		fx = append(fx, WatchName{Unit: u.Name, Name: name})
	}
	return fx
}

func (s *socket) resume(e *Engine, u *runUnit, fx []Effect) []Effect {
	switch {
	case s.Opening != 0:
		order := Listen{Op: s.Opening, Unit: u.Def}
		if svc := e.serviceOf(u); svc != nil {
			order.Service = svc.Def.Service
		}
		fx = append(fx, order)
	case s.Sub == SocketListening && u.timers[timerPoll] == nil:
		fx = append(fx, Watch{Unit: u.Name})
	}
	return fx
}

// adopted takes a unit for up that somebody else has started: its state is not known,
// but its processes are there, or the host has its sockets. What the engine knows better
// stays as it is.
func (e *Engine) adopted(ev Adopted) {
	u := e.unit(ev.Unit)
	if u == nil || u.job != nil || !u.active().Down() {
		return
	}
	e.cause = &Cause{At: e.now, Unit: u.Name, What: "taken over as it was found"}
	switch {
	case u.svc != nil && u.Def.Service != nil:
		u.svc.adopted(e, u, ev)
	case u.sock != nil && u.Def.Socket != nil && ev.Open:
		u.sock.Open = true
		sub := SocketListening
		svc := e.serviceOf(u)
		if !u.Def.Socket.Accept && svc != nil && !svc.active().Down() {
			sub = SocketRunning
		}
		u.invocation = ev.Invocation
		if u.sock.enter(e, u, sub); sub == SocketListening {
			u.sock.watch(e, u)
		}
	case u.svc == nil && u.sock == nil && u.mnt == nil && u.tim == nil && u.scp == nil && !u.up:
		e.want(u, transaction.Start, unit.IgnoreDependencies, e.cause)
	case u.tim != nil:
		e.want(u, transaction.Start, unit.IgnoreDependencies, e.cause)
	}
}

func (s *service) adopted(e *Engine, u *runUnit, ev Adopted) {
	if !ev.Populated && !u.Def.Service.RemainAfterExit {
		return
	}
	u.invocation = ev.Invocation
	s.Result, s.Reloaded, s.Ready = ResultSuccess, ResultSuccess, notifyReady
	s.Petted = value.Instant{}
	if ev.Populated {
		u.procs.Populated = true
		if ev.Main != 0 {
			s.MainKnown, s.MainStarted = true, true
			u.procs.Main = proc{PID: ev.Main, Kind: unit.ExecStart.String()}
			u.procs.Main.Status = procStatus{Kind: u.procs.Main.Kind, PID: ev.Main, Start: e.now}
			e.pids[ev.Main] = u
		}
		s.enter(e, u, Running)
		return
	}
	s.enter(e, u, Exited)
}
