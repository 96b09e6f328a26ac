package control

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"rouse/internal/host/cgroup"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// usualWeight is the weight of what has none set.
const usualWeight = 100

func (b *builder) io() {
	r := b.r
	if r.IOAccounting || r.BlockIOAccounting {
		b.c.Needs |= cgroup.IO
	}
	weight := b.starting(r.IOWeight, r.StartupIOWeight)
	weights := r.IODeviceWeight
	limits := [...]struct {
		key  string
		list []unit.DeviceLimit
	}{
		{"rbps", r.IOReadBandwidth}, {"wbps", r.IOWriteBandwidth},
		{"riops", r.IOReadIOPS}, {"wiops", r.IOWriteIOPS},
	}
	if !hasIO(r) { // what is said for version 1 counts
		weight = blockToWeight(b.starting(r.BlockIOWeight, r.StartupBlockIOWeight))
		weights = nil
		for _, w := range r.BlockIODeviceWeight {
			weights = append(weights, unit.DeviceWeight{Path: w.Path, Weight: blockToWeight(w.Weight)})
		}
		limits[0].list, limits[1].list = r.BlockIOReadBandwidth, r.BlockIOWriteBandwidth
	}
	if weight != unit.WeightUnset {
		b.weight("", weight)
	}
	for _, w := range weights {
		if disk, ok := b.disk(w.Path); ok {
			b.weight(disk, w.Weight)
		}
	}
	for _, l := range r.IODeviceLatency {
		if disk, ok := b.disk(l.Path); ok && l.Target != value.Infinity {
			b.device("io.latency", disk, "target="+number(uint64(l.Target/value.Microsecond)), "target=0")
		}
	}
	most := map[string]map[string]uint64{}
	for _, kind := range limits {
		for _, l := range kind.list {
			if disk, ok := b.disk(l.Path); ok && l.Max != uint64(value.SizeInfinity) {
				if most[disk] == nil {
					most[disk] = map[string]uint64{}
				}
				most[disk][kind.key] = l.Max
			}
		}
	}
	for _, disk := range sortedDisks(most) {
		var words, none []string
		for _, kind := range limits {
			text := "max"
			if n, ok := most[disk][kind.key]; ok {
				text = number(n)
			}
			words, none = append(words, kind.key+"="+text), append(none, kind.key+"=max")
		}
		b.device("io.max", disk, strings.Join(words, " "), strings.Join(none, " "))
	}
}

func sortedDisks(most map[string]map[string]uint64) []string {
	disks := make([]string, 0, len(most))
	for d := range most {
		disks = append(disks, d)
	}
	slices.SortFunc(disks, cmp.Compare)
	return disks
}

func hasIO(r *unit.Resources) bool {
	return r.IOAccounting || r.IOWeight != unit.WeightUnset || r.StartupIOWeight != unit.WeightUnset ||
		len(r.IODeviceWeight)+len(r.IODeviceLatency)+len(r.IOReadBandwidth)+
			len(r.IOWriteBandwidth)+len(r.IOReadIOPS)+len(r.IOWriteIOPS) > 0
}

// blockToWeight translates BlockIOWeight=, of which 500 are usual.
func blockToWeight(weight uint64) uint64 {
	if weight == unit.WeightUnset {
		return weight
	}
	return min(max(weight*usualWeight/500, 1), 10000)
}

// weight sets the share of input and output, of one disk or of all (""). Which file
// there is depends on the kernel and on the scheduler of the disk.
func (b *builder) weight(disk string, weight uint64) {
	for _, f := range [...]struct {
		file   string
		weight uint64
	}{{"io.weight", weight}, {"io.bfq.weight", bfqWeight(weight)}} {
		key, reset := disk, "default"
		if disk == "" {
			key, reset = "default", number(usualWeight)
		}
		b.add(cgroup.Setting{
			Controller: cgroup.IO, File: f.file, Key: disk, Optional: true,
			Value: key + " " + number(f.weight), Reset: key + " " + reset,
		})
	}
}

// bfqWeight brings 1 to 10000, of which 100 are usual, to 1 to 1000, of which 100 are.
func bfqWeight(weight uint64) uint64 {
	if weight <= usualWeight {
		return weight
	}
	return usualWeight + (weight-usualWeight)*(1000-usualWeight)/(10000-usualWeight)
}

func (b *builder) device(file, disk, value, reset string) {
	b.add(cgroup.Setting{
		Controller: cgroup.IO, File: file, Key: disk, Value: disk + " " + value,
		Reset: disk + " " + reset, Optional: file == "io.latency",
	})
}

// disk finds the disk of a path; false, and a line in the log, if there is none.
func (b *builder) disk(path string) (string, bool) {
	disk, err := b.Block(path)
	if err != nil {
		b.Log("%v", fmt.Errorf("a limit on input and output is left out: %w", err))
	}
	return disk, err == nil
}
