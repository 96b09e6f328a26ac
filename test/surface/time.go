package main

import (
	"fmt"
	"slices"
	"time"
)

// rounds is how often each call is made.
const rounds = 300

// measure prints how long the manager of this machine takes for one call, at the median
// of many, in microseconds.
func measure(unit string) error {
	c, err := connect()
	if err != nil {
		return err
	}
	loaded, err := c.call(root, manager, "LoadUnit", "s", unit)
	if err != nil {
		return err
	}
	path := loaded.Decoder().Path()
	calls := []struct {
		name string
		call func() error
	}{
		{"GetAll", func() error { return c.probe(path, properties, "GetAll", "s", "") }},
		{"Get", func() error {
			return c.probe(path, properties, "Get", "ss", unitInterface, "ActiveState")
		}},
		{"ListUnits", func() error { return c.probe(root, manager, "ListUnits", "") }},
		{"connect", func() error {
			other, err := connect()
			if err == nil {
				err = other.probe(path, properties, "Get", "ss", unitInterface, "ActiveState")
				other.nc.Close()
			}
			return err
		}},
	}
	for _, k := range calls {
		took := make([]time.Duration, rounds)
		for i := range took {
			began := time.Now()
			if err := k.call(); err != nil {
				return err
			}
			took[i] = time.Since(began)
		}
		fmt.Printf("%s %d\n", k.name, median(took).Microseconds())
	}
	return nil
}

const unitInterface = "org.freedesktop.systemd1.Unit"

func median(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2]
}
