package spawn

import (
	"strconv"
	"strings"

	"rouse/internal/host/sys"
)

// The exit statuses of a process whose context could not be set up.
// systemd.exec(5), PROCESS EXIT CODES.
const (
	StatusChdir            = 200
	StatusNice             = 201
	StatusFDs              = 202
	StatusExec             = 203
	StatusMemory           = 204
	StatusLimits           = 205
	StatusOOMAdjust        = 206
	StatusSignalMask       = 207
	StatusStdin            = 208
	StatusStdout           = 209
	StatusChroot           = 210
	StatusIOPriority       = 211
	StatusTimerSlack       = 212
	StatusSecureBits       = 213
	StatusScheduler        = 214
	StatusCPUAffinity      = 215
	StatusGroup            = 216
	StatusUser             = 217
	StatusCapabilities     = 218
	StatusCgroup           = 219
	StatusSetsid           = 220
	StatusStderr           = 222
	StatusNetwork          = 225
	StatusNamespace        = 226
	StatusPAM              = 224
	StatusNoNewPrivileges  = 227
	StatusSeccomp          = 228
	StatusSELinux          = 229
	StatusPersonality      = 230
	StatusAppArmor         = 231
	StatusAddressFamilies  = 232
	StatusRuntimeDirectory = 233
	StatusSmack            = 236
	StatusKeyring          = 237
	StatusStateDirectory   = 238
	StatusCacheDirectory   = 239
	StatusLogsDirectory    = 240
	StatusConfigDirectory  = 241
	StatusNUMAPolicy       = 242
	StatusCredentials      = 243
)

// statusNames are the names of all statuses that systemd gives out, those of
// steps that are not taken here included.
var statusNames = [256]string{
	StatusChdir:            "CHDIR",
	StatusNice:             "NICE",
	StatusFDs:              "FDS",
	StatusExec:             "EXEC",
	StatusMemory:           "MEMORY",
	StatusLimits:           "LIMITS",
	StatusOOMAdjust:        "OOM_ADJUST",
	StatusSignalMask:       "SIGNAL_MASK",
	StatusStdin:            "STDIN",
	StatusStdout:           "STDOUT",
	StatusChroot:           "CHROOT",
	StatusIOPriority:       "IOPRIO",
	StatusTimerSlack:       "TIMERSLACK",
	StatusSecureBits:       "SECUREBITS",
	StatusScheduler:        "SETSCHEDULER",
	StatusCPUAffinity:      "CPUAFFINITY",
	StatusGroup:            "GROUP",
	StatusUser:             "USER",
	StatusCapabilities:     "CAPABILITIES",
	StatusCgroup:           "CGROUP",
	StatusSetsid:           "SETSID",
	221:                    "CONFIRM",
	StatusStderr:           "STDERR",
	StatusPAM:              "PAM",
	StatusNoNewPrivileges:  "NO_NEW_PRIVILEGES",
	StatusSeccomp:          "SECCOMP",
	StatusNetwork:          "NETWORK",
	StatusNamespace:        "NAMESPACE",
	StatusSELinux:          "SELINUX_CONTEXT",
	StatusPersonality:      "PERSONALITY",
	StatusAppArmor:         "APPARMOR",
	StatusAddressFamilies:  "ADDRESS_FAMILIES",
	StatusRuntimeDirectory: "RUNTIME_DIRECTORY",
	235:                    "CHOWN",
	StatusSmack:            "SMACK_PROCESS_LABEL",
	StatusKeyring:          "KEYRING",
	StatusStateDirectory:   "STATE_DIRECTORY",
	StatusCacheDirectory:   "CACHE_DIRECTORY",
	StatusLogsDirectory:    "LOGS_DIRECTORY",
	StatusConfigDirectory:  "CONFIGURATION_DIRECTORY",
	StatusNUMAPolicy:       "NUMA_POLICY",
	StatusCredentials:      "CREDENTIALS",
	244:                    "BPF",
}

// StatusName is the name of an exit status of systemd.exec(5): "EXEC" for 203;
// "" if it has none.
func StatusName(status int) string {
	if status < 0 || status >= len(statusNames) {
		return ""
	}
	return statusNames[status]
}

// A StepError is an operation that failed between fork and exec. The process is
// real: it exits, or has exited, with Status and is reaped like any other.
type StepError struct {
	Unit      string
	Step      string // the operation and its object: "exec /usr/bin/web", "chdir /srv"
	Directive string // who asked for it: "ExecStart", "WorkingDirectory"; "" if nobody did
	Errno     int    // 0 if Err says it better
	Err       error  // the cause; nil is Errno
	// Status is the exit status of the process, see StatusName. It is 0 if the
	// program is missing and the command has the prefix "-".
	Status int
}

// Error gives "start web.service: ExecStart=: exec /usr/bin/web: no such file or directory
// (203/EXEC)". The directive is not repeated where step or cause name it.
func (e *StepError) Error() string {
	s := e.Step + ": " + e.Unwrap().Error()
	if name := e.Directive + "="; e.Directive != "" && !strings.Contains(s, name) {
		s = name + ": " + s
	}
	if e.Unit != "" {
		s = "start " + e.Unit + ": " + s
	}
	s += " (" + strconv.Itoa(e.Status)
	if name := StatusName(e.Status); name != "" {
		s += "/" + name
	}
	return s + ")"
}

// Unwrap gives the cause.
func (e *StepError) Unwrap() error {
	if e.Err != nil {
		return e.Err
	}
	return sys.Errno(e.Errno)
}
