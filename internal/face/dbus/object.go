package dbus

import (
	"encoding/hex"
	"strconv"
	"strings"

	"rouse/internal/face"
	"rouse/internal/face/dbus/table"
	"rouse/internal/unit/name"
)

// The paths of objects, and the beginnings of those that come in numbers.
const (
	managerPath = "/org/freedesktop/systemd1"
	logPath     = "/org/freedesktop/LogControl1"
	unitPrefix  = managerPath + "/unit/"
	jobPrefix   = managerPath + "/job/"
)

// A kind of object.
type kind uint8

const (
	nodeObject kind = iota // nothing but a place in the tree
	managerObject
	logObject
	unitObject
	jobObject
)

// An object is what a path names.
type object struct {
	kind kind
	path string
	name string // what follows the prefix, as it is in the path
}

// nodes are the places that are none of the objects, but on the way to some.
var nodes = map[string]bool{
	"/": true, "/org": true, "/org/freedesktop": true,
	managerPath + "/unit": true, managerPath + "/job": true,
}

// objectAt finds the object at a path. Whether a unit or a job is there is another
// question.
func objectAt(path string) (object, bool) {
	switch {
	case path == managerPath:
		return object{kind: managerObject, path: path}, true
	case path == logPath:
		return object{kind: logObject, path: path}, true
	case nodes[path]:
		return object{kind: nodeObject, path: path}, true
	}
	if label, ok := strings.CutPrefix(path, unitPrefix); ok && !strings.Contains(label, "/") {
		return object{kind: unitObject, path: path, name: label}, true
	}
	if label, ok := strings.CutPrefix(path, jobPrefix); ok && !strings.Contains(label, "/") {
		o := object{kind: jobObject, path: path, name: label}
		_, err := o.jobID()
		return o, err == nil
	}
	return object{}, false
}

// has reports whether the object may have the interface. Of a unit that is named by
// its invocation ID, or is the client's own, the type is not known yet.
func (o object) has(iface string) bool {
	switch iface {
	case table.Introspectable, table.Properties:
		return true
	}
	for _, i := range o.interfaces() {
		if i.Name == iface {
			return true
		}
	}
	return false
}

// interfaces are those of the object, besides those all have.
func (o object) interfaces() []*table.Interface {
	switch o.kind {
	case managerObject:
		return []*table.Interface{table.Find(table.Manager)}
	case logObject:
		return []*table.Interface{table.Find(table.LogControl)}
	case jobObject:
		return []*table.Interface{table.Find(table.Job)}
	case unitObject:
		n := name.FromBusLabel(o.name)
		if _, ok := invocation(n); ok || n == "self" {
			return anyUnit()
		}
		return table.OfUnit(name.TypeOf(n))
	case nodeObject:
	}
	return nil
}

// anyUnit are the interfaces of units of all types.
func anyUnit() []*table.Interface {
	list := []*table.Interface{table.Find(table.Unit)}
	for t := name.Service; t < name.Types; t++ {
		if i := table.Find(table.OfType(t)); i != nil {
			list = append(list, i)
		}
	}
	return list
}

// check says what is wrong with the path of a unit.
func (o object) check() error {
	if o.kind != unitObject || o.name == "self" {
		return nil
	}
	n := name.FromBusLabel(o.name)
	if _, ok := invocation(n); ok || name.Valid(n, name.Plain|name.Instance) {
		return nil
	}
	return refuse("InvalidArgs", "Unit name %s is neither a valid invocation ID nor unit name.", n)
}

// unitName gives the name of the unit that the call's object is.
func (c *call) unitName() (string, error) {
	n := name.FromBusLabel(c.object.name)
	if n == "self" {
		unit, err := c.own()
		if err != nil {
			return "", refuse("UnknownObject", "Unknown object '%s'.", c.m.Path)
		}
		return unit, nil
	}
	if id, ok := invocation(n); ok {
		return c.s.m.UnitByInvocation(c.ctx, id)
	}
	return n, nil
}

// own names the unit that the sender is a process of.
func (c *call) own() (string, error) {
	who, err := c.sender()
	if err == nil {
		var unit string
		if unit, err = c.s.m.UnitByPID(c.ctx, who.pid); err == nil {
			return unit, nil
		}
	}
	return "", &face.Error{Name: face.NoSuchUnit, Message: "Client not member of any unit."}
}

// invocation tells whether the label of a unit's path is an invocation ID.
func invocation(n string) (id []byte, ok bool) {
	id, err := hex.DecodeString(n)
	return id, err == nil && len(id) == 16
}

// jobID gives the number of the job that the object is.
func (o object) jobID() (uint32, error) {
	n, err := strconv.ParseUint(o.name, 10, 32)
	return uint32(n), err
}

func jobPath(id uint32) string { return jobPrefix + strconv.FormatUint(uint64(id), 10) }
