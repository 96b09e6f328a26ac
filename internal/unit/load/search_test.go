package load

import (
	"strings"
	"testing"
)

// TestSearchPath compares with systemd-analyze unit-paths of systemd 252.
func TestSearchPath(t *testing.T) {
	const system = "/etc/systemd/system.control /run/systemd/system.control /run/systemd/transient " +
		"/run/systemd/generator.early /etc/systemd/system /etc/systemd/system.attached " +
		"/run/systemd/system /run/systemd/system.attached /run/systemd/generator " +
		"/usr/local/lib/systemd/system /lib/systemd/system /usr/lib/systemd/system " +
		"/run/systemd/generator.late"
	for _, c := range []struct {
		title string
		user  bool
		env   map[string]string
		extra []string
		want  string
	}{
		{title: "system", want: system},
		{title: "given", env: map[string]string{"SYSTEMD_UNIT_PATH": "/a:/b/"}, want: "/a /b"},
		{
			title: "given, then the defaults",
			env:   map[string]string{"SYSTEMD_UNIT_PATH": "/a:rel:/a:/etc/systemd/system:"},
			want: "/a /etc/systemd/system " +
				strings.Replace(system, "/etc/systemd/system ", "", 1),
		},
		{title: "nothing but an end", env: map[string]string{"SYSTEMD_UNIT_PATH": ":"}, want: system},
		{title: "extra", extra: []string{"/x"}, want: "/x " + system},
		{
			title: "user", user: true,
			env: map[string]string{"HOME": "/h", "XDG_RUNTIME_DIR": "/run/user/7"},
			want: "/h/.config/systemd/user.control /run/user/7/systemd/user.control " +
				"/run/user/7/systemd/transient /run/user/7/systemd/generator.early " +
				"/h/.config/systemd/user /etc/xdg/systemd/user /etc/systemd/user " +
				"/run/user/7/systemd/user /run/systemd/user /run/user/7/systemd/generator " +
				"/h/.local/share/systemd/user /usr/local/share/systemd/user /usr/share/systemd/user " +
				"/usr/local/lib/systemd/user /usr/lib/systemd/user /run/user/7/systemd/generator.late",
		},
		{
			title: "user with all of XDG", user: true,
			env: map[string]string{
				"XDG_RUNTIME_DIR": "/r", "XDG_CONFIG_HOME": "/ch", "XDG_DATA_HOME": "/dh",
				"XDG_CONFIG_DIRS": "/c1:/c2", "XDG_DATA_DIRS": "/d1:/d2",
			},
			want: "/ch/systemd/user.control /r/systemd/user.control /r/systemd/transient " +
				"/r/systemd/generator.early /ch/systemd/user /c1/systemd/user /c2/systemd/user " +
				"/etc/systemd/user /r/systemd/user /run/systemd/user /r/systemd/generator " +
				"/dh/systemd/user /d1/systemd/user /d2/systemd/user /usr/local/lib/systemd/user " +
				"/usr/local/share/systemd/user /usr/lib/systemd/user /usr/share/systemd/user " +
				"/r/systemd/generator.late",
		},
		{
			title: "user without a home", user: true,
			want: "/etc/xdg/systemd/user /etc/systemd/user /run/systemd/user " +
				"/usr/local/share/systemd/user /usr/share/systemd/user /usr/local/lib/systemd/user " +
				"/usr/lib/systemd/user",
		},
	} {
		got := SearchPath(c.user, func(k string) string { return c.env[k] }, c.extra)
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.title, s, c.want)
		}
	}
}
