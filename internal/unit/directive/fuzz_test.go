package directive

import (
	"strings"
	"testing"

	"rouse/internal/unit"
	"rouse/internal/unit/name"
)

// FuzzApply applies any value to any setting: nothing may panic, faults say
// where they are, and the properties stay complete.
func FuzzApply(f *testing.F) {
	for i, v := range []string{
		"", "yes", "5", "-1", "1 2", "/a:/b:c", "~x", "@default", "a.service b", "10%", "infinity",
		"a=b", "'",
		`"a`, `\x`, "%n", "-/a", "+/b", "tcp:80-90", "::1/128", "1us", "*-*-* 1:2", "/bin/a ; /bin/b",
		"@", ":",
		"fd:x", "file:/x", "0-8191", "99999999999999999999", "é", "a\x00b", "char-*", "/dev/a 5M",
	} {
		f.Add(uint(i), v, "")
		f.Add(uint(i+100), v, v)
		f.Add(uint(i+300), "x", v)
	}
	rows := Rows()
	f.Fuzz(func(t *testing.T, which uint, first, second string) {
		row := &rows[which%uint(len(rows))]
		for _, section := range row.Sections() {
			typ := typeOf(section)
			u := New("x."+typ.String(), typ, nil)
			c := &Context{}
			for i, v := range [...]string{first, second} {
				a := Assignment{Section: section, Name: row.Name, Value: v, File: "/f", Line: i + 1}
				for _, fault := range Apply(u, a, c) {
					if fault.File != "/f" || fault.Line != i+1 || fault.Why == "" || fault.Then == "" {
						t.Errorf("%s=%q: fault %+v", row.Name, v, fault)
					}
				}
			}
			before := len(Properties(u))
			if err := Finish(u, c, nil); err != nil && err.Error() == "" {
				t.Errorf("%s=%q: an error without a reason", row.Name, first)
			}
			if after := len(Properties(u)); after != before {
				t.Errorf("%s=%q: %d properties before, %d after", row.Name, first, before, after)
			}
		}
	})
}

// typeOf is a unit type that has the section.
func typeOf(section string) name.Type {
	for typ, s := range sectionOf {
		if s == section {
			return name.Type(typ)
		}
	}
	return name.Service
}

// FuzzUnit applies whole files to a unit of any type.
func FuzzUnit(f *testing.F) {
	f.Add(uint8(1), nginx)
	f.Add(uint8(2), "[Socket]\nListenStream=80\nAccept=yes\n")
	f.Add(uint8(8), "[Timer]\nOnCalendar=daily\n")
	f.Fuzz(func(t *testing.T, kind uint8, text string) {
		typ := name.Type(kind)%(name.Types-1) + 1
		u := New("x."+typ.String(), typ, nil)
		c := &Context{}
		section := ""
		for line := range strings.Lines(text) {
			line = strings.TrimSpace(line)
			if strings.HasPrefix(line, "[") {
				section = strings.Trim(line, "[]")
				continue
			}
			key, value, _ := strings.Cut(line, "=")
			Apply(u, Assignment{Section: section, Name: key, Value: value}, c)
		}
		err := Finish(u, c, nil)
		if u.Broken != unit.Stub && err == nil {
			t.Error("a broken unit is finished without error")
		}
		Properties(u)
	})
}

// FuzzManager applies any value to any setting of the manager.
func FuzzManager(f *testing.F) {
	f.Add(uint(0), "yes")
	f.Add(uint(9), "10%")
	rows := managerGroup.Rows()
	f.Fuzz(func(t *testing.T, which uint, value string) {
		m := NewManager(false)
		row := &rows[which%uint(len(rows))]
		ParseManagerConf(m, Assignment{Section: "Manager", Name: row.Name, Value: value}, nil)
		New("x.service", name.Service, &m.Defaults)
	})
}

// nginx is a unit file of usual size.
const nginx = `[Unit]
Description=A high performance web server and a reverse proxy server
Documentation=man:nginx(8)
After=network-online.target remote-fs.target nss-lookup.target
Wants=network-online.target
[Service]
Type=forking
PIDFile=/run/nginx.pid
ExecStartPre=/usr/sbin/nginx -t -q -g 'daemon on; master_process on;'
ExecStart=/usr/sbin/nginx -g 'daemon on; master_process on;'
ExecReload=/usr/sbin/nginx -g 'daemon on; master_process on;' -s reload
ExecStop=-/sbin/start-stop-daemon --quiet --stop --retry QUIT/5 --pidfile /run/nginx.pid
TimeoutStopSec=5
KillMode=mixed
[Install]
WantedBy=multi-user.target
`

// BenchmarkApply makes the unit of a usual file, without reading the text.
func BenchmarkApply(b *testing.B) {
	var list []Assignment
	section := ""
	for line := range strings.Lines(nginx) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section = strings.Trim(line, "[]")
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		list = append(list, Assignment{Section: section, Name: key, Value: value, File: "/u"})
	}
	d := NewDefaults()
	c := &Context{Defaults: d}
	b.ReportAllocs()
	for b.Loop() {
		u := New("nginx.service", name.Service, d)
		for _, a := range list {
			if faults := Apply(u, a, c); faults != nil {
				b.Fatal(faults)
			}
		}
		if err := Finish(u, c, d); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkNew makes a unit without settings.
func BenchmarkNew(b *testing.B) {
	d := NewDefaults()
	b.ReportAllocs()
	for b.Loop() {
		New("nginx.service", name.Service, d)
	}
}

// BenchmarkLookup finds the settings of one file.
func BenchmarkLookup(b *testing.B) {
	names := [...]string{"Type", "PIDFile", "ExecStart", "KillMode", "TimeoutStopSec", "MemoryMax",
		"LogNamespace"}
	b.ReportAllocs()
	for b.Loop() {
		for _, n := range names {
			if Lookup("Service", n) == nil {
				b.Fatal(n)
			}
		}
	}
}

// BenchmarkProperties gives all properties of a service.
func BenchmarkProperties(b *testing.B) {
	u := New("nginx.service", name.Service, nil)
	b.ReportAllocs()
	for b.Loop() {
		Properties(u)
	}
}
