// Package unitfiles is the part of a manager that enables, disables, masks … unit files
// and tells how they are. It works on the disk beside the engine and knows no unit in
// memory. It answers for face.Files.
package unitfiles

import (
	"context"
	"path"
	"slices"
	"sync"

	"rouse/internal/face"
	"rouse/internal/host/links"
	"rouse/internal/unit/install"
	"rouse/internal/unit/load"
	"rouse/internal/unit/name"
)

// Room implements face.Files. Its fields are set before use. It is safe for concurrent use:
// one change is made at a time.
type Room struct {
	Root    string      // the root directory of Config.FS; "" is "/"
	Config  load.Config // where unit files are, and what they start from
	Environ []string    // says where a user's own links are made
	// Changed is told after each change, before it is answered for.
	Changed func(ctx context.Context) error

	changing sync.Mutex
}

// place is where unit files are, and links to them are made.
func (r *Room) place() install.Place {
	return install.At(r.Config, func(key string) string { return variable(r.Environ, key) })
}

// variable gives the value of a variable in a list of assignments.
func variable(environ []string, key string) string {
	for _, e := range slices.Backward(environ) {
		if len(e) > len(key) && e[:len(key)] == key && e[len(key)] == '=' {
			return e[len(key)+1:]
		}
	}
	return ""
}

// ChangeFiles implements face.Files. It works beside the engine, one at a time.
func (r *Room) ChangeFiles(
	ctx context.Context, req face.FilesRequest,
) (reply face.FilesReply, err error) {
	r.changing.Lock()
	defer r.changing.Unlock()
	plan := r.place().Make(install.Request{
		Verb: req.Verb, Units: req.Units, Target: req.Target, PresetMode: req.PresetMode,
		Runtime: req.Runtime, Force: req.Force,
	})
	r.apply(&plan)
	reply.HasInstallInfo = plan.Rules > 0
	changed := false
	for _, c := range plan.Changes {
		if !c.Failed() {
			reply.Changes = append(reply.Changes,
				face.FileChange{Type: c.Word(), Path: c.Path, Source: c.Source})
		}
		changed = changed || c.Kind == install.Symlink || c.Kind == install.Unlink
	}
	if changed {
		if err := r.Changed(ctx); err != nil {
			return reply, err
		}
	}
	if bad := plan.Refusal(); bad != nil && (plan.Failed != nil || len(reply.Changes) == 0) {
		return face.FilesReply{}, &face.Error{Name: bad.Name, Message: bad.Text}
	}
	return reply, nil
}

// Populate enables what the presets say and leaves what is enabled, as is done before units
// are loaded at the first boot of a machine.
func (r *Room) Populate() error {
	r.changing.Lock()
	defer r.changing.Unlock()
	plan := r.place().Make(install.Request{Verb: "preset-all", PresetMode: "enable-only"})
	r.apply(&plan)
	return plan.Failed
}

// apply carries a plan out.
func (r *Room) apply(plan *install.Plan) {
	root := r.Root
	if root == "" {
		root = "/"
	}
	links.Apply(root, plan)
}

var _ face.Files = (*Room)(nil)

// unitFiles looks at the unit files as they are now.
func (r *Room) unitFiles() *install.Files { return install.New(r.Config) }

// FileState implements face.Files.
func (r *Room) FileState(_ context.Context, unitFile string) (string, error) {
	if !name.Valid(path.Base(unitFile), name.Any) {
		return "", &face.Error{Name: face.InvalidArgs, Message: "Invalid argument"}
	}
	state, _, err := r.unitFiles().Lookup(unitFile)
	if err != nil {
		bad := install.ErrorOf(err)
		return "", &face.Error{Name: bad.Name, Message: bad.Text}
	}
	return state, nil
}

// UnitFiles implements face.Files.
func (r *Room) UnitFiles(
	_ context.Context, states, patterns []string,
) (list []face.UnitFile, err error) {
	files := r.unitFiles()
	for _, f := range files.Loader().Files() {
		if f.Path == "" || len(patterns) > 0 && !matchesAny(f.Name, patterns) {
			continue
		}
		state, _, err := files.Lookup(f.Name)
		if err != nil {
			state = "bad"
		}
		if len(states) == 0 || slices.Contains(states, state) {
			list = append(list, face.UnitFile{Path: f.Path, State: state})
		}
	}
	return list, nil
}

func matchesAny(s string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, err := path.Match(p, s)
		return err == nil && ok || p == s
	})
}

// FileLinks implements face.Files.
func (r *Room) FileLinks(
	_ context.Context, unitFile string, runtime bool,
) ([]string, error) {
	return r.place().Links(unitFile, runtime), nil
}

// DefaultTarget implements face.Files.
func (r *Room) DefaultTarget(context.Context) (string, error) {
	target, err := r.place().DefaultTarget()
	if err != nil {
		bad := install.ErrorOf(err)
		return "", &face.Error{Name: bad.Name, Message: bad.Text}
	}
	return target, nil
}
