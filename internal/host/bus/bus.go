// Package bus is the manager's own connection to the message bus: it learns who
// owns which names, owns org.freedesktop.systemd1, passes on what the bus wants
// started, and answers everybody who calls at once, if only with an error. It
// knows neither units nor what the names are for. It answers for Type=dbus and
// BusName= in systemd.service(5), and for the activation of dbus-daemon(1).
package bus

import "errors"

// Name is the well-known name of the manager.
const Name = "org.freedesktop.systemd1"

// Config says which bus, and who is told. The functions are called one at a
// time, in the order of what happened, by a goroutine of the connection; while
// one blocks, nobody who calls the manager is answered. They may use the Conn.
type Config struct {
	// Address is as in $DBUS_SESSION_BUS_ADDRESS: "unix:path=/run/dbus/system_bus_socket",
	// or several with ";" between, tried in turn. Keys of unix: path and abstract.
	Address string

	// Owner tells who owns a watched name: its process id, 0 for nobody (any
	// more, or yet: the first answer after Watch may say so), and -1 for
	// somebody whose process the bus does not know.
	Owner func(name string, pid int)

	// Activate asks to start a unit, for a service file with SystemdService=.
	Activate func(unit string)

	// Lost says that the connection has ended, or never came about, without
	// Close. It is the last call, and comes once.
	Lost func(err error)

	// Log takes a line for people.
	Log func(line string)
}

// A Conn is a connection. Its methods never wait for the bus.
type Conn struct {
	config Config
}

// Dial connects. That the bus takes no connections is an error here; what it
// says to who we are and to our name is known later, and comes by Lost or Log.
func Dial(c Config) (*Conn, error) { return nil, errors.New("dial bus: not there yet") }

// Watch has Owner told who owns a name, now and after each change, until Unwatch.
// Watching a name again asks again.
func (c *Conn) Watch(name string) {}

// Unwatch ends what Watch began, however often that was. An Owner under way may
// still come.
func (c *Conn) Unwatch(name string) {}

// ActivationFailed tells the bus that a unit it asked for by Activate will not
// come, so that it can tell who waits for the name. errName is a D-Bus error,
// as "org.freedesktop.systemd1.NoSuchUnit".
func (c *Conn) ActivationFailed(unit, errName, message string) {}

// Close ends the connection without a call of Lost. It waits for nobody: a
// callback under way may still be running.
func (c *Conn) Close() {}
