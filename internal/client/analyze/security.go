package analyze

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"rouse/internal/client/analyze/exposure"
	"rouse/internal/client/tool"
	"rouse/internal/host/seccomp"
	"rouse/internal/unit"
	"rouse/internal/unit/load"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
)

// A review is what security does: judge services, each or all of them.
type review struct {
	*session
	offline   bool
	json      string // "short", "pretty" or "off"
	threshold uint64
	policy    exposure.Policy
	over      bool // a service is more exposed than the threshold allows
	missing   bool // a service that was asked for is not there
	overview  []judged
}

// judged is one service in the overview.
type judged struct {
	unit string
	*exposure.Judgement
}

// security tells how much services could do if they were taken over.
func security(a *session) (int, error) {
	r := &review{session: a, json: "off", threshold: 100}
	if err := r.options(); err != nil {
		return 1, err
	}
	units, err := r.units()
	if err != nil {
		return 1, err
	}
	for _, u := range units {
		u.Exec.PrivateMounts = u.Exec.PrivateMounts || !r.offline && ownMounts(u.Exec)
		j := exposure.Judge(u, r.policy, hasCall)
		r.over = r.over || j.Tenths > r.threshold
		r.overview = append(r.overview, judged{u.Name, j})
		if len(a.args) == 0 {
			continue
		}
		here, err := r.here(u.Name)
		if err != nil {
			return 1, err
		}
		if r.json != "off" {
			err = r.writeJSON(details(j, here))
		} else {
			r.table(u.Name, j, here)
		}
		if err != nil {
			return 1, err
		}
		if len(units) > 1 {
			r.Print("\n")
		}
	}
	if len(a.args) == 0 && !r.offline || len(units) > 1 {
		if err := r.list(); err != nil {
			return 1, err
		}
	}
	if r.over || r.missing {
		return 1, nil
	}
	return 0, nil
}

// ownMounts: of services that are loaded systemd knows that the sandbox gives them mounts of
// their own, which it does not conclude from files alone.
func ownMounts(x *unit.Exec) bool {
	return x.PrivateMounts || x.PrivateDevices || x.PrivateTmp || x.ProtectControlGroups ||
		x.ProtectKernelTunables || x.ProtectKernelModules || x.RootImage != "" ||
		x.ProtectHome != unit.ProtectHomeNo || x.ProtectSystem != unit.ProtectSystemNo
}

func (r *review) options() error {
	if r.Has("json") {
		r.json = r.Value("json")
		if !slices.Contains([]string{"short", "pretty", "off"}, r.json) {
			return tool.Complain("Unknown argument to --json= switch: %s", r.json)
		}
	}
	if r.Has("threshold") {
		n, err := value.ParseUint(r.Value("threshold"), 32)
		if err != nil || n > 100 {
			return tool.Complain("Failed to parse threshold: %s", r.Value("threshold"))
		}
		r.threshold = n
	}
	if r.Has("offline") {
		on, err := value.ParseBool(r.Value("offline"))
		if err != nil {
			return tool.Complain("Failed to parse --offline= argument: %s", r.Value("offline"))
		}
		r.offline = on
	}
	if !r.Has("security-policy") {
		return nil
	}
	return r.readPolicy(r.Value("security-policy"))
}

// readPolicy reads weights of checks other than their own.
func (r *review) readPolicy(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	text, err := fs.ReadFile(r.Root("/"), strings.TrimPrefix(path, "/"))
	var rows map[string]struct{ Weight, Range *uint64 }
	if err == nil {
		err = json.Unmarshal(text, &rows)
	}
	if err != nil {
		return tool.Complain("Failed to parse security policy %s: %v", path, err)
	}
	r.policy = exposure.Policy{}
	for field, row := range rows {
		w, ok := exposure.Usual(field, hasCall)
		if !ok {
			continue
		}
		if row.Weight != nil {
			w.Weight = *row.Weight
		}
		if row.Range != nil {
			w.Range = *row.Range
		}
		r.policy[field] = w
	}
	return nil
}

// units loads the services that are asked for: those of the manager if none is named.
func (r *review) units() (units []*unit.Unit, err error) {
	dirs, names, err := r.named(r.args)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 && !r.offline {
		m, err := r.manager()
		if err != nil {
			return nil, err
		}
		list, err := m.Units(r.Ctx, []string{"*.service"}, false)
		if err != nil {
			return nil, tool.Complain("Failed to list units: %v", err)
		}
		for _, u := range list {
			if u.Load == "loaded" && u.Following == "" {
				names = append(names, u.Name)
			}
		}
		slices.Sort(names)
	}
	config := r.loading(dirs...)
	if which := r.Value("profile"); which != "" && r.offline {
		view, dir, done, err := r.profiled(config.FS, which, names)
		if err != nil {
			return nil, err
		}
		defer done()
		config.FS = view
		config.Path = load.SearchPath(r.user(), r.Getenv, append([]string{dir}, dirs...))
	}
	loader := load.New(config)
	for _, n := range names {
		if !strings.HasSuffix(n, ".service") {
			return nil, tool.Complain("Unit %s is not a service unit, refusing.", n)
		}
		u := loader.Load(n)
		switch {
		case len(r.args) == 0 && u.Service != nil && u.Service.Type == unit.Oneshot:
			// Of all services those count that run for long.
		case u.Load == unit.Loaded && u.Service != nil:
			units = append(units, u)
		case r.offline:
			r.Say("Unit %s not found.", n)
			r.missing = true
		case len(r.args) > 0:
			return nil, tool.Complain("Unit %s not found, cannot analyze.", n)
		}
	}
	return units, nil
}

// named gives the units that arguments mean, and the directories that they are in if
// these are paths. Templates are taken with an instance that is made up.
func (a *session) named(args []string) (dirs, names []string, err error) {
	for _, arg := range args {
		file, alias, given := strings.Cut(arg, ":")
		if abs, err := filepath.Abs(file); err == nil && strings.Contains(file, "/") {
			file = abs
		}
		dir, base := filepath.Split(file)
		if dir != "" && !slices.Contains(dirs, strings.TrimSuffix(dir, "/")) {
			dirs = append(dirs, strings.TrimSuffix(dir, "/"))
		}
		if given {
			base = alias
		}
		n, err := name.Mangle(base, ".service", false)
		if err != nil {
			return nil, nil, tool.Complain("Failed to prepare filename %s: Invalid argument", arg)
		}
		if name.KindOf(n) == name.Template {
			if n, err = name.WithInstance(n, "test_instance"); err != nil {
				return nil, nil, err
			}
		}
		names = append(names, n)
	}
	return dirs, names, nil
}

// architectures are what unit files call the machines that Go has other names for.
var architectures = map[string]string{"amd64": "x86-64", "386": "x86"}

// hasCall reports whether the machine has a system call. Those that nothing is known of
// have all.
func hasCall(call string) bool {
	own := architectures[runtime.GOARCH]
	if own == "" {
		own = runtime.GOARCH
	}
	if _, known := seccomp.Number(own, "read"); !known {
		return true
	}
	_, ok := seccomp.Number(own, call)
	return ok
}

// here asks the manager which settings of a unit it carries out: level by setting; nil if
// it does not tell.
func (r *review) here(unitName string) (map[string]string, error) {
	if r.offline {
		return nil, nil
	}
	m, err := r.manager()
	if err != nil {
		return nil, err
	}
	list, err := m.Properties(r.Ctx, unitName)
	if err != nil {
		return nil, tool.Complain("Failed to get properties of %s: %v", unitName, err)
	}
	for _, p := range list {
		rows, ok := p.Value.([]any)
		if p.Name != "Enforcement" || !ok {
			continue
		}
		levels := map[string]string{}
		for _, row := range rows {
			if cells, ok := row.([]any); ok && len(cells) == 3 {
				levels[fmt.Sprint(cells[0])] = fmt.Sprint(cells[1])
			}
		}
		return levels, nil
	}
	return nil, nil
}

// levelOf is how far the settings of a finding are carried out: the least of them; ""
// for those that the unit does not set.
func levelOf(f exposure.Finding, here map[string]string) (level string) {
	for _, n := range f.Directives() {
		if l := here[n]; l != "" && level != "not applied" && (level == "" || l != "applied") {
			level = l
		}
	}
	return level
}
