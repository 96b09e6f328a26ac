package tool

import (
	"cmp"
	"errors"
	"io/fs"
	"os/exec"
	"path"
	"slices"
	"strings"

	"rouse/internal/unit/value"
)

var deltaProgram = Program{
	Name: "systemd-delta", Args: "[SUFFIX...]", About: "Find overridden configuration files",
	Flags: []Flag{
		{"", "no-pager", "", "Do not pipe output into a pager"},
		{"", "diff", "?1|0", "Show a diff when overridden files differ"},
		{"t", "type", "LIST...", "Only display a selected set of override types"},
	},
	Run: delta,
}

// deltaPlaces are the directories of configuration, the one that counts most first.
var deltaPlaces = []string{
	"/etc", "/run", "/usr/local/lib", "/usr/local/share", "/usr/lib", "/usr/share", "/lib",
}

// deltaSuffixes are what is below them.
var deltaSuffixes = []string{
	"sysctl.d", "tmpfiles.d", "modules-load.d", "binfmt.d", "systemd/system", "systemd/user",
	"systemd/system-preset", "systemd/user-preset", "udev/rules.d", "modprobe.d",
}

var deltaTypes = []string{
	"masked", "equivalent", "redirected", "overridden", "unchanged", "extended",
}

// deltas is what a run of systemd-delta looks for.
type deltas struct {
	r     *Run
	fs    fs.ReadLinkFS
	types map[string]bool
	diff  bool
	found int
}

func delta(r *Run) (int, error) {
	d := &deltas{r: r, fs: r.Root("/"), types: map[string]bool{}, diff: true}
	if r.Has("diff") && r.Value("diff") != "" {
		var err error
		if d.diff, err = value.ParseBool(r.Value("diff")); err != nil {
			return 1, Complain("Failed to parse boolean argument to --diff: %s.", r.Value("diff"))
		}
	}
	for _, list := range r.Values("type") {
		for w := range strings.SplitSeq(list, ",") {
			switch {
			case w == "default":
				for _, t := range deltaTypes {
					d.types[t] = t != "unchanged"
				}
			case slices.Contains(deltaTypes, w):
				d.types[w] = true
			default:
				return 1, Complain("Failed to parse flags field.")
			}
		}
	}
	if len(d.types) == 0 {
		for _, t := range deltaTypes {
			d.types[t] = t != "unchanged"
		}
	}
	if r.Has("diff") {
		d.types["overridden"] = true
	}
	suffixes := r.Args
	if len(suffixes) == 0 {
		suffixes = deltaSuffixes
	}
	for _, s := range suffixes {
		places := deltaPlaces
		for _, p := range deltaPlaces {
			if rest, ok := strings.CutPrefix(path.Clean(s), p+"/"); ok {
				s, places = rest, []string{p}
			}
		}
		d.suffix(places, s)
	}
	if d.found > 0 {
		r.Print("\n")
	}
	r.Print("%d overridden configuration files found.\n", d.found)
	return 0, nil
}

// suffix looks at one directory in all places.
func (d *deltas) suffix(places []string, suffix string) {
	top, bottom, drops := map[string]string{}, map[string]string{}, map[string]map[string]string{}
	seen := map[string]bool{}
	for _, p := range places {
		dir := path.Join(p, suffix)
		real := d.real(dir)
		if seen[real] {
			continue // /lib may be /usr/lib
		}
		seen[real] = true
		entries, err := fs.ReadDir(d.fs, inRoot(dir))
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				d.r.Say("Failed to open %s: %v", dir, err)
			}
			continue
		}
		for _, e := range entries {
			at := path.Join(dir, e.Name())
			if unit, ok := strings.CutSuffix(e.Name(), ".d"); ok && d.isDir(at) {
				d.dropIns(drops, unit, at)
				continue
			}
			if e.IsDir() {
				continue
			}
			if _, ok := top[e.Name()]; !ok {
				top[e.Name()] = at
			}
			bottom[e.Name()] = at
		}
	}
	for _, n := range sortedKeys(bottom) {
		d.override(top[n], bottom[n])
		for _, drop := range sortedKeys(drops[n]) {
			if d.types["extended"] {
				d.r.Print("[EXTENDED]   %s → %s\n", top[n], drops[n][drop])
				d.found++
			}
		}
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, cmp.Compare[string])
	return keys
}

func inRoot(p string) string {
	if p = strings.TrimPrefix(path.Clean(p), "/"); p == "" {
		return "."
	}
	return p
}

func (d *deltas) isDir(at string) bool {
	info, err := fs.Stat(d.fs, inRoot(at))
	return err == nil && info.IsDir()
}

// real follows the links of the first directories, as far as /lib is one.
func (d *deltas) real(dir string) string {
	first, rest, _ := strings.Cut(strings.TrimPrefix(dir, "/"), "/")
	if to, err := d.fs.ReadLink(first); err == nil {
		return path.Join("/", to, rest)
	}
	return dir
}

func (d *deltas) dropIns(drops map[string]map[string]string, unit, dir string) {
	entries, err := fs.ReadDir(d.fs, inRoot(dir))
	if err != nil {
		return
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".conf") {
			continue
		}
		if drops[unit] == nil {
			drops[unit] = map[string]string{}
		}
		if _, ok := drops[unit][e.Name()]; !ok {
			drops[unit][e.Name()] = path.Join(dir, e.Name())
		}
	}
}

// override tells of one file and what it takes the place of.
func (d *deltas) override(top, bottom string) {
	tell := func(kind, word string) bool {
		if !d.types[kind] {
			return false
		}
		d.found++
		d.r.Print("%-12s %s → %s\n", "["+word+"]", top, bottom)
		return true
	}
	if top == bottom {
		if d.types["unchanged"] {
			d.r.Print("[UNCHANGED]  %s\n", top)
		}
		return
	}
	info, err := fs.Stat(d.fs, inRoot(top))
	target, linkErr := d.fs.ReadLink(inRoot(top))
	switch {
	case linkErr == nil && target == "/dev/null",
		err == nil && info.Mode().IsRegular() && info.Size() == 0,
		err == nil && info.Mode()&fs.ModeCharDevice != 0:
		tell("masked", "MASKED")
	case linkErr == nil:
		if !path.IsAbs(target) {
			target = path.Join(path.Dir(top), target)
		}
		if d.real(target) == d.real(bottom) {
			tell("equivalent", "EQUIVALENT")
		} else {
			tell("redirected", "REDIRECTED")
		}
	default:
		if tell("overridden", "OVERRIDDEN") && d.diff {
			d.r.Print("\n")
			cmd := exec.Command("diff", "-us", "--", bottom, top)
			cmd.Stdout, cmd.Stderr = d.r.Stdout, d.r.Stderr
			cmd.Run() // 1 says that they differ
			d.r.Print("\n")
		}
	}
}
