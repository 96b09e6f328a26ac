// Package rpc is the JSON-RPC 2.0 face of the manager on a unix socket: for
// scripts, for systems without D-Bus, and for the client, whose side of the wire
// it holds as well. It knows the methods, their parameters and the shape of the
// replies (docs/ControlInterface.md), and nothing of what they do. It answers for
// no man page of systemd.
package rpc

import (
	"encoding/json"
	"path/filepath"

	"rouse/internal/host/sys"
)

// SystemSocket is where the system manager listens.
const SystemSocket = "/run/rouse/control"

// SocketPath gives the socket of the manager that is meant: $ROUSE_SOCKET if
// set, else that of the system manager, or with user that of the caller's own in
// $XDG_RUNTIME_DIR. It is "" for a user without that variable.
func SocketPath(user bool, getenv func(string) string) string {
	if p := getenv("ROUSE_SOCKET"); p != "" {
		return p
	}
	if !user {
		return SystemSocket
	}
	if dir := getenv("XDG_RUNTIME_DIR"); dir != "" {
		return filepath.Join(dir, "rouse", "control")
	}
	return ""
}

// Monotonic is the time in microseconds by the clock of the properties that end in
// Monotonic.
func Monotonic() uint64 { return sys.Monotonic() }

// The error codes of JSON-RPC 2.0, and the one of our own.
const (
	codeParse   = -32700
	codeRequest = -32600
	codeMethod  = -32601
	codeParams  = -32602
	codeFailed  = -32000 // the manager refused, or the job did not end well
)

// errorFailed is the name of errors that have none of their own.
const errorFailed = "org.freedesktop.DBus.Error.Failed"

// errorJob is the name of the error that tells of a job that did not end well.
const errorJob = "rouse.JobFailed"

// message is a request, a reply or a notification, whichever fields it has.
type message struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *wireError      `json:"error,omitempty"`
}

// wireError is the error member of a reply.
type wireError struct {
	Code    int        `json:"code"`
	Message string     `json:"message"`
	Data    *errorData `json:"data,omitempty"`
}

// errorData goes with codeFailed. Name is as D-Bus has it; Job is set if the
// error is the result of a job.
type errorData struct {
	Name string   `json:"name"`
	Job  *wireJob `json:"job,omitempty"`
}

// wireJob is face.JobReply on the wire.
type wireJob struct {
	ID                 uint32
	Unit, Type, Result string
	Affected           []wireAffected `json:",omitempty"`
}

// wireAffected is one entry of face.JobReply.Affected.
type wireAffected struct {
	ID                uint32
	Unit, Type, State string
}
