package value

// Command is one command of an Exec…= line. systemd.service(5), COMMAND LINES.
type Command struct {
	Path  string   // absolute, or a bare name to be sought in the search path
	Argv  []string // Argv[0] included; $VAR not yet expanded
	Flags CommandFlags
}

// CommandFlags are the prefixes of a command.
type CommandFlags uint8

// The prefixes: - (a failure is recorded and otherwise has no effect), : (no
// $VAR expansion), + (full privileges), ! (elevated), !! (ambient, elevated
// where ambient capabilities are not supported).
const (
	IgnoreFailure CommandFlags = 1 << iota
	NoExpand
	FullPrivilege
	NoSetuid
	AmbientMagic
)

// ExitSet is a set of exit statuses and signals, as in SuccessExitStatus=.
type ExitSet struct {
	Statuses []uint8 // sorted
	Signals  []Signal
}

// Limit is one of the resource limits of setrlimit(2).
type Limit uint8

// The resource limits, in the order of systemd.exec(5).
const (
	LimitCPU Limit = iota
	LimitFSIZE
	LimitDATA
	LimitSTACK
	LimitCORE
	LimitRSS
	LimitNOFILE
	LimitAS
	LimitNPROC
	LimitMEMLOCK
	LimitLOCKS
	LimitSIGPENDING
	LimitMSGQUEUE
	LimitNICE
	LimitRTPRIO
	LimitRTTIME
	Limits
)

var limitWords = [Limits]string{
	"CPU", "FSIZE", "DATA", "STACK", "CORE", "RSS", "NOFILE", "AS", "NPROC", "MEMLOCK", "LOCKS",
	"SIGPENDING", "MSGQUEUE", "NICE", "RTPRIO", "RTTIME",
}

// String gives the name after "Limit" and "RLIMIT_".
func (l Limit) String() string { return limitWords[l] }
