package directive

import (
	"strings"

	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

var execRows = []Row{
	{Name: "CacheDirectory", Group: execGroup, in: directories{unit.CacheDirectory},
		Doc: "Directories made below /var/cache for the unit and owned by its user."},
	{Name: "CacheDirectoryMode", Group: execGroup, Default: "0755",
		Doc: "The mode of CacheDirectory=.",
		in:  directoryMode(unit.CacheDirectory)},
	{Name: "ConfigurationDirectory", Group: execGroup, in: directories{unit.ConfigurationDirectory},
		Doc: "Directories made below /etc for the unit."},
	{Name: "ConfigurationDirectoryMode", Group: execGroup, Default: "0755",
		Doc: "The mode of ConfigurationDirectory=.",
		in:  directoryMode(unit.ConfigurationDirectory)},
	{Name: "DynamicUser", Group: execGroup, Default: "no",
		Support: LinuxOnly, Note: onlyLinux,
		Doc: "Run as a user that exists only as long as the unit does.",
		in:  in[bool]{&mustBool, func(u *unit.Unit) *bool { return &u.Exec.DynamicUser }}},
	{Name: "ExecSearchPath", Group: execGroup,
		Doc: "Where commands that are no path are sought, separated by colons.",
		in:  in[[]string]{&searchPath, func(u *unit.Unit) *[]string { return &u.Exec.SearchPath }}},
	{Name: "Group", Group: execGroup, Doc: "The group that processes run as.",
		in: in[string]{&account, func(u *unit.Unit) *string { return &u.Exec.Group }}},
	{Name: "IgnoreSIGPIPE", Group: execGroup, Default: "yes", Doc: "Have SIGPIPE ignored.",
		in: with{in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Exec.IgnoreSIGPIPE }},
			constants}},
	{Name: "LogsDirectory", Group: execGroup, in: directories{unit.LogsDirectory},
		Doc: "Directories made below /var/log for the unit and owned by its user."},
	{Name: "LogsDirectoryMode", Group: execGroup, Default: "0755", Doc: "The mode of LogsDirectory=.",
		in: directoryMode(unit.LogsDirectory)},
	{Name: "PAMName", Group: execGroup, Support: LinuxOnly,
		Note: "called by rouse-pam, which roused looks for beside itself",
		Doc:  "The PAM service that a session is opened with.",
		in:   in[string]{&expanded, func(u *unit.Unit) *string { return &u.Exec.PAMName }}},
	{Name: "RemoveIPC", Group: execGroup, Default: "no", Support: LinuxOnly, Note: onlyLinux,
		Doc: "Remove System V and POSIX IPC objects of the user when the unit stops.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Exec.RemoveIPC }}},
	{Name: "RuntimeDirectory", Group: execGroup, in: directories{unit.RuntimeDirectory},
		Doc: "Directories made below /run for the unit, owned by its user and removed when it stops."},
	{Name: "RuntimeDirectoryMode", Group: execGroup, Default: "0755",
		Doc: "The mode of RuntimeDirectory=.",
		in:  directoryMode(unit.RuntimeDirectory)},
	{Name: "RuntimeDirectoryPreserve", Group: execGroup, Default: "no",
		Doc: "Keep RuntimeDirectory= when the unit stops: not, always, or for a restart.",
		in: boolEnum[unit.Preserve]{unit.Preserves, unit.PreserveNo, unit.PreserveYes,
			func(u *unit.Unit) *unit.Preserve { return &u.Exec.RuntimeDirectoryPreserve }}},
	{Name: "StateDirectory", Group: execGroup, in: directories{unit.StateDirectory},
		Doc: "Directories made below /var/lib for the unit and owned by its user."},
	{Name: "StateDirectoryMode", Group: execGroup, Default: "0755",
		Doc: "The mode of StateDirectory=.",
		in:  directoryMode(unit.StateDirectory)},
	{Name: "SupplementaryGroups", Group: execGroup,
		Doc: "Further groups that processes are members of.",
		in: in[[]string]{&accounts,
			func(u *unit.Unit) *[]string { return &u.Exec.SupplementaryGroups }}},
	{Name: "TimeoutCleanSec", Group: execGroup, Bus: "TimeoutCleanUSec", Default: "infinity",
		Doc: "How long cleaning the unit's directories may take.",
		in:  in[value.Span]{&span, func(u *unit.Unit) *value.Span { return &u.Exec.TimeoutClean }}},
	{Name: "UMask", Group: execGroup, Default: "0022",
		Doc: "The mode bits that files are made without.",
		in:  in[value.Mode]{&mode, func(u *unit.Unit) *value.Mode { return &u.Exec.UMask }}},
	{Name: "User", Group: execGroup, Doc: "The user that processes run as.",
		in: in[string]{&account, func(u *unit.Unit) *string { return &u.Exec.User }}},
	{Name: "UtmpIdentifier", Group: execGroup, Support: LinuxOnly,
		Note: "elsewhere utmp is not written",
		Doc:  "The four characters that the terminal has in utmp and wtmp.",
		in:   in[string]{&expanded, func(u *unit.Unit) *string { return &u.Exec.UtmpIdentifier }}},
	{Name: "UtmpMode", Group: execGroup, Default: "init", Support: LinuxOnly,
		Note: "elsewhere utmp is not written",
		Doc:  "The kind of record in utmp and wtmp.",
		in: enum[unit.UtmpMode]{unit.UtmpModes,
			func(u *unit.Unit) *unit.UtmpMode { return &u.Exec.UtmpMode }}},
	{Name: "WorkingDirectory", Group: execGroup, Default: "/, the home directory for users",
		Doc: "Where processes start: a path, ~ for the home directory, with - if it may be missing.",
		in:  does{"[-]absolute path, [-]~", "s", parseWorkingDirectory, busWorkingDirectory}},
}

var environmentRows = []Row{
	{Name: "Environment", Group: environmentGroup, Doc: "Environment variables.",
		in: in[[]string]{&environment, func(u *unit.Unit) *[]string { return &u.Exec.Environment }}},
	{Name: "EnvironmentFile", Group: environmentGroup, Bus: "EnvironmentFiles",
		Doc: "Files of environment variables, read before each command; with - if they may be missing.",
		in:  does{"[-]absolute path or glob", "a(sb)", parseEnvironmentFile, busEnvironmentFiles}},
	{Name: "PassEnvironment", Group: environmentGroup,
		Doc: "Variables passed on from the manager's own environment.",
		in:  in[[]string]{&variables, func(u *unit.Unit) *[]string { return &u.Exec.PassEnvironment }}},
	{Name: "UnsetEnvironment", Group: environmentGroup,
		Doc: "Variables and assignments taken away in the end.",
		in:  in[[]string]{&unwanted, func(u *unit.Unit) *[]string { return &u.Exec.UnsetEnvironment }}},
}

var (
	account     = kind[string]{"user or group", "s", parseAccount, plain[string]}
	accounts    = kind[[]string]{"groups", "as", parseAccounts, list}
	searchPath  = kind[[]string]{"absolute paths, separated by colons", "as", parseSearchPath, list}
	environment = kind[[]string]{"NAME=value …", "as", parseEnvironment, list}
	variables   = kind[[]string]{"NAME …", "as", parseVariables, list}
	unwanted    = kind[[]string]{"NAME or NAME=value …", "as", parseUnwanted, list}
)

// boolEnum is an enum that takes booleans too, for two of its values.
type boolEnum[T interface {
	~uint8
	String() string
}] struct {
	n, no, yes T
	at         func(u *unit.Unit) *T
}

func (s boolEnum[T]) assign(p *parse) error {
	if b, err := value.ParseBool(p.value); err == nil {
		*s.at(p.u) = s.no
		if b {
			*s.at(p.u) = s.yes
		}
		return nil
	}
	return parseEnum(p.value, s.n, s.at(p.u))
}

func (s boolEnum[T]) property(u *unit.Unit) any { return (*s.at(u)).String() }
func (s boolEnum[T]) signature() string         { return "s" }
func (s boolEnum[T]) syntax() string            { return enumWords(s.n) }

// parseAccount reads the name or number of a user or group. One that cannot
// exist makes the unit unusable, lest it runs as root.
func parseAccount(p *parse, v *string) error {
	if p.value == "" {
		*v = ""
		return nil
	}
	s, err := p.expand(p.value)
	if err == nil {
		err = checkAccount(s)
	}
	if err != nil {
		return fatal{err, unit.BadSetting}
	}
	*v = s
	return nil
}

func parseAccounts(p *parse, v *[]string) error {
	if p.value == "" {
		*v = nil
		return nil
	}
	var bad error
	p.eachOf(p.value, 0, func(w string) {
		s, err := p.expand(w)
		if err == nil {
			err = checkAccount(s)
		}
		switch {
		case bad != nil:
		case err != nil:
			bad = fatal{err, unit.BadSetting}
		default:
			*v = append(*v, s)
		}
	})
	return bad
}

// checkAccount refuses what cannot be the name or number of a user or group; it
// is as lenient as systemd is for User= and Group=. systemd.exec(5).
func checkAccount(s string) error {
	if s == "" || s == "-" || s == "." || s == ".." || s[0] == ' ' || s[len(s)-1] == ' ' {
		return why("not the name of a user or group")
	}
	digits, sign := true, s[0] == '-' && len(s) > 1
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c < ' ' || c == 0x7f || c == ':' || c == '/' {
			return why("not the name of a user or group")
		}
		isDigit := c >= '0' && c <= '9'
		digits = digits && isDigit
		sign = sign && (i == 0 || isDigit)
	}
	if sign {
		return why("not the number of a user or group")
	}
	if digits {
		n, err := value.ParseUint(s, 32)
		if err != nil || n == 0xffff || n == 0xffffffff || len(s) > 1 && s[0] == '0' {
			return why("not the number of a user or group")
		}
	}
	return nil
}

func parseWorkingDirectory(p *parse) error {
	x := p.u.Exec
	if p.value == "" {
		x.WorkingDirectory, x.WorkingDirectoryHome, x.WorkingDirectoryMissingOK = "", false, false
		return nil
	}
	rest, missingOK := strings.CutPrefix(p.value, "-")
	if rest == "~" {
		x.WorkingDirectory, x.WorkingDirectoryHome, x.WorkingDirectoryMissingOK = "", true, missingOK
		return nil
	}
	dir, err := p.absolute(rest)
	if err != nil {
		if missingOK {
			return err
		}
		return fatal{err, unit.BadSetting}
	}
	x.WorkingDirectory, x.WorkingDirectoryHome, x.WorkingDirectoryMissingOK = dir, false, missingOK
	return nil
}

// busWorkingDirectory marks a directory that may be missing with "!".
func busWorkingDirectory(u *unit.Unit) any {
	dir := u.Exec.WorkingDirectory
	if u.Exec.WorkingDirectoryHome {
		dir = "~"
	}
	if u.Exec.WorkingDirectoryMissingOK {
		dir = "!" + dir
	}
	return dir
}

// parseSearchPath: what follows the first path that is none is left out.
func parseSearchPath(p *parse, v *[]string) error {
	if p.value == "" {
		*v = nil
		return nil
	}
	for part := range strings.SplitSeq(p.value, ":") {
		dir, err := p.absolute(part)
		if err != nil {
			p.fault(part+": "+err.Error(), "ignoring it and the rest of the line")
			return nil
		}
		*v = append(*v, dir)
	}
	return nil
}

func parseEnvironment(p *parse, v *[]string) error {
	if p.value == "" {
		*v = nil
		return nil
	}
	assign, faults := value.ParseEnvironment(p.value, p.Expand)
	for _, err := range faults {
		p.fault(err.Error(), "ignoring this word")
	}
	if len(assign) > 0 {
		*v = value.MergeEnv(*v, assign)
	}
	return nil
}

func parseEnvironmentFile(p *parse) error {
	x := p.u.Exec
	if p.value == "" {
		x.EnvironmentFiles = nil
		return nil
	}
	rest, optional := strings.CutPrefix(p.value, "-")
	path, err := p.absolute(rest)
	if err == nil {
		x.EnvironmentFiles = append(x.EnvironmentFiles, unit.EnvironmentFile{Path: path,
			Optional: optional})
	}
	return err
}

func busEnvironmentFiles(u *unit.Unit) any {
	list := make([]any, len(u.Exec.EnvironmentFiles))
	for i, f := range u.Exec.EnvironmentFiles {
		list[i] = []any{f.Path, f.Optional}
	}
	return list
}

func parseVariables(p *parse, v *[]string) error {
	return parseNames(p, v, value.Unquote, value.ValidEnvName)
}

func parseUnwanted(p *parse, v *[]string) error {
	return parseNames(p, v, value.Unquote|value.CUnescape, func(s string) bool {
		return value.ValidEnvName(s) || value.ValidEnvAssign(s)
	})
}

func parseNames(p *parse, v *[]string, flags value.WordFlags, valid func(string) bool) error {
	if p.value == "" {
		*v = nil
		return nil
	}
	return p.eachWord(flags, func(w string) {
		s, err := p.expand(w)
		switch {
		case err != nil:
			p.ignore(w, err.Error())
		case !valid(s):
			p.ignore(w, "not the name of an environment variable")
		default:
			*v = appendNew(*v, s)
		}
	})
}

// directories is RuntimeDirectory= and kin.
type directories struct{ kind unit.DirectoryKind }

func (s directories) signature() string { return "as" }
func (s directories) syntax() string    { return "relative path[:symlink] …" }

func (s directories) assign(p *parse) error {
	d := &p.u.Exec.Directories[s.kind]
	if p.value == "" {
		d.Paths = nil
		return nil
	}
	return p.eachWord(value.Unquote|value.RetainEscape, func(w string) { s.add(p, d, w) })
}

// add adds "directory[:symlink]" to the list, which is sorted.
func (s directories) add(p *parse, d *unit.Directories, w string) {
	parts, err := colonParts(w)
	if err != nil || len(parts) == 0 {
		p.ignore(w, "not a directory, or a directory and a symlink with a colon between")
		return
	}
	path, err := p.directory(parts[0])
	if err == nil && strings.HasPrefix(path+"/", "private/") {
		err = why("private/ is not for use")
	}
	link := ""
	if err == nil && len(parts) > 1 {
		if s.kind == unit.ConfigurationDirectory {
			err = why("no symlinks to configuration directories")
		} else {
			link, err = p.directory(parts[1])
		}
	}
	if err != nil {
		p.ignore(w, err.Error())
		return
	}
	if len(parts) > 2 {
		p.fault(w+": more than one symlink", "using the first")
	}
	at := 0
	for at < len(d.Paths) && pathLess(d.Paths[at].Path, path) {
		at++
	}
	if at == len(d.Paths) || d.Paths[at].Path != path {
		d.Paths = append(d.Paths, unit.DirectoryPath{})
		copy(d.Paths[at+1:], d.Paths[at:])
		d.Paths[at] = unit.DirectoryPath{Path: path}
	}
	if link != "" {
		d.Paths[at].Links = append(d.Paths[at].Links, link)
	}
}

// constants are properties of the execution context that no setting of the
// unit's type changes.
func constants(u *unit.Unit, list []Property) []Property {
	if u.Service == nil {
		list = append(list, Property{"NonBlocking", "b", false})
	}
	return append(list, Property{"SameProcessGroup", "b", u.Mount != nil})
}

// pathLess orders paths part by part: a, a/b, "a b".
func pathLess(a, b string) bool {
	for i := 0; i < len(a) && i < len(b); i++ {
		if a[i] != b[i] {
			return a[i] == '/' || b[i] != '/' && a[i] < b[i]
		}
	}
	return len(a) < len(b)
}

// colonParts takes apart at colons, with escapes as in C.
func colonParts(s string) (parts []string, err error) {
	for {
		w, rest, ok, err := value.NextWord(s, ":", value.CUnescape|value.SeparatorEscape)
		if err != nil || !ok {
			return parts, err
		}
		parts = append(parts, w)
		s = rest
	}
}

// directory expands and checks a relative path.
func (p *parse) directory(s string) (string, error) {
	s, err := p.expand(s)
	if err != nil {
		return "", err
	}
	return cleanRelative(s)
}

func (s directories) property(u *unit.Unit) any {
	paths := u.Exec.Directories[s.kind].Paths
	list := make([]string, len(paths))
	for i, d := range paths {
		list[i] = d.Path
	}
	return list
}

func (s directories) further(u *unit.Unit, list []Property) []Property {
	if s.kind == unit.ConfigurationDirectory {
		return list
	}
	links := []any{}
	for _, d := range u.Exec.Directories[s.kind].Paths {
		for _, l := range d.Links {
			links = append(links, []any{d.Path, l, uint64(0)})
		}
	}
	return append(list, Property{s.kind.String() + "Symlink", "a(sst)", links})
}

// directoryMode is RuntimeDirectoryMode= and kin.
type directoryMode unit.DirectoryKind

func (s directoryMode) at(u *unit.Unit) *value.Mode { return &u.Exec.Directories[s].Mode }
func (s directoryMode) assign(p *parse) error       { return parseMode(p, s.at(p.u)) }
func (s directoryMode) property(u *unit.Unit) any   { return uint32(*s.at(u)) }
func (s directoryMode) signature() string           { return mode.sig }
func (s directoryMode) syntax() string              { return mode.name }
