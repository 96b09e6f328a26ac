package sandbox

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	facts "rouse/internal/host/machine"
	"rouse/internal/host/sys"
	"rouse/internal/unit/value"
)

// hierarchies are what extensions may have more of. systemd.exec(5), ExtensionDirectories=.
var hierarchies = []string{"/usr", "/opt"}

// extensions gives the overlays of ExtensionDirectories=. One that is not for this root
// directory becomes a step that fails, as one that is not there and must be.
func (b *builder) extensions() (list []entry) {
	if !b.Wants("ExtensionDirectories") {
		return nil
	}
	var layers []string // the uppermost first
	for _, dir := range b.Exec.ExtensionDirectories {
		dir, optional := strings.CutPrefix(dir, "-")
		dir = strings.TrimPrefix(dir, "+")
		err := b.extends(dir)
		switch {
		case err == nil:
			layers = slices.Insert(layers, 0, dir)
		case !optional || !os.IsNotExist(err):
			b.fail(&entry{directive: "ExtensionDirectories"}, releaseOf(dir), err)
		}
	}
	for _, h := range hierarchies {
		e := entry{path: h, mode: overlay, directive: "ExtensionDirectories"}
		for _, dir := range layers {
			if info, err := os.Stat(dir + h); err == nil && info.IsDir() {
				e.layers = append(e.layers, dir+h)
			}
		}
		if len(e.layers) > 0 {
			list = append(list, e)
		}
	}
	return list
}

// overlay lays directories over what there is.
func (b *builder) overlay(e *entry) {
	b.mkdir(e, e.path)
	below := join(b.Base, e.path)
	var words []string
	for _, dir := range append(e.layers[:len(e.layers):len(e.layers)], below) {
		words = append(words, layerEscapes.Replace(dir))
	}
	b.step(e, Step{
		Do: Mount, Path: e.path, Source: "overlay", Type: "overlay", Flags: FlagReadOnly,
		Options: "lowerdir=" + strings.Join(words, ":"),
	})
	_, real := b.view.find(e.path)
	b.tree = b.tree.mount(e.path, "overlay", FlagReadOnly|FlagRelatime)
	b.view.covers = append(b.view.covers, cover{path: e.path, real: real, above: e.layers})
}

// layerEscapes are for characters that mean something between the layers of an overlay.
var layerEscapes = strings.NewReplacer(`\`, `\\`, ":", `\:`, ",", `\,`)

// releaseOf is the file that says which root directories an extension is for.
func releaseOf(dir string) string {
	return dir + "/usr/lib/extension-release.d/extension-release." + filepath.Base(dir)
}

// extends reports why an extension is not for this root directory. Its file is like
// os-release(5), and so is what it is compared with.
func (b *builder) extends(dir string) error {
	own, err := fields(releaseOf(dir))
	if err != nil {
		return err
	}
	var root map[string]string
	for _, name := range []string{"/etc/os-release", "/usr/lib/os-release"} {
		at, l := b.view.chase(name)
		if err = l.err; err == nil {
			_, real := b.view.find(at)
			root, err = fields(real)
		}
		if !os.IsNotExist(err) {
			break
		}
	}
	switch {
	case err != nil && !os.IsNotExist(err):
		return err
	case err != nil || root["ID"] == "":
		return fs.ErrInvalid
	}
	if !matches(own, root, facts.Architecture()) {
		return sys.ESTALE
	}
	return nil
}

// matches compares what is said of an extension with what is said of a root directory. A
// level counts more than a version, where both have one.
func matches(own, root map[string]string, architecture string) bool {
	const any = "_any"
	if a := own["ARCHITECTURE"]; a != "" && a != any && a != architecture {
		return false
	}
	if own["ID"] == any {
		return true
	}
	if own["ID"] == "" || own["ID"] != root["ID"] {
		return false
	}
	level, version := root["SYSEXT_LEVEL"], root["VERSION_ID"]
	if level != "" && own["SYSEXT_LEVEL"] != "" {
		return own["SYSEXT_LEVEL"] == level
	}
	return version == "" || own["VERSION_ID"] == version
}

// fields reads a file of assignments.
func fields(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	list, err := value.ParseEnvFile(text)
	if err != nil {
		return nil, sys.EINVAL
	}
	all := map[string]string{}
	for _, line := range list {
		name, v, _ := strings.Cut(line, "=")
		all[name] = v
	}
	return all, nil
}
