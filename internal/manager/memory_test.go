package manager

import (
	"fmt"
	"runtime"
	"testing"

	"rouse/internal/engine"
	"rouse/internal/graph"
	"rouse/internal/unit/load"
	"rouse/internal/unit/load/loadtest"
	"rouse/internal/unit/value"
)

// BenchmarkUnits loads a thousand services and gives them to an engine. B/unit is what
// each holds from then on.
func BenchmarkUnits(b *testing.B) {
	const count = 1000
	tree := loadtest.New()
	wants := "[Unit]\n"
	for i := range count {
		tree.File(fmt.Sprintf("/u/s%d.service", i),
			"[Service]\nType=notify\nExecStart=/usr/bin/daemon\nProtectSystem=strict\n")
		wants += fmt.Sprintf("Wants=s%d.service\nAfter=s%d.service\n", i, i)
	}
	tree.File("/u/all.target", wants)
	var held uint64
	b.ReportAllocs()
	for b.Loop() {
		before := live()
		e := engine.New(engine.Config{})
		l := load.New(load.Config{
			FS: tree, Path: []string{"/u"}, Complete: graph.Ground{}.Complete,
		})
		units := l.Closure([]string{"all.target"}, nil)
		e.Step(value.Instant{Mono: 1, Real: 1}, engine.Loaded{Units: units})
		held += live() - before
		runtime.KeepAlive(e)
		runtime.KeepAlive(l)
	}
	b.ReportMetric(float64(held)/float64(b.N*count), "B/unit")
}

// live is how much memory is in use once garbage is gone.
func live() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
