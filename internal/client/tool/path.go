package tool

import (
	"bufio"
	"io/fs"
	"os/user"
	"path"
	"path/filepath"
	"runtime"
	"strings"

	"rouse/internal/unit/load"
)

var pathProgram = Program{
	Name: "systemd-path", Args: "[NAME...]", About: "Show system and user paths",
	Flags: []Flag{
		{"", "suffix", "SUFFIX", "Suffix to append to paths"},
		{"", "no-pager", "", "Do not pipe output into a pager"},
	},
	Run: showPaths,
}

// place is one of the paths; at is given or, for a search path, a list of them.
type place struct {
	name string
	at   func(p *places) string
}

// places is what the paths depend upon.
type places struct {
	r    *Run
	home string
	arch string
}

func fixed(s string) func(*places) string { return func(*places) string { return s } }

// below is a directory of the user: of a variable, or below the home directory.
func below(variable, rest string) func(*places) string {
	return func(p *places) string {
		if s := p.r.Getenv(variable); variable != "" && path.IsAbs(s) {
			return s
		}
		return path.Join(p.home, rest)
	}
}

// search is the directory of the user and those of all, which a variable may replace.
func search(own func(*places) string, variable string, rest ...string) func(*places) string {
	return func(p *places) string {
		list := []string{}
		if own != nil {
			list = append(list, own(p))
		}
		if s := p.r.Getenv(variable); variable != "" && s != "" {
			rest = strings.Split(s, ":")
		}
		return strings.Join(append(list, rest...), ":")
	}
}

func temporary(usual string) func(*places) string {
	return func(p *places) string {
		for _, n := range []string{"TMPDIR", "TEMP", "TMP"} {
			if s := p.r.Getenv(n); path.IsAbs(s) {
				return s
			}
		}
		return usual
	}
}

func archDir(root string) func(*places) string {
	return func(p *places) string { return path.Join(root, p.arch) }
}

func userDir(field, usual string) func(*places) string {
	return func(p *places) string {
		file := path.Join(below("XDG_CONFIG_HOME", ".config")(p), "user-dirs.dirs")
		text, err := fs.ReadFile(p.r.Root("/"), strings.TrimPrefix(file, "/"))
		for s := bufio.NewScanner(strings.NewReader(string(text))); err == nil && s.Scan(); {
			v, ok := strings.CutPrefix(strings.TrimSpace(s.Text()), field+"=")
			if !ok {
				continue
			}
			v = strings.Trim(v, `"`)
			if rest, ok := strings.CutPrefix(v, "$HOME"); ok && (rest == "" || rest[0] == '/') {
				return path.Join(p.home, rest)
			}
			if path.IsAbs(v) {
				return v
			}
		}
		return path.Join(p.home, usual)
	}
}

func units(ofUser bool) func(*places) string {
	return func(p *places) string {
		return strings.Join(load.SearchPath(ofUser, p.r.Getenv, nil), ":")
	}
}

const usualBinaries = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// allPlaces are the paths in the order of systemd-path(1).
func allPlaces() []place {
	return []place{
		{"temporary", temporary("/tmp")},
		{"temporary-large", temporary("/var/tmp")},
		{"system-binaries", fixed("/usr/bin")},
		{"system-include", fixed("/usr/include")},
		{"system-library-private", fixed("/usr/lib")},
		{"system-library-arch", archDir("/usr/lib")},
		{"system-shared", fixed("/usr/share")},
		{"system-configuration-factory", fixed("/usr/share/factory/etc")},
		{"system-state-factory", fixed("/usr/share/factory/var")},
		{"system-configuration", fixed("/etc")},
		{"system-runtime", fixed("/run")},
		{"system-runtime-logs", fixed("/run/log")},
		{"system-state-private", fixed("/var/lib")},
		{"system-state-logs", fixed("/var/log")},
		{"system-state-cache", fixed("/var/cache")},
		{"system-state-spool", fixed("/var/spool")},
		{"user-binaries", below("", ".local/bin")},
		{"user-library-private", below("", ".local/lib")},
		{"user-library-arch", func(p *places) string { return path.Join(p.home, ".local/lib", p.arch) }},
		{"user-shared", below("XDG_DATA_HOME", ".local/share")},
		{"user-configuration", below("XDG_CONFIG_HOME", ".config")},
		{"user-runtime", func(p *places) string { return p.r.Getenv("XDG_RUNTIME_DIR") }},
		{"user-state-cache", below("XDG_CACHE_HOME", ".cache")},
		{"user", below("", "")},
		{"user-documents", userDir("XDG_DOCUMENTS_DIR", "")},
		{"user-music", userDir("XDG_MUSIC_DIR", "")},
		{"user-pictures", userDir("XDG_PICTURES_DIR", "")},
		{"user-videos", userDir("XDG_VIDEOS_DIR", "")},
		{"user-download", userDir("XDG_DOWNLOAD_DIR", "")},
		{"user-public", userDir("XDG_PUBLICSHARE_DIR", "")},
		{"user-templates", userDir("XDG_TEMPLATES_DIR", "")},
		{"user-desktop", userDir("XDG_DESKTOP_DIR", "Desktop")},
		{"search-binaries", search(nil, "PATH", strings.Split(usualBinaries, ":")...)},
		{"search-binaries-default", fixed(usualBinaries)},
		{"search-library-private", search(below("", ".local/lib"), "", "/usr/local/lib", "/usr/lib",
			"/lib")},
		{"search-library-arch", func(p *places) string {
			return strings.Join([]string{path.Join(p.home, ".local/lib", p.arch),
				path.Join("/usr/lib", p.arch), path.Join("/usr/lib", p.arch)}, ":")
		}},
		{"search-shared", search(below("XDG_DATA_HOME", ".local/share"), "XDG_DATA_DIRS",
			"/usr/local/share", "/usr/share")},
		{"search-configuration-factory", fixed(
			"/usr/local/share/factory/etc:/usr/share/factory/etc")},
		{"search-state-factory", fixed("/usr/local/share/factory/var:/usr/share/factory/var")},
		{"search-configuration", search(below("XDG_CONFIG_HOME", ".config"), "XDG_CONFIG_DIRS",
			"/etc")},
		{"systemd-util", fixed("/lib/systemd")},
		{"systemd-system-unit", fixed("/lib/systemd/system")},
		{"systemd-system-preset", fixed("/lib/systemd/system-preset")},
		{"systemd-system-conf", fixed("/etc/systemd/system")},
		{"systemd-user-unit", fixed("/usr/lib/systemd/user")},
		{"systemd-user-preset", fixed("/lib/systemd/user-preset")},
		{"systemd-user-conf", fixed("/etc/systemd/user")},
		{"systemd-search-system-unit", units(false)},
		{"systemd-search-user-unit", units(true)},
		{"systemd-system-generator", fixed("/lib/systemd/system-generators")},
		{"systemd-user-generator", fixed("/usr/lib/systemd/user-generators")},
		{"systemd-search-system-generator", fixed("/run/systemd/system-generators:" +
			"/etc/systemd/system-generators:/usr/local/lib/systemd/system-generators:" +
			"/lib/systemd/system-generators")},
		{"systemd-search-user-generator", fixed("/run/systemd/user-generators:" +
			"/etc/systemd/user-generators:/usr/local/lib/systemd/user-generators:" +
			"/usr/lib/systemd/user-generators")},
		{"systemd-sleep", fixed("/lib/systemd/system-sleep")},
		{"systemd-shutdown", fixed("/lib/systemd/system-shutdown")},
		{"tmpfiles", fixed("/usr/lib/tmpfiles.d")},
		{"sysusers", fixed("/usr/lib/sysusers.d")},
		{"sysctl", fixed("/usr/lib/sysctl.d")},
		{"binfmt", fixed("/usr/lib/binfmt.d")},
		{"modules-load", fixed("/usr/lib/modules-load.d")},
		{"catalog", fixed("/usr/lib/systemd/catalog")},
		{"systemd-search-network", fixed("/etc/systemd/network:/run/systemd/network:" +
			"/usr/local/lib/systemd/network:/usr/lib/systemd/network:/lib/systemd/network")},
	}
}

// triplets name the directories of libraries, by Go's names of architectures.
var triplets = map[string]string{
	"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu", "386": "i386-linux-gnu",
	"riscv64": "riscv64-linux-gnu", "ppc64le": "powerpc64le-linux-gnu", "s390x": "s390x-linux-gnu",
	"arm": "arm-linux-gnueabihf", "mips64le": "mips64el-linux-gnuabi64",
	"loong64": "loongarch64-linux-gnu",
}

func showPaths(r *Run) (int, error) {
	p := &places{r: r, home: r.Getenv("HOME"), arch: triplets[runtime.GOARCH]}
	if !filepath.IsAbs(p.home) {
		if u, err := user.Current(); err == nil {
			p.home = u.HomeDir
		}
	}
	list := allPlaces()
	if len(r.Args) == 0 {
		for _, x := range list {
			if at := x.at(p); at != "" {
				r.Print("%s: %s\n", x.name, r.suffixed(at))
			}
		}
		return 0, nil
	}
	for _, arg := range r.Args {
		known := false
		for _, x := range list {
			if x.name != arg {
				continue
			}
			known = true
			at := x.at(p)
			if at == "" {
				return 1, Complain("Failed to query %s: No such device or address", arg)
			}
			r.Print("%s\n", r.suffixed(at))
		}
		if !known {
			return 1, Complain("Path %s not known.", arg)
		}
	}
	return 0, nil
}

// suffixed appends --suffix= to each of the paths.
func (r *Run) suffixed(list string) string {
	if !r.Has("suffix") {
		return list
	}
	var out []string
	for at := range strings.SplitSeq(list, ":") {
		out = append(out, path.Join(at, r.Value("suffix")))
	}
	return strings.Join(out, ":")
}
