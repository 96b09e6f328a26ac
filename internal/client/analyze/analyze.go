// Package analyze is systemd-analyze: how long the boot took and why, what unit files
// mean, and what systemd's words for times, statuses and system calls stand for. It asks
// a face.Manager for what has happened, and reads files where systemd-analyze reads them
// itself. It answers for systemd-analyze(1).
package analyze

import (
	"rouse/internal/client/tool"
	"rouse/internal/face"
	"rouse/internal/unit/load"
	"rouse/internal/unit/specifier"
)

// Program is systemd-analyze.
var Program = tool.Program{
	Name: "systemd-analyze", Args: "COMMAND ...",
	About: "Profile the boot, show unit dependencies, check unit files",
	Verbs: verbWords(), Flags: flags, Run: run,
}

var flags = []tool.Flag{
	{Long: "recursive-errors", Arg: "MODE", Help: "Control which units are verified"},
	{Long: "no-pager", Help: "Do not pipe output into a pager"},
	{Long: "system", Help: "Operate on the system's manager"},
	{Long: "user", Help: "Operate on the user's manager"},
	{Long: "global", Help: "Operate on global user configuration"},
	{Short: "H", Long: "host", Arg: "[USER@]HOST", Help: "Operate on remote host"},
	{Short: "M", Long: "machine", Arg: "CONTAINER", Help: "Operate on local container"},
	{Long: "order", Help: "Show only order in the graph"},
	{Long: "require", Help: "Show only requirement in the graph"},
	{Long: "from-pattern", Arg: "GLOB", Help: "Show only origins in the graph"},
	{Long: "to-pattern", Arg: "GLOB", Help: "Show only destinations in the graph"},
	{Long: "fuzz", Arg: "SECONDS", Help: "Also print services which finished SECONDS earlier"},
	{Long: "man", Arg: "?BOOL", Help: "Do [not] check for existence of man pages"},
	{Long: "generators", Arg: "?BOOL", Help: "Do [not] run unit generators"},
	{Long: "iterations", Arg: "N", Help: "Show the specified number of iterations"},
	{Long: "base-time", Arg: "TIMESTAMP", Help: "Calculate calendar times relative to that"},
	{Long: "root", Arg: "PATH", Help: "Operate on an alternate filesystem root"},
	{Long: "image", Arg: "PATH", Help: "Operate on disk image as filesystem root"},
	{Long: "offline", Arg: "BOOL", Help: "Perform a security review on unit files"},
	{Long: "threshold", Arg: "N", Help: "Exit with a status if exposure is over it"},
	{Long: "security-policy", Arg: "PATH", Help: "Use custom JSON security policy"},
	{Long: "json", Arg: "MODE", Help: "Generate JSON output of the security analysis"},
	{Long: "profile", Arg: "NAME", Help: "Include the profile in the security review"},
	{Short: "q", Long: "quiet", Help: "Do not emit hints"},
}

// verb is one thing that it can do. max is -1 for any number of arguments.
type verb struct {
	name     string
	min, max int
	args     string
	help     string // "" keeps it out of the help
	run      func(a *session) (int, error)
}

// session is one run.
type session struct {
	*tool.Run
	args []string
	mgr  face.Manager
}

func verbs() []verb {
	return []verb{
		{"time", 0, 0, "", "Print time required to boot the machine", bootTime},
		{"blame", 0, 0, "", "Print list of running units ordered by time to init", blame},
		{"critical-chain", 0, -1, "[UNIT...]", "Print a tree of the time critical chain of units", chain},
		{"plot", 0, 0, "", "Output SVG graphic showing service initialization", plot},
		{"dot", 0, -1, "[UNIT...]", "Output dependency graph in dot(1) format", dot},
		{"dump", 0, -1, "[PATTERN...]", "Output state of the manager", dump},
		{"cat-config", 1, -1, "NAME...", "Show configuration file and drop-ins", catConfig},
		{"unit-files", 0, -1, "[PATTERN...]", "List files and symlinks for units", unitFiles},
		{"unit-paths", 0, 0, "", "List load directories for units", unitPaths},
		{"exit-status", 0, -1, "[STATUS...]", "List exit status definitions", exitStatus},
		{"capability", 0, -1, "[CAP...]", "List capability definitions", capability},
		{"syscall-filter", 0, -1, "[NAME...]", "List system calls in filters", syscallFilter},
		{"filesystems", 0, -1, "[NAME...]", "List file systems in filters", fileSystems},
		{"condition", 1, -1, "CONDITION...", "Evaluate conditions and asserts", conditions},
		{"compare-versions", 2, 3, "VERSION1 [OP] VERSION2", "Compare two version strings", versions},
		{"verify", 1, -1, "FILE...", "Check unit files for correctness", verify},
		{"calendar", 1, -1, "SPEC...", "Validate repetitive calendar time events", calendar},
		{"timestamp", 1, -1, "TIMESTAMP...", "Validate a timestamp", timestamp},
		{"timespan", 1, -1, "SPAN...", "Validate a time span", timespan},
		{"security", 0, -1, "[UNIT...]", "Tell how exposed services are", security},
		{"inspect-elf", 1, -1, "", "", inspectELF},
		{"log-level", 0, 1, "[LEVEL]", "Show or set how much the manager logs", logLevel},
		{"log-target", 0, 1, "[TARGET]", "Show or set where the manager logs to", logTarget},
		{"get-log-level", 0, 0, "", "", logLevel},
		{"set-log-level", 1, 1, "", "", logLevel},
		{"get-log-target", 0, 0, "", "", logTarget},
		{"set-log-target", 1, 1, "", "", logTarget},
		{"service-watchdogs", 0, 1, "[BOOL]", "Show or set whether watchdogs count", watchdogs},
	}
}

// verbWords are the verbs as the help has them.
func verbWords() (list []tool.Verb) {
	for _, v := range verbs() {
		list = append(list, tool.Verb{Name: v.name, Args: v.args, Help: v.help})
	}
	return list
}

func run(r *tool.Run) (int, error) {
	if r.Has("host") || r.Has("machine") {
		return 1, tool.Complain("Another host or machine cannot be asked; run this command there, " +
			"for instance through ssh.")
	}
	if r.Has("image") {
		return 1, tool.Complain("Disk images are not looked into; mount it and use --root=.")
	}
	word, args := "time", r.Args
	if len(args) > 0 {
		word, args = args[0], args[1:]
	}
	for _, v := range verbs() {
		if v.name != word {
			continue
		}
		switch {
		case len(args) < v.min && word == "condition":
			return 1, tool.Complain("Too few arguments for condition")
		case len(args) < v.min:
			return 1, tool.Complain("Too few arguments.")
		case v.max >= 0 && len(args) > v.max:
			return 1, tool.Complain("Too many arguments.")
		}
		return v.run(&session{Run: r, args: args})
	}
	return 1, tool.Complain("Unknown command verb %s.", word)
}

// user tells whether the user's manager or files are meant.
func (a *session) user() bool { return a.Has("user") || a.Has("global") }

func (a *session) manager() (face.Manager, error) {
	if a.mgr != nil {
		return a.mgr, nil
	}
	m, err := a.Dial(a.Ctx, a.Has("user"))
	if err != nil {
		return nil, tool.Complain("Failed to connect to the manager: %v", err)
	}
	a.mgr = m
	return m, nil
}

// loader reads unit files; first is a directory that comes before all others.
func (a *session) loader(first ...string) *load.Loader {
	return load.New(a.loading(first...))
}

func (a *session) loading(first ...string) load.Config {
	root := a.Value("root")
	if root == "" {
		root = "/"
	}
	var facts *specifier.Machine
	if a.Facts != nil {
		facts = a.Facts(root)
	}
	return load.Config{
		FS: a.Root(root), Path: load.SearchPath(a.user(), a.Getenv, first), User: a.user(),
		Machine: facts,
		Home:    a.Getenv("HOME"), RuntimeDir: a.Getenv("XDG_RUNTIME_DIR"),
	}
}

func inspectELF(*session) (int, error) {
	return 1, tool.Complain("Built without support for ELF package metadata; try: readelf -n FILE")
}
