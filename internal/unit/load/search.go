package load

import (
	"path"
	"slices"
	"strings"
)

// SearchPath gives the directories of unit files, highest priority first, of
// the system manager or of a user's. env is asked for $SYSTEMD_UNIT_PATH,
// $HOME and the XDG variables; extra directories come first. Relative paths are
// left out. systemd.unit(5), UNIT FILE LOAD PATH.
func SearchPath(user bool, env func(string) string, extra []string) []string {
	dirs := slices.Clone(extra)
	given := env("SYSTEMD_UNIT_PATH")
	dirs = append(dirs, strings.Split(given, ":")...)
	if given == "" || strings.HasSuffix(given, ":") {
		if user {
			dirs = append(dirs, userPath(env)...)
		} else {
			dirs = append(dirs, systemPath...)
		}
	}
	var all []string
	for _, dir := range dirs {
		if !strings.HasPrefix(dir, "/") {
			continue
		}
		if dir = path.Clean(dir); !slices.Contains(all, dir) {
			all = append(all, dir)
		}
	}
	return all
}

// systemPath is the search path of the system manager.
var systemPath = []string{
	"/etc/systemd/system.control",
	"/run/systemd/system.control",
	"/run/systemd/transient",
	"/run/systemd/generator.early",
	"/etc/systemd/system",
	"/etc/systemd/system.attached",
	"/run/systemd/system",
	"/run/systemd/system.attached",
	"/run/systemd/generator",
	"/usr/local/lib/systemd/system",
	"/lib/systemd/system",
	"/usr/lib/systemd/system",
	"/run/systemd/generator.late",
}

// UserConfig gives the directories in which a user's own links are made, those that last
// and those until the next boot; "" where env does not know one.
func UserConfig(env func(string) string) (persistent, runtime string) {
	config := xdg(env("XDG_CONFIG_HOME"), under(env("HOME"), ".config"))
	if config = under(config, "systemd/user"); strings.HasPrefix(config, "/") {
		persistent = config
	}
	if runtime = under(env("XDG_RUNTIME_DIR"), "systemd/user"); !strings.HasPrefix(runtime, "/") {
		runtime = ""
	}
	return persistent, runtime
}

// userPath is the search path of a user's manager. What lies below a directory
// that env does not know becomes relative and so drops out.
func userPath(env func(string) string) []string {
	home := env("HOME")
	config := xdg(env("XDG_CONFIG_HOME"), under(home, ".config"))
	data := xdg(env("XDG_DATA_HOME"), under(home, ".local/share"))
	run := env("XDG_RUNTIME_DIR")
	dirs := []string{
		under(config, "systemd/user.control"),
		under(run, "systemd/user.control"),
		under(run, "systemd/transient"),
		under(run, "systemd/generator.early"),
		under(config, "systemd/user"),
	}
	for _, dir := range strings.Split(xdg(env("XDG_CONFIG_DIRS"), "/etc/xdg"), ":") {
		dirs = append(dirs, under(dir, "systemd/user"))
	}
	dirs = append(dirs,
		"/etc/systemd/user",
		under(run, "systemd/user"),
		"/run/systemd/user",
		under(run, "systemd/generator"),
		under(data, "systemd/user"),
	)
	for _, dir := range strings.Split(xdg(env("XDG_DATA_DIRS"), "/usr/local/share:/usr/share"), ":") {
		dirs = append(dirs, under(dir, "systemd/user"))
	}
	return append(dirs,
		"/usr/local/lib/systemd/user",
		"/usr/local/share/systemd/user",
		"/usr/lib/systemd/user",
		"/usr/share/systemd/user",
		under(run, "systemd/generator.late"),
	)
}

// under gives a path below dir, or a relative one if dir is not absolute.
func under(dir, p string) string {
	if !strings.HasPrefix(dir, "/") {
		return p
	}
	return path.Join(dir, p)
}

// xdg is the value of an XDG variable, or what stands for an empty one.
func xdg(value, instead string) string {
	if value == "" {
		return instead
	}
	return value
}
