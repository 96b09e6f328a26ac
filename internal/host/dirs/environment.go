package dirs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// variables are the names under which a service finds its directories.
var variables = [unit.DirectoryKinds]string{
	unit.RuntimeDirectory:       "RUNTIME_DIRECTORY",
	unit.StateDirectory:         "STATE_DIRECTORY",
	unit.CacheDirectory:         "CACHE_DIRECTORY",
	unit.LogsDirectory:          "LOGS_DIRECTORY",
	unit.ConfigurationDirectory: "CONFIGURATION_DIRECTORY",
}

// Environment gives RUNTIME_DIRECTORY= and kin, paths sorted and with ":" between
// them.
func Environment(x *unit.Exec, b Bases) []string {
	var env []string
	for kind, d := range x.Directories {
		var paths []string
		for _, p := range sorted(d.Paths) {
			paths = append(paths, filepath.Join(b[kind], p.Path))
		}
		if len(paths) > 0 {
			env = append(env, variables[kind]+"="+strings.Join(paths, ":"))
		}
	}
	return env
}

// fileMax is the largest environment file that is read.
const fileMax = 4 << 20

// Files reads the environment files in order; of assignments to the same name the
// last one is given. Paths may be patterns. What is missing, unreadable or not
// text is an error unless it is optional.
func Files(list []unit.EnvironmentFile) (env []string, err error) {
	for _, f := range list {
		got, err := readFiles(f.Path)
		if err != nil && !f.Optional {
			return nil, fmt.Errorf("EnvironmentFile=%s: %w", f.Path, err)
		}
		env = value.MergeEnv(env, got)
	}
	return env, nil
}

// readFiles reads the files that a pattern matches, as far as they can be read.
func readFiles(pattern string) (env []string, err error) {
	if !filepath.IsAbs(pattern) {
		return nil, errors.New("not an absolute path")
	}
	paths, err := filepath.Glob(pattern)
	if err != nil {
		paths = []string{pattern} // not a pattern after all
	}
	if len(paths) == 0 {
		return nil, fs.ErrNotExist
	}
	for _, path := range paths {
		text, err := readFile(path)
		if err != nil {
			return env, err
		}
		got, err := value.ParseEnvFile(text)
		if err != nil {
			return env, fmt.Errorf("%s: %w", path, err)
		}
		env = value.MergeEnv(env, got)
	}
	return env, nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, fileMax+1))
	if err == nil && len(text) > fileMax {
		err = fmt.Errorf("%s: larger than %d bytes", path, fileMax)
	}
	return text, err
}

// Pass gives those variables of environ that names lists, in the order of names.
func Pass(names, environ []string) []string {
	var env []string
	for _, name := range names {
		for _, assign := range environ {
			if k, _, ok := strings.Cut(assign, "="); ok && k == name {
				env = append(env, assign)
				break
			}
		}
	}
	return env
}
