package boot

import (
	"os"
	"os/signal"
	"sync"
	"syscall"

	"rouse/internal/host/sys"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// Action is what a signal asks the manager for.
type Action uint8

// The actions.
const (
	Start        Action = iota // of Unit, with Mode
	Reload                     // of all unit files
	Reexec                     // of the manager itself
	Dump                       // of its state to the log
	ReconnectBus               // to D-Bus
	Immediate                  // end of the machine, by Verb, without stopping units
	Exit                       // of the manager, at once
	ShowStatus                 // messages on the console
	HideStatus
	LogDebug
	LogUsual  // the level that was configured
	LogTarget // to Verb: "console", "kmsg", …; "" is the one that was configured
	Actions
)

// Request is what one signal means.
type Request struct {
	Signal value.Signal
	Action Action
	Unit   string
	Mode   unit.JobMode
	Verb   string
}

// rtmin is SIGRTMIN as the C library of Linux has it: two below are its own.
const rtmin = 34

// ofSystem is what signals mean to PID 1. systemd(1), SIGNALS.
var ofSystem = []Request{
	{Signal: value.SIGTERM, Action: Reexec},
	{Signal: value.SIGINT, Action: Start, Unit: "ctrl-alt-del.target", Mode: unit.ReplaceIrreversibly},
	{Signal: sigwinch, Action: Start, Unit: "kbrequest.target"},
	{Signal: sigpwr, Action: Start, Unit: "sigpwr.target"},
	{Signal: value.SIGUSR1, Action: ReconnectBus},
	{Signal: value.SIGUSR2, Action: Dump},
	{Signal: value.SIGHUP, Action: Reload},
	{Signal: rtmin + 0, Action: Start, Unit: "default.target"},
	{Signal: rtmin + 1, Action: Start, Unit: "rescue.target", Mode: unit.Isolate},
	{Signal: rtmin + 2, Action: Start, Unit: "emergency.target", Mode: unit.Isolate},
	{Signal: rtmin + 3, Action: Start, Unit: "halt.target"},
	{Signal: rtmin + 4, Action: Start, Unit: "poweroff.target"},
	{Signal: rtmin + 5, Action: Start, Unit: "reboot.target"},
	{Signal: rtmin + 6, Action: Start, Unit: "kexec.target"},
	{Signal: rtmin + 13, Action: Immediate, Verb: "halt"},
	{Signal: rtmin + 14, Action: Immediate, Verb: "poweroff"},
	{Signal: rtmin + 15, Action: Immediate, Verb: "reboot"},
	{Signal: rtmin + 16, Action: Immediate, Verb: "kexec"},
	{Signal: rtmin + 20, Action: ShowStatus},
	{Signal: rtmin + 21, Action: HideStatus},
	{Signal: rtmin + 22, Action: LogDebug},
	{Signal: rtmin + 23, Action: LogUsual},
	{Signal: rtmin + 25, Action: Reexec},
	{Signal: rtmin + 26, Action: LogTarget},
	{Signal: rtmin + 27, Action: LogTarget, Verb: "console"},
	{Signal: rtmin + 28, Action: LogTarget, Verb: "kmsg"},
	{Signal: rtmin + 29, Action: LogTarget, Verb: "syslog-or-kmsg"},
}

// ofUser is what signals mean to a manager that is not PID 1.
var ofUser = []Request{
	{Signal: value.SIGTERM, Action: Start, Unit: "exit.target", Mode: unit.ReplaceIrreversibly},
	{Signal: value.SIGINT, Action: Start, Unit: "exit.target", Mode: unit.ReplaceIrreversibly},
	{Signal: value.SIGUSR1, Action: ReconnectBus},
	{Signal: value.SIGUSR2, Action: Dump},
	{Signal: value.SIGHUP, Action: Reload},
	{Signal: rtmin + 22, Action: LogDebug},
	{Signal: rtmin + 23, Action: LogUsual},
	{Signal: rtmin + 24, Action: Exit},
	{Signal: rtmin + 25, Action: Reexec},
	{Signal: rtmin + 26, Action: LogTarget},
	{Signal: rtmin + 27, Action: LogTarget, Verb: "console"},
	{Signal: rtmin + 28, Action: LogTarget, Verb: "kmsg"},
	{Signal: rtmin + 29, Action: LogTarget, Verb: "syslog-or-kmsg"},
}

const (
	sigwinch value.Signal = 28
	sigpwr   value.Signal = 30
)

// Requests lists what signals mean: to PID 1, or to other managers.
func Requests(init bool) []Request {
	if init {
		return ofSystem
	}
	return ofUser
}

// Signals receives signals until it is closed.
type Signals struct {
	ch   chan os.Signal
	list []syscall.Signal
	done sync.WaitGroup
}

// Numbers lists the signals that are received.
func (s *Signals) Numbers() []syscall.Signal { return s.list }

// Listen takes the signals that are requests and hands them to deliver, in turn,
// from a goroutine. It is the first thing a manager does: until then SIGTERM ends
// it. PID 1 takes all others as well, and ignores them, for none shall end it; log
// gets a line about each. SIGCHLD is for others to take.
func Listen(init bool, deliver func(Request), log func(line string)) *Signals {
	// Room for a burst; what comes while it is full is lost, as signals are.
	s := &Signals{ch: make(chan os.Signal, 64)}
	byNumber := map[os.Signal]Request{}
	for _, r := range Requests(init) {
		if n, ok := sys.NativeSignal(r.Signal); ok {
			byNumber[n] = r
			signal.Notify(s.ch, n)
			s.list = append(s.list, n)
		}
	}
	if init {
		for _, n := range sys.AllSignals() {
			signal.Notify(s.ch, n)
			s.list = append(s.list, n)
		}
	}
	s.done.Go(func() {
		for got := range s.ch {
			switch r, ok := byNumber[got]; {
			case ok:
				deliver(r)
			case got != sys.BrokenPipe:
				log("ignoring signal " + got.String())
			}
		}
	})
	if !init {
		signal.Notify(s.ch, sys.BrokenPipe) // a client that is gone shall not end us
	}
	return s
}

// Close ends the receiving; signals have their usual effect again.
func (s *Signals) Close() {
	signal.Stop(s.ch)
	close(s.ch)
	s.done.Wait()
}
