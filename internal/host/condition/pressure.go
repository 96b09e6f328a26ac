package condition

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"rouse/internal/unit/value"
)

// spans are the spans of time that the kernel averages pressure over.
var spans = map[string]string{"10sec": "avg10=", "1min": "avg60=", "5min": "avg300=", "": "avg300="}

// pressure tests "[slice:]limit%[/span]". Where the kernel does not tell the
// pressure the test succeeds, for then nothing is known against it.
func pressure(resource, line string) test {
	return func(param string, m *Env) (bool, error) {
		path := filepath.Join("/proc/pressure", resource)
		slice, limit, ok := strings.Cut(param, ":")
		if ok {
			if m.CgroupDir == "" || !exists("/proc/pressure") {
				return true, nil
			}
			path = filepath.Join(m.CgroupDir, slicePath(strings.TrimSpace(slice)), resource+".pressure")
		} else {
			limit = param
		}
		limit, span, _ := strings.Cut(limit, "/")
		average, ok := spans[strings.TrimSpace(span)]
		if !ok {
			return false, fmt.Errorf("%w: span %q is none of 10sec, 1min, 5min", errSyntax, span)
		}
		most, err := value.ParsePermyriad(strings.TrimSpace(limit))
		if err != nil {
			return false, fmt.Errorf("%w: %w", errSyntax, err)
		}
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) && !exists("/proc/pressure") {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		have, err := readPressure(string(text), line, average)
		return have <= float64(most)/100, err
	}
}

// readPressure finds "line … average=12.34", on the other line if there is none of
// that kind.
func readPressure(text, kind, average string) (float64, error) {
	for _, kind := range []string{kind, "some"} {
		for line := range strings.Lines(text) {
			f := strings.Fields(line)
			if len(f) == 0 || f[0] != kind {
				continue
			}
			for _, field := range f[1:] {
				if number, ok := strings.CutPrefix(field, average); ok {
					return strconv.ParseFloat(number, 64)
				}
			}
		}
	}
	return 0, fmt.Errorf("no %s %s in the kernel's pressure file", kind, average)
}

// slicePath gives the path of a slice: "a-b.slice" is "a.slice/a-b.slice".
func slicePath(slice string) string {
	stem := strings.TrimSuffix(filepath.Base(slice), ".slice")
	if stem == "-" {
		return ""
	}
	path := ""
	for i := range len(stem) {
		if stem[i] == '-' {
			path = filepath.Join(path, stem[:i]+".slice")
		}
	}
	return filepath.Join(path, stem+".slice")
}
