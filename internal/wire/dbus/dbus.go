// Package dbus is the wire format of D-Bus: messages, their values and the names
// in them, from and to bytes. It checks all that the D-Bus Specification demands
// of a valid message, and knows neither sockets nor who speaks.
package dbus
