package dbus

import (
	"maps"
	"sync"

	"rouse/internal/face/dbus/table"
	"rouse/internal/unit/name"
)

// row is what carries a method out.
type row struct {
	run handler
	// asks is for methods that call allow, and slow for those that may take long: they
	// do not hold up other clients.
	asks, slow bool
}

// methods are rows for methods of one interface, by name. Signatures, and what is
// root's alone, are in package table.
type methods struct {
	iface string
	rows  map[string]row
}

// groups are all rows. Each file methods_*.go has some of them.
func groups() []methods {
	list := []methods{
		{table.Peer, peerRows()},
		{table.Introspectable, introspectRows()},
		{table.Properties, propertyRows()},
		{table.Manager, managerJobRows()},
		{table.Manager, managerListRows()},
		{table.Manager, managerFindRows()},
		{table.Manager, managerStateRows()},
		{table.Manager, managerShowRows()},
		{table.Manager, managerFileRows()},
		{table.Manager, managerTransientRows()},
		{table.Unit, unitTransientRows()},
		{table.Unit, unitRows()},
		{table.Job, jobRows()},
	}
	list = append(list, typeTransientRows()...)
	for t := name.Service; t < name.Types; t++ {
		if i := table.OfType(t); table.Find(i).Member(table.Method, "GetProcesses") != nil {
			list = append(list, methods{i, processRows()})
		}
	}
	return list
}

var known struct {
	sync.Once
	rows map[string]map[string]row
}

// rows finds a row by interface and method.
func rows() map[string]map[string]row {
	known.Do(func() {
		known.rows = map[string]map[string]row{}
		for _, g := range groups() {
			if known.rows[g.iface] == nil {
				known.rows[g.iface] = map[string]row{}
			}
			maps.Copy(known.rows[g.iface], g.rows)
		}
	})
	return known.rows
}
