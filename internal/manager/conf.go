package manager

import (
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"rouse/internal/engine"
	"rouse/internal/graph/transaction"
	"rouse/internal/unit"
	"rouse/internal/unit/directive"
	"rouse/internal/unit/load"
	"rouse/internal/unit/specifier"
	"rouse/internal/unit/unitfile"
)

// confDirs are where system.conf.d/ and user.conf.d/ are, lowest priority first.
var confDirs = [...]string{"usr/lib/systemd", "usr/local/lib/systemd", "run/systemd", "etc/systemd"}

// ReadConfig reads system.conf or user.conf with its drop-ins. A file that is not
// there is no fault. systemd-system.conf(5).
func ReadConfig(root fs.FS, user bool) (*directive.Manager, []unit.Fault) {
	name := "system.conf"
	if user {
		name = "user.conf"
	}
	m := directive.NewManager(user)
	files, dropIns := []string{"etc/systemd/" + name}, map[string]string{}
	for _, dir := range confDirs {
		entries, err := fs.ReadDir(root, dir+"/"+name+".d")
		if err != nil {
			continue
		}
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), ".conf") {
				dropIns[e.Name()] = path.Join(dir, name+".d", e.Name())
			}
		}
	}
	for _, base := range slices.Sorted(maps.Keys(dropIns)) {
		files = append(files, dropIns[base])
	}
	var faults []unit.Fault
	for _, file := range files {
		faults = append(faults, readConfigFile(root, file, m, user)...)
	}
	return m, faults
}

func readConfigFile(root fs.FS, file string, m *directive.Manager, user bool) []unit.Fault {
	text, err := fs.ReadFile(root, file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	full := "/" + file
	if err != nil {
		return []unit.Fault{{File: full, Why: err.Error(), Then: "going on without it"}}
	}
	parsed := unitfile.Parse(full, string(text))
	faults := parsed.Faults
	c := &directive.Context{User: user, Expand: func(s string) (string, error) { return s, nil }}
	for _, a := range parsed.Assignments {
		faults = append(faults, directive.ParseManagerConf(m, directive.Assignment{
			Section: a.Section, Name: a.Name, Value: a.Value, File: full, Line: a.Line,
		}, c)...)
	}
	return faults
}

// UserDirectories sets the directories that specifiers name for a user manager.
// systemd.unit(5), SPECIFIERS.
func UserDirectories(m *specifier.Machine, getenv func(string) string) {
	or := func(key, below string) string {
		if v := getenv(key); v != "" {
			return v
		}
		return path.Join(getenv("HOME"), below)
	}
	config := or("XDG_CONFIG_HOME", ".config")
	m.Runtime, m.State, m.Cache = getenv("XDG_RUNTIME_DIR"), config, or("XDG_CACHE_HOME", ".cache")
	m.Logs, m.Configuration = path.Join(config, "log"), config
	for _, key := range [...]string{"TMP", "TEMP", "TMPDIR"} {
		if v := getenv(key); v != "" {
			m.Tmp, m.VarTmp = v, v
		}
	}
}

// Report is what Check found.
type Report struct {
	Faults []string
	Jobs   []Planned
}

// Planned is one job that starting the target would queue.
type Planned struct{ Unit, Type, Because string }

// Check loads the target with all it refers to and builds the transaction that
// would start it, without doing anything. The error is why there is none.
func Check(l *load.Loader, target string) (*Report, error) {
	r := &Report{}
	m := New(Config{Loader: l, Target: target})
	units := m.closure([]string{target})
	for _, u := range units {
		for _, f := range u.Faults {
			r.Faults = append(r.Faults, f.String())
		}
		if u.Load == unit.BadSetting || u.Load == unit.LoadFailed {
			r.Faults = append(r.Faults, u.LoadError)
		}
	}
	m.e.Step(m.now(), engine.Loaded{Units: units})
	res, err := m.e.Plan(engine.JobRequested{
		Unit: target, Type: transaction.Start, Mode: unit.Replace, Auto: true,
	})
	if err != nil {
		return r, err
	}
	r.Faults = append(r.Faults, res.Dropped...)
	for _, p := range m.planned(res) {
		r.Jobs = append(r.Jobs, Planned{p.Unit, p.Type, p.Because})
	}
	return r, nil
}
