package unit

import (
	"strings"

	"rouse/internal/unit/value"
)

// Exec is the execution context of a unit's processes. systemd.exec(5).
type Exec struct {
	User, Group         string
	SupplementaryGroups []string

	WorkingDirectory          string // "" is the default: / (or the home, for a user manager)
	WorkingDirectoryHome      bool   // "~"
	WorkingDirectoryMissingOK bool   // "-"
	RootDirectory             string

	UMask          value.Mode // default 0022
	Nice           int
	NiceSet        bool
	OOMScoreAdjust int
	OOMScoreSet    bool
	Limits         [value.Limits]Rlimit
	IgnoreSIGPIPE  bool // default true

	Environment      []string // "K=V", later ones win
	EnvironmentFiles []EnvironmentFile
	PassEnvironment  []string
	UnsetEnvironment []string // "K" or "K=V"

	Directories              [DirectoryKinds]Directories
	RuntimeDirectoryPreserve Preserve

	Stdin                                   Stdio
	Stdout                                  Stdio
	Stderr                                  Stdio
	StdinFDName, StdoutFDName, StderrFDName string // fd:NAME; "" is "stdin", "stdout", "stderr"
	StdinFile, StdoutFile, StderrFile       string // file:, append:, truncate:
	StdinData                               []byte // StandardInputText= and StandardInputData=

	SyslogIdentifier string

	Terminal
	Logging
	Scheduling
	Images
	Sandbox
	Credentials

	PAMName        string
	UtmpIdentifier string
	UtmpMode       UtmpMode
	SearchPath     []string   // ExecSearchPath=; empty is the manager's
	TimeoutClean   value.Span // default infinity
	DynamicUser    bool
	RemoveIPC      bool
	Keyring        KeyringMode
}

// Rlimit is one resource limit, in the unit of setrlimit(2); value.SizeInfinity is none.
type Rlimit struct {
	Set        bool
	Soft, Hard uint64
}

// EnvironmentFile is one EnvironmentFile= path; Optional is the "-" before it.
type EnvironmentFile struct {
	Path     string // may be a glob
	Optional bool
}

// DirectoryKind is one of RuntimeDirectory=, StateDirectory= and kin.
type DirectoryKind uint8

// The kinds of directories a unit can have made for it.
const (
	RuntimeDirectory DirectoryKind = iota
	StateDirectory
	CacheDirectory
	LogsDirectory
	ConfigurationDirectory
	DirectoryKinds
)

var directoryKindWords = [DirectoryKinds]string{
	"RuntimeDirectory", "StateDirectory", "CacheDirectory", "LogsDirectory", "ConfigurationDirectory",
}

func (k DirectoryKind) String() string { return directoryKindWords[k] }

// Word is what clean calls the kind: "runtime", "state" and so on.
func (k DirectoryKind) Word() string {
	return strings.ToLower(strings.TrimSuffix(directoryKindWords[k], "Directory"))
}

// Directories are the paths of one kind, relative to that kind's base.
type Directories struct {
	Paths []DirectoryPath
	Mode  value.Mode // default 0755
}

// DirectoryPath is one directory with the symlinks to it ("dir:link").
type DirectoryPath struct {
	Path  string
	Links []string
}

// OnSocket reports whether one of the standard streams is to be the unit's socket,
// which then is all that its processes get of it.
func (x *Exec) OnSocket() bool {
	return x != nil && (x.Stdin == StdioSocket || x.Stdout == StdioSocket || x.Stderr == StdioSocket)
}

// Preserve is RuntimeDirectoryPreserve=.
type Preserve uint8

// The values of RuntimeDirectoryPreserve=.
const (
	PreserveNo Preserve = iota
	PreserveYes
	PreserveRestart
	Preserves
)

var preserveWords = [Preserves]string{"no", "yes", "restart"}

func (p Preserve) String() string { return preserveWords[p] }

// Stdio is what a standard stream is connected to.
type Stdio uint8

// The values of StandardInput=, StandardOutput= and StandardError=. The zero
// value is "not set": null for input, DefaultStandardOutput= or inherit else.
const (
	StdioUnset Stdio = iota
	StdioNull
	StdioInherit
	StdioTTY
	StdioTTYForce
	StdioTTYFail
	StdioJournal
	StdioJournalConsole
	StdioKmsg
	StdioKmsgConsole
	StdioData
	StdioSocket
	StdioFD
	StdioFile
	StdioAppend
	StdioTruncate
	Stdios
)

var stdioWords = [Stdios]string{
	"", "null", "inherit", "tty", "tty-force", "tty-fail", "journal", "journal+console", "kmsg",
	"kmsg+console", "data", "socket", "fd", "file", "append", "truncate",
}

func (s Stdio) String() string { return stdioWords[s] }
