package remote

import (
	"context"

	"rouse/internal/face"
)

// fileMethod is a method that changes links. carries says that its answer begins with
// whether there was an [Install] section.
type fileMethod struct {
	member, sig string
	carries     bool
	args        func(r face.FilesRequest) []any
}

// The arguments that most of them have.
func unitsAndBoth(r face.FilesRequest) []any { return []any{r.Units, r.Runtime, r.Force} }
func unitsAndRuntime(r face.FilesRequest) []any {
	return []any{r.Units, r.Runtime}
}

func presetMode(r face.FilesRequest) string {
	if r.PresetMode == "" {
		return "full"
	}
	return r.PresetMode
}

func dependencies(kind string) func(r face.FilesRequest) []any {
	return func(r face.FilesRequest) []any {
		return []any{r.Units, r.Target, kind, r.Runtime, r.Force}
	}
}

var fileMethods = map[string]fileMethod{
	"enable":   {"EnableUnitFiles", "asbb", true, unitsAndBoth},
	"disable":  {"DisableUnitFiles", "asb", false, unitsAndRuntime},
	"reenable": {"ReenableUnitFiles", "asbb", true, unitsAndBoth},
	"link":     {"LinkUnitFiles", "asbb", false, unitsAndBoth},
	"mask":     {"MaskUnitFiles", "asbb", false, unitsAndBoth},
	"unmask":   {"UnmaskUnitFiles", "asb", false, unitsAndRuntime},
	"revert": {"RevertUnitFiles", "as", false, func(r face.FilesRequest) []any {
		return []any{r.Units}
	}},
	"preset": {"PresetUnitFilesWithMode", "assbb", true, func(r face.FilesRequest) []any {
		return []any{r.Units, presetMode(r), r.Runtime, r.Force}
	}},
	"preset-all": {"PresetAllUnitFiles", "sbb", false, func(r face.FilesRequest) []any {
		return []any{presetMode(r), r.Runtime, r.Force}
	}},
	"set-default": {"SetDefaultTarget", "sb", false, func(r face.FilesRequest) []any {
		return []any{r.Units[0], r.Force}
	}},
	"add-wants":    {"AddDependencyUnitFiles", "asssbb", false, dependencies("Wants")},
	"add-requires": {"AddDependencyUnitFiles", "asssbb", false, dependencies("Requires")},
}

// ChangeFiles implements face.Files.
func (m *Manager) ChangeFiles(
	_ context.Context, req face.FilesRequest,
) (r face.FilesReply, err error) {
	f, ok := fileMethods[req.Verb]
	if !ok || req.Verb == "set-default" && len(req.Units) != 1 {
		return r, refused(req.Verb)
	}
	d, err := m.call(f.member, f.sig, f.args(req)...)
	if err != nil {
		return r, err
	}
	if f.carries {
		r.HasInstallInfo = d.Bool()
	}
	d.Array("(sss)", func() {
		d.Struct()
		r.Changes = append(r.Changes, face.FileChange{Type: d.Text(), Path: d.Text(), Source: d.Text()})
	})
	return r, d.Err()
}

// FileState implements face.Files.
func (m *Manager) FileState(_ context.Context, unitFile string) (string, error) {
	return m.text("GetUnitFileState", "s", unitFile)
}

// DefaultTarget implements face.Files.
func (m *Manager) DefaultTarget(context.Context) (string, error) {
	return m.text("GetDefaultTarget", "")
}

func (m *Manager) text(member, sig string, args ...any) (string, error) {
	d, err := m.call(member, sig, args...)
	if err != nil {
		return "", err
	}
	return d.Text(), d.Err()
}

// UnitFiles implements face.Files.
func (m *Manager) UnitFiles(
	_ context.Context, states, patterns []string,
) (list []face.UnitFile, err error) {
	d, err := m.call("ListUnitFilesByPatterns", "asas", append([]string{}, states...),
		append([]string{}, patterns...))
	if err != nil {
		return nil, err
	}
	d.Array("(ss)", func() {
		d.Struct()
		list = append(list, face.UnitFile{Path: d.Text(), State: d.Text()})
	})
	return list, d.Err()
}

// FileLinks implements face.Files.
func (m *Manager) FileLinks(_ context.Context, unitFile string, runtime bool) ([]string, error) {
	d, err := m.call("GetUnitFileLinks", "sb", unitFile, runtime)
	if err != nil {
		return nil, err
	}
	list, _ := d.Value("as", nil).([]string)
	return list, d.Err()
}

// Reexecute implements face.Reexec. A manager that executes itself again answers nothing.
func (m *Manager) Reexecute(context.Context) error {
	_, err := m.call("Reexecute", "")
	select {
	case <-m.conn.Done():
		return nil
	default:
		return err
	}
}

// Await implements face.Reexec.
func (m *Manager) Await(ctx context.Context, job uint32) (string, error) {
	return m.await(ctx, job)
}

var _ face.Manager = (*Manager)(nil)
