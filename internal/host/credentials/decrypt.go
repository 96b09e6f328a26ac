package credentials

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"rouse/internal/host/reap"
	"rouse/internal/host/spawn"
	"rouse/internal/unit/value"
)

// tools are where systemd-creds(1) may be, which knows keys and TPMs.
var tools = []string{"/usr/bin/systemd-creds", "/bin/systemd-creds"}

// Tool is the program that decrypts, or "".
func Tool() string {
	for _, path := range tools {
		if exists(path) {
			return path
		}
	}
	return ""
}

// A Decrypter has a program decrypt credentials, as a child of the manager.
type Decrypter struct {
	// Start starts a process; spawn.Spawner has it. Its exit must come to Awaited.
	Start func(r *spawn.Request) (spawn.Process, error)
	// Tool is the program; "" is that of the machine.
	Tool string
	// Limit is how long it may take; 0 is 30 seconds.
	Limit time.Duration

	*reap.Awaited
}

// decrypt gives what is in an encrypted credential, in base64, that must be called id. A
// nil Decrypter decrypts nothing.
func (d *Decrypter) decrypt(id string, sealed []byte) ([]byte, error) {
	if d == nil {
		return nil, ErrEncrypted
	}
	tool := d.Tool
	if tool == "" {
		tool = Tool()
	}
	if tool == "" {
		return nil, fmt.Errorf("%w: there is no systemd-creds", ErrEncrypted)
	}
	text, told, err := d.run(tool, sealed, "decrypt", "--name="+id, "--newline=no", "-", "-")
	if err != nil {
		if told = bytes.TrimSpace(told); len(told) > 0 {
			err = fmt.Errorf("%w: %s", err, told[bytes.LastIndexByte(told, '\n')+1:])
		}
		return nil, fmt.Errorf("decrypt: %w", err)
	}
	return text, nil
}

// encoded is what a unit's file has said of an encrypted credential.
func encoded(data []byte) []byte {
	return base64.StdEncoding.AppendEncode(nil, data)
}

// run runs the program and gives what it has printed, as a result and about that.
func (d *Decrypter) run(tool string, input []byte, args ...string) (out, told []byte, err error) {
	var pipes [3]struct{ mine, its *os.File }
	for i := range pipes {
		p := &pipes[i]
		if p.mine, p.its, err = os.Pipe(); err != nil {
			return nil, nil, err
		}
		if i == 0 {
			p.mine, p.its = p.its, p.mine
		}
		defer p.mine.Close()
		defer p.its.Close()
	}
	exited := make(chan reap.Exit, 1)
	plain := spawn.Plain()
	p, err := d.Start(&spawn.Request{
		Unit:    "systemd-creds",
		Command: value.Command{Path: tool, Argv: append([]string{tool}, args...)},
		Exec:    &plain,
		Stdin:   int(pipes[0].its.Fd()), Stdout: int(pipes[1].its.Fd()),
		Stderr: int(pipes[2].its.Fd()), Cgroup: -1,
		Started: func(p spawn.Process) { d.Expect(p.PID, exited) },
	})
	for i := range pipes {
		pipes[i].its.Close()
	}
	if p.PID == 0 {
		return nil, nil, err
	}
	var work sync.WaitGroup
	work.Go(func() {
		_, _ = pipes[0].mine.Write(input) // who does not read it says why
		pipes[0].mine.Close()
	})
	read := func(i int, most int64) (text []byte) {
		text, _ = io.ReadAll(io.LimitReader(pipes[i].mine, most))
		pipes[i].mine.Close() // who has more to say ends
		return text
	}
	work.Go(func() { out = read(1, sizeMax+1) })
	work.Go(func() { told = read(2, 4096) })
	x, ended := d.wait(p.PID, exited)
	for i := range pipes { // a child of its own may hold them
		pipes[i].mine.SetDeadline(time.Now().Add(time.Second))
	}
	work.Wait()
	switch {
	case err != nil: // it was not executed
		return nil, nil, err
	case !ended:
		return nil, told, errors.New("it takes too long")
	case x.Code != reap.Exited || x.Status != 0:
		return nil, told, fmt.Errorf("systemd-creds failed with status %d", x.Status)
	}
	return out, told, nil
}

// wait waits for the end of a process, which is killed when its time is over.
func (d *Decrypter) wait(pid int, exited <-chan reap.Exit) (reap.Exit, bool) {
	limit := d.Limit
	if limit == 0 {
		limit = 30 * time.Second
	}
	late := time.NewTimer(limit)
	defer late.Stop()
	select {
	case x := <-exited:
		return x, true
	case <-late.C:
	}
	_ = d.Signal(pid, value.SIGKILL)
	return reap.Exit{}, false
}
