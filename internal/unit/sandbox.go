package unit

import "rouse/internal/unit/value"

// Terminal is what a unit does with its terminal. systemd.exec(5).
type Terminal struct {
	TTYPath                                string // "" is /dev/console
	TTYReset, TTYVHangup, TTYVTDisallocate bool
	TTYRows, TTYColumns                    uint // TTYSizeUnset: left alone
}

// TTYSizeUnset is the TTYRows and TTYColumns of a terminal that is left as it is.
const TTYSizeUnset = 65535

// Logging says how the output of a unit becomes log messages. systemd.exec(5).
type Logging struct {
	SyslogFacility       int  // default 3, daemon
	SyslogLevel          int  // default 6, info
	SyslogLevelPrefix    bool // default true
	LogLevelMax          int  // -1: all
	LogExtraFields       []string
	LogRateLimitInterval value.Span // 0: the journal's own
	LogRateLimitBurst    uint       // 0: the journal's own
	LogNamespace         string
}

// Scheduling is what the kernel's schedulers are told. systemd.exec(5).
type Scheduling struct {
	CPUSchedulingSet         bool
	CPUSchedulingPolicy      int // of sched_setscheduler(2)
	CPUSchedulingPriority    int
	CPUSchedulingResetOnFork bool
	CPUAffinity              value.CPUSet
	CPUAffinityFromNUMA      bool
	NUMAPolicy               int // of set_mempolicy(2); -1: not set
	NUMAMask                 value.CPUSet
	NUMAMaskAll              bool // NUMAMask=all
	IOSchedulingSet          bool
	IOSchedulingClass        int // of ioprio_set(2), default 2
	IOSchedulingPriority     int // default 4
	TimerSlack               uint64
	TimerSlackSet            bool
	CoredumpFilter           uint64
	CoredumpFilterSet        bool
	Personality              string // an architecture; "" is the machine's own
}

// Images is what a unit's root directory is made of. systemd.exec(5).
type Images struct {
	RootImage             string
	RootImageOptions      []ImageOptions
	RootHash              []byte
	RootHashPath          string
	RootHashSignature     []byte
	RootHashSignaturePath string
	RootVerity            string
	ExtensionDirectories  []string // with "-" before those that may be missing
	ExtensionImages       []Image
	MountImages           []Image
	MountAPIVFS           Tristate
}

// ImageOptions are mount options for one partition of an image.
type ImageOptions struct{ Partition, Options string }

// Image is one disk image with the place it is mounted at, if that is free to choose.
type Image struct {
	Source, Where string
	Optional      bool // "-": may be missing
	Options       []ImageOptions
}

// Tristate is a boolean that may be left to the circumstances.
type Tristate uint8

// The values of a Tristate.
const (
	Unset Tristate = iota
	No
	Yes
	Tristates
)

var tristateWords = [Tristates]string{"", "no", "yes"}

func (t Tristate) String() string { return tristateWords[t] }

// Sandbox is what a unit's processes cannot see or do. systemd.exec(5), SANDBOXING.
type Sandbox struct {
	CapabilityBoundingSet uint64 // bit n is capability n; default all
	AmbientCapabilities   uint64
	SecureBits            int
	NoNewPrivileges       bool
	SELinuxContext        Label
	AppArmorProfile       Label
	SmackProcessLabel     Label

	ProtectSystem         ProtectSystem
	ProtectHome           ProtectHome
	ProtectProc           ProtectProc
	ProcSubset            ProcSubset
	ProtectClock          bool
	ProtectControlGroups  bool
	ProtectHostname       bool
	ProtectKernelLogs     bool
	ProtectKernelModules  bool
	ProtectKernelTunables bool
	PrivateDevices        bool
	PrivateIPC            bool
	PrivateMounts         bool
	PrivateNetwork        bool
	PrivateTmp            bool
	PrivateUsers          bool
	NetworkNamespacePath  string
	IPCNamespacePath      string
	MountFlags            uint64 // MS_SHARED, MS_SLAVE, MS_PRIVATE or 0

	// The paths keep their prefixes: "-" for those that may be missing, "+" for
	// those below RootDirectory=.
	ReadWritePaths, ReadOnlyPaths, InaccessiblePaths []string
	ExecPaths, NoExecPaths                           []string
	BindPaths                                        []BindPath
	TemporaryFileSystems                             []TemporaryFileSystem

	LockPersonality         bool
	MemoryDenyWriteExecute  bool
	RestrictRealtime        bool
	RestrictSUIDSGID        bool
	RestrictAddressFamilies Restriction // AF_…
	RestrictFileSystems     Restriction
	RestrictNamespaces      uint64 // CLONE_NEW… flags that remain allowed; default all bits
	SystemCallFilter        CallFilter
	SystemCallLog           CallFilter
	SystemCallErrorNumber   int      // an errno, or CallKill
	SystemCallArchitectures []string // sorted
}

// Label is a label of a security module; Optional is the "-" before it.
type Label struct {
	Label    string
	Optional bool
}

// BindPath is one bind mount.
type BindPath struct {
	Source, Where string
	ReadOnly      bool
	Optional      bool // "-": may be missing
	Flat          bool // norbind: without the mounts below
}

// TemporaryFileSystem is one tmpfs with its mount options.
type TemporaryFileSystem struct{ Path, Options string }

// Restriction is a list of names that alone are allowed, or that are forbidden.
// The zero value forbids nothing.
type Restriction struct {
	Allow bool     // Names alone are allowed
	Names []string // sorted
}

// Any reports whether r forbids anything.
func (r Restriction) Any() bool { return r.Allow || len(r.Names) > 0 }

// CallFilter is a filter of system calls.
type CallFilter struct {
	Set   bool
	Allow bool   // the calls listed alone are allowed, except those with an error of their own
	Calls []Call // by name, sorted
}

// Call is one system call of a filter. Errno is what it fails with: CallDefault,
// CallKill or an error number.
type Call struct {
	Name  string
	Errno int
}

// CallDefault is SystemCallErrorNumber=, or being killed if that is not set;
// CallKill ends the process.
const (
	CallDefault = -1
	CallKill    = 1<<31 - 2
)

// Credentials are what a unit's processes find in $CREDENTIALS_DIRECTORY.
type Credentials struct {
	SetCredentials  []SetCredential
	LoadCredentials []LoadCredential
	// ImportCredentials are names of credentials, sorted; a last "*" is for any text.
	ImportCredentials []string
}

// SetCredential is a credential given in the unit file.
type SetCredential struct {
	ID        string
	Data      []byte
	Encrypted bool
}

// LoadCredential is a credential read from a file, a socket or the manager's own.
type LoadCredential struct {
	ID, Path  string
	Encrypted bool
}

// ProtectSystem is ProtectSystem=.
type ProtectSystem uint8

// The values of ProtectSystem=.
const (
	ProtectSystemNo ProtectSystem = iota
	ProtectSystemYes
	ProtectSystemFull
	ProtectSystemStrict
	ProtectSystems
)

var protectSystemWords = [ProtectSystems]string{"no", "yes", "full", "strict"}

func (p ProtectSystem) String() string { return protectSystemWords[p] }

// ProtectHome is ProtectHome=.
type ProtectHome uint8

// The values of ProtectHome=.
const (
	ProtectHomeNo ProtectHome = iota
	ProtectHomeYes
	ProtectHomeReadOnly
	ProtectHomeTmpfs
	ProtectHomes
)

var protectHomeWords = [ProtectHomes]string{"no", "yes", "read-only", "tmpfs"}

func (p ProtectHome) String() string { return protectHomeWords[p] }

// ProtectProc is ProtectProc=.
type ProtectProc uint8

// The values of ProtectProc=.
const (
	ProtectProcDefault ProtectProc = iota
	ProtectProcNoAccess
	ProtectProcInvisible
	ProtectProcPtraceable
	ProtectProcs
)

var protectProcWords = [ProtectProcs]string{"default", "noaccess", "invisible", "ptraceable"}

func (p ProtectProc) String() string { return protectProcWords[p] }

// ProcSubset is ProcSubset=.
type ProcSubset uint8

// The values of ProcSubset=.
const (
	ProcSubsetAll ProcSubset = iota
	ProcSubsetPID
	ProcSubsets
)

var procSubsetWords = [ProcSubsets]string{"all", "pid"}

func (p ProcSubset) String() string { return procSubsetWords[p] }

// KeyringMode is KeyringMode=. Its default depends on the type of the unit.
type KeyringMode uint8

// The keyring modes.
const (
	KeyringInherit KeyringMode = iota
	KeyringPrivate
	KeyringShared
	KeyringModes
)

var keyringWords = [KeyringModes]string{"inherit", "private", "shared"}

func (k KeyringMode) String() string { return keyringWords[k] }

// UtmpMode is UtmpMode=.
type UtmpMode uint8

// The utmp modes.
const (
	UtmpInit UtmpMode = iota
	UtmpLogin
	UtmpUser
	UtmpModes
)

var utmpWords = [UtmpModes]string{"init", "login", "user"}

func (m UtmpMode) String() string { return utmpWords[m] }
