package unit

// Every enumeration of this package is a small integer with one word per value,
// as systemd prints it and unit files spell it; its zero value is the default.

// LoadState says how far loading came.
type LoadState uint8

// The load states. systemctl(1).
const (
	Stub LoadState = iota
	Loaded
	NotFound
	BadSetting
	LoadFailed
	Merged
	Masked
	LoadStates
)

var loadStateWords = [LoadStates]string{
	"stub", "loaded", "not-found", "bad-setting", "error", "merged", "masked",
}

func (s LoadState) String() string { return loadStateWords[s] }

// CollectMode is CollectMode=.
type CollectMode uint8

// The collect modes.
const (
	CollectInactive CollectMode = iota
	CollectInactiveOrFailed
	CollectModes
)

var collectWords = [CollectModes]string{"inactive", "inactive-or-failed"}

func (m CollectMode) String() string { return collectWords[m] }

// Action is what FailureAction= and kin do with the whole system.
type Action uint8

// The actions. systemd.unit(5), FailureAction=.
const (
	ActionNone Action = iota
	ActionReboot
	ActionRebootForce
	ActionRebootImmediate
	ActionPoweroff
	ActionPoweroffForce
	ActionPoweroffImmediate
	ActionExit
	ActionExitForce
	Actions
)

var actionWords = [Actions]string{
	"none", "reboot", "reboot-force", "reboot-immediate", "poweroff", "poweroff-force",
	"poweroff-immediate", "exit", "exit-force",
}

func (a Action) String() string { return actionWords[a] }

// JobMode says how a new job deals with those already queued. systemctl(1), --job-mode=.
type JobMode uint8

// The job modes.
const (
	Replace JobMode = iota
	Fail
	ReplaceIrreversibly
	Isolate
	Flush
	IgnoreDependencies
	IgnoreRequirements
	Triggering
	JobModes
)

var jobModeWords = [JobModes]string{
	"replace", "fail", "replace-irreversibly", "isolate", "flush", "ignore-dependencies",
	"ignore-requirements", "triggering",
}

func (m JobMode) String() string { return jobModeWords[m] }

// ParseJobMode finds the job mode called word.
func ParseJobMode(word string) (JobMode, bool) { return parseWord[JobMode](jobModeWords[:], word) }

// ServiceType is Type=.
type ServiceType uint8

// The service types.
const (
	Simple ServiceType = iota
	Forking
	Oneshot
	DBus
	Notify
	NotifyReload
	Idle
	ExecType
	ServiceTypes
)

var serviceTypeWords = [ServiceTypes]string{
	"simple", "forking", "oneshot", "dbus", "notify", "notify-reload", "idle", "exec",
}

func (t ServiceType) String() string { return serviceTypeWords[t] }

// ExitType is ExitType=.
type ExitType uint8

// The exit types.
const (
	ExitMain ExitType = iota
	ExitCgroup
	ExitTypes
)

var exitTypeWords = [ExitTypes]string{"main", "cgroup"}

func (t ExitType) String() string { return exitTypeWords[t] }

// Restart is Restart=.
type Restart uint8

// The restart settings.
const (
	RestartNo Restart = iota
	RestartOnSuccess
	RestartOnFailure
	RestartOnAbnormal
	RestartOnWatchdog
	RestartOnAbort
	RestartAlways
	Restarts
)

var restartWords = [Restarts]string{
	"no", "on-success", "on-failure", "on-abnormal", "on-watchdog", "on-abort", "always",
}

func (r Restart) String() string { return restartWords[r] }

// RestartMode is RestartMode=.
type RestartMode uint8

// The ways to restart. Direct is without a stop in between that others would notice.
const (
	RestartNormal RestartMode = iota
	RestartDirect
	RestartDebug
	RestartModes
)

var restartModeWords = [RestartModes]string{"normal", "direct", "debug"}

func (m RestartMode) String() string { return restartModeWords[m] }

// ExecKind is one of the command lists of a service.
type ExecKind uint8

// The command lists, in the order they run.
const (
	ExecCondition ExecKind = iota
	ExecStartPre
	ExecStart
	ExecStartPost
	ExecReload
	ExecStop
	ExecStopPost
	ExecKinds
)

var execKindWords = [ExecKinds]string{
	"ExecCondition", "ExecStartPre", "ExecStart", "ExecStartPost", "ExecReload",
	"ExecStop", "ExecStopPost",
}

func (k ExecKind) String() string { return execKindWords[k] }

// SocketExecKind is one of the command lists of a socket.
type SocketExecKind uint8

// The command lists of a socket, in the order they run.
const (
	SocketStartPre SocketExecKind = iota
	SocketStartPost
	SocketStopPre
	SocketStopPost
	SocketExecKinds
)

var socketExecKindWords = [SocketExecKinds]string{
	"ExecStartPre", "ExecStartPost", "ExecStopPre", "ExecStopPost",
}

func (k SocketExecKind) String() string { return socketExecKindWords[k] }

// TimeoutFailureMode is TimeoutStartFailureMode= and TimeoutStopFailureMode=.
type TimeoutFailureMode uint8

// The timeout failure modes.
const (
	TimeoutTerminate TimeoutFailureMode = iota
	TimeoutAborts
	TimeoutKill
	TimeoutFailureModes
)

var timeoutFailureWords = [TimeoutFailureModes]string{"terminate", "abort", "kill"}

func (m TimeoutFailureMode) String() string { return timeoutFailureWords[m] }

// DeferTrigger is DeferTrigger=.
type DeferTrigger uint8

// Whether a socket waits with the start of its service until nothing speaks against it.
const (
	DeferNo DeferTrigger = iota
	DeferYes
	DeferPatient
	DeferTriggers
)

var deferTriggerWords = [DeferTriggers]string{"no", "yes", "patient"}

func (d DeferTrigger) String() string { return deferTriggerWords[d] }

// NotifyAccess is NotifyAccess=.
type NotifyAccess uint8

// Who may send notify messages.
const (
	NotifyNone NotifyAccess = iota
	NotifyAll
	NotifyExec
	NotifyMain
	NotifyAccesses
)

var notifyAccessWords = [NotifyAccesses]string{"none", "all", "exec", "main"}

func (a NotifyAccess) String() string { return notifyAccessWords[a] }

// OOMPolicy is OOMPolicy=.
type OOMPolicy uint8

// The OOM policies.
const (
	OOMStop OOMPolicy = iota
	OOMContinue
	OOMKill
	OOMPolicies
)

var oomPolicyWords = [OOMPolicies]string{"stop", "continue", "kill"}

func (p OOMPolicy) String() string { return oomPolicyWords[p] }

// KillMode is KillMode=.
type KillMode uint8

// The kill modes.
const (
	KillControlGroup KillMode = iota
	KillProcess
	KillMixed
	KillNone
	KillModes
)

var killModeWords = [KillModes]string{"control-group", "process", "mixed", "none"}

func (m KillMode) String() string { return killModeWords[m] }

// BindIPv6Only is BindIPv6Only=.
type BindIPv6Only uint8

// The values of BindIPv6Only=.
const (
	BindIPv6Default BindIPv6Only = iota
	BindIPv6Both
	BindIPv6Only_
	BindIPv6Onlys
)

var bindIPv6Words = [BindIPv6Onlys]string{"default", "both", "ipv6-only"}

func (b BindIPv6Only) String() string { return bindIPv6Words[b] }

// Timestamping is Timestamping= of a socket.
type Timestamping uint8

// The values of Timestamping=.
const (
	TimestampOff Timestamping = iota
	TimestampMicro
	TimestampNano
	Timestampings
)

var timestampingWords = [Timestampings]string{"off", "us", "ns"}

func (t Timestamping) String() string { return timestampingWords[t] }

// ListenKind is which Listen…= directive an address came from.
type ListenKind uint8

// The kinds of things a socket unit listens on.
const (
	ListenStream ListenKind = iota
	ListenDatagram
	ListenSequentialPacket
	ListenFIFO
	ListenSpecial
	ListenNetlink
	ListenMessageQueue
	ListenUSBFunction
	ListenKinds
)

// The words are those of the property Listen.
var listenKindWords = [ListenKinds]string{
	"Stream", "Datagram", "SequentialPacket", "FIFO", "Special", "Netlink", "MessageQueue",
	"USBFunction",
}

func (k ListenKind) String() string { return listenKindWords[k] }

func parseWord[T ~uint8](words []string, word string) (T, bool) {
	for i, w := range words {
		if w == word {
			return T(i), true
		}
	}
	return 0, false
}
