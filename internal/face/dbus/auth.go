package dbus

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"strconv"
	"strings"
)

const (
	// maxLine is the longest line of the authentication.
	maxLine = 4096
	// maxTries is how often a client may be told no.
	maxTries = 16
)

var errAuth = errors.New("the client does not authenticate")

// authenticate is the server's side of what a connection begins with. The client may
// send all of it at once, and its first calls with it. D-Bus Specification,
// Authentication Protocol.
func (c *conn) authenticate() error {
	if err := c.in.Fill(1); err != nil {
		return err
	}
	if c.in.Ahead()[0] != 0 {
		return errAuth
	}
	c.in.Skip(1)
	a := auth{c: c}
	for range maxTries {
		line, err := c.line()
		if err != nil {
			return err
		}
		answer, done := a.take(line)
		if done {
			return nil
		}
		if answer == "" {
			return errAuth
		}
		if err := c.stream.WriteAll([]byte(answer+"\r\n"), nil); err != nil {
			return err
		}
	}
	return errAuth
}

// line is the next line, less its end.
func (c *conn) line() (string, error) {
	for {
		rest := c.in.Ahead()
		if i := bytes.Index(rest, []byte("\r\n")); i >= 0 && i < maxLine {
			line := string(rest[:i])
			c.in.Skip(i + 2)
			return line, nil
		}
		if len(rest) >= maxLine {
			return "", errAuth
		}
		if err := c.in.Fill(len(rest) + 1); err != nil {
			return "", err
		}
	}
}

// auth is how far a client has come.
type auth struct {
	c       *conn
	waiting bool // for the DATA of EXTERNAL
	in      bool // has said who it is
}

// take gives the answer to a line; done is that messages follow.
func (a *auth) take(line string) (answer string, done bool) {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "AUTH":
		mechanism, data, has := strings.Cut(rest, " ")
		a.in, a.waiting = false, false
		switch {
		case mechanism != "EXTERNAL":
			return rejected, false
		case !has:
			a.waiting = true
			return "DATA", false
		}
		return a.external(data), false
	case "DATA":
		if !a.waiting {
			return "ERROR", false
		}
		return a.external(rest), false
	case "CANCEL", "ERROR":
		a.in, a.waiting = false, false
		return rejected, false
	case "NEGOTIATE_UNIX_FD":
		if !a.in {
			return "ERROR", false
		}
		a.c.in.TakesFDs = true
		return "AGREE_UNIX_FD", false
	case "BEGIN":
		return "", a.in
	}
	return "ERROR", false
}

const rejected = "REJECTED EXTERNAL"

// external looks whether the client is who it says it is; it need not say it.
func (a *auth) external(data string) string {
	a.waiting = false
	id, err := hex.DecodeString(data)
	if err != nil {
		return rejected
	}
	if uid, err := strconv.ParseUint(string(id), 10, 32); len(id) > 0 &&
		(err != nil || uint32(uid) != a.c.peer.UID) {
		return rejected
	}
	a.in = true
	return "OK " + guid()
}

// guid is a fresh identity of a server, as the protocol wants one.
func guid() string {
	var b [16]byte
	_, _ = io.ReadFull(rand.Reader, b[:])
	return hex.EncodeToString(b[:])
}
