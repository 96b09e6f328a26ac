package unit

import "rouse/internal/unit/value"

// Service is the [Service] section without its Exec, Kill and Resources parts.
// systemd.service(5).
type Service struct {
	Type     ServiceType
	TypeSet  bool // by Type=, or chosen when loading ended
	ExitType ExitType
	Restart  Restart
	PIDFile  string
	BusName  string

	Commands [ExecKinds][]value.Command

	RestartDelay            value.Span // RestartSec=, default 100ms
	RestartMaxDelay         value.Span // default infinity: RestartSec= does not grow
	RestartSteps            uint       // 0: RestartSec= does not grow
	RestartMode             RestartMode
	TimeoutStart            value.Span // default DefaultTimeoutStartSec=; infinity for oneshot
	TimeoutStartSet         bool       // by TimeoutStartSec= or TimeoutSec=
	TimeoutStop             value.Span
	TimeoutAbort            value.Span
	TimeoutAbortSet         bool
	RuntimeMax              value.Span // default infinity
	RuntimeRandomizedExtra  value.Span
	Watchdog                value.Span // 0 or infinity: none
	TimeoutStartFailureMode TimeoutFailureMode
	TimeoutStopFailureMode  TimeoutFailureMode

	PermissionsStartOnly        bool
	RootDirectoryStartOnly      bool
	RemainAfterExit             bool
	GuessMainPID                bool // default true
	NonBlocking                 bool
	NotifyAccess                NotifyAccess
	Sockets                     []string
	OpenFiles                   []OpenFile
	FileDescriptorStoreMax      uint
	FileDescriptorStorePreserve Preserve // default restart
	OOMPolicy                   OOMPolicy
	OOMPolicySet                bool         // by OOMPolicy=, or chosen when loading ended
	ReloadSignal                value.Signal // default SIGHUP

	SuccessExitStatus        value.ExitSet
	RestartPreventExitStatus value.ExitSet
	RestartForceExitStatus   value.ExitSet

	USBFunctionDescriptors, USBFunctionStrings string
}

// OpenFile is one OpenFile=: a file, or a unix socket to connect to.
type OpenFile struct {
	Path, Name string
	// How the file is opened; for reading and writing if none is set. Of these three
	// at most one is.
	ReadOnly, Append, Truncate bool
	Graceful                   bool // go on without it if it cannot be opened
}

// Kill says how the processes of a unit are ended. systemd.kill(5).
type Kill struct {
	Mode          KillMode
	Signal        value.Signal // KillSignal=, default SIGTERM
	RestartSignal value.Signal // RestartKillSignal=; 0: as Signal
	FinalSignal   value.Signal // FinalKillSignal=, default SIGKILL
	Watchdog      value.Signal // WatchdogSignal=, default SIGABRT
	SendSIGKILL   bool         // default true
	SendSIGHUP    bool
}

// Socket is the [Socket] section without its Exec, Kill and Resources parts.
// systemd.socket(5).
type Socket struct {
	Listen                                           []Listen
	Service                                          string // Service=; "" is the one of the same name
	FileDescriptorName                               string
	Accept                                           bool
	Writable                                         bool
	FlushPending                                     bool
	MaxConnections                                   uint // default 64
	MaxConnectionsPerSource                          uint
	Backlog                                          uint // default 2147483647
	BindIPv6Only                                     BindIPv6Only
	BindToDevice                                     string
	SocketUser, SocketGroup                          string
	SocketMode                                       value.Mode // default 0666
	DirectoryMode                                    value.Mode // default 0755
	KeepAlive                                        bool
	KeepAliveTime                                    value.Span
	KeepAliveInterval                                value.Span
	KeepAliveProbes                                  uint
	NoDelay                                          bool
	Priority                                         int // -1: not set
	DeferAccept                                      value.Span
	ReceiveBuffer                                    value.Size
	SendBuffer                                       value.Size
	IPTOS                                            int // -1: not set
	IPTTL                                            int // -1: not set
	Mark                                             int // -1: not set
	ReusePort                                        bool
	FreeBind                                         bool
	Transparent                                      bool
	Broadcast                                        bool
	PassCredentials                                  bool
	PassSecurity                                     bool
	PassPacketInfo                                   bool
	Timestamping                                     Timestamping
	TCPCongestion                                    string
	PipeSize                                         value.Size
	MessageQueueMaxMessages, MessageQueueMessageSize int64
	SmackLabel, SmackLabelIPIn, SmackLabelIPOut      string
	SELinuxContextFromNet                            bool
	SocketProtocol                                   int // 0, or IPPROTO_UDPLITE, IPPROTO_SCTP
	RemoveOnStop                                     bool
	Symlinks                                         []string
	TriggerLimitInterval                             value.Span
	TriggerLimitBurst                                uint
	Timeout                                          value.Span // TimeoutSec=
	PollLimitInterval                                value.Span // default 0: no limit
	PollLimitBurst                                   uint       // default 0: no limit
	PassFDsToExec                                    bool       // PassFileDescriptorsToExec=
	RefuseFDs                                        bool       // AcceptFileDescriptors=no
	DeferTrigger                                     DeferTrigger
	DeferTriggerMax                                  value.Span // default infinity
	Commands                                         [SocketExecKinds][]value.Command
}

// Listen is one Listen…= line.
type Listen struct {
	Kind    ListenKind
	Address string // as normalised: path, "@abstract", "0.0.0.0:80", "[::]:80", "vsock:…"
}
