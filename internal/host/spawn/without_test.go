package spawn

import "testing"

// What is left out of a request is as if the unit did not say it.
func TestWithout(t *testing.T) {
	r := sh("umask; ulimit -n; pwd")
	r.Exec.UMask, r.Exec.WorkingDirectory = 0o077, "/no/such/directory"
	r.Without = []string{"WorkingDirectory/namespaces", "UMask"}
	if got := do(t, &Spawner{}, r); got.status != StatusChdir {
		t.Errorf("a part that a directive does not have was left out: %+v", got)
	}
	r.Without = []string{"UMask", "WorkingDirectory"}
	r.Exec.WorkingDirectory = ""
	got := do(t, &Spawner{}, r)
	if got.status != 0 || got.out == "" || got.out[:4] == "0077" {
		t.Errorf("%+v", got)
	}
}

// A directive of which one part is left out has the others still.
func TestWithoutPart(t *testing.T) {
	s := &Spawner{}
	p, err := s.newPlanner(&Request{
		Unit: "a.service", Without: []string{"PrivateDevices/namespaces", "ProtectHome"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		directive string
		part      part
		want      bool
	}{
		{"PrivateDevices", partNamespaces, false},
		{"PrivateDevices", partFilters, true},
		{"PrivateDevices", "", true},
		{"ProtectHome", partNamespaces, false},
		{"ProtectHome", "", false},
		{"ProtectSystem", partNamespaces, true},
	} {
		p.part = c.part
		if got := p.wants(c.directive); got != c.want {
			t.Errorf("%s, part %q: %t", c.directive, c.part, got)
		}
	}
}
