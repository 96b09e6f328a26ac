package scenario

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A stage is where a scenario is played: beside the manager, with its client.
type stage struct {
	Dir   string   // the scenario's own folder; made and removed for each
	Units string   // the folder of unit files
	Act   string   // what "@act" stands for, without the folder
	Env   []string // of the client
	Path  string   // of the client
	Base  []string // units that belong to the machine
}

// A driver plays one scenario.
type driver struct {
	*stage
	sc     *scenario
	files  []string // unit files written
	conns  map[string]*conn
	told   int  // bytes of the log that were shown
	broken bool // a wait was in vain: the rest makes no sense
	loose  bool // jobs may be queued that the script has not waited for
}

// commands are the words of scripts. Each gives the lines to be shown.
var commands = sync.OnceValue(func() map[string]func(d *driver, args []string) []string {
	return map[string]func(d *driver, args []string) []string{
		// systemctl ARGUMENT...: its exit status, if not 0, and what it printed. It waits
		// until no job is queued, too, unless there are such that were not waited for.
		"systemctl": (*driver).systemctl,
		// show UNIT PROPERTY...: values on one line.
		"show": (*driver).show,
		// state UNIT...: states, result, end of the main process, restarts.
		"state": (*driver).state,
		// wait UNIT STATE...: until the unit is in one of these: "active", "active/running".
		"wait": (*driver).wait,
		// until UNIT PROPERTY VALUE: until the property is that.
		"until": (*driver).until,
		// settle: until no job is queued.
		"settle": (*driver).settle,
		// jobs: jobs by unit, without their numbers, as soon as they do not change.
		"jobs": (*driver).jobs,
		// log [TEXT]: what services said since; waits for a line with TEXT in it.
		"log": (*driver).log,
		"sorted": func(d *driver, args []string) []string { // log, in no order
			lines := d.log(args)
			slices.Sort(lines)
			return lines
		},
		// sh COMMAND: output of a shell in the folder of the scenario.
		"sh": (*driver).sh,
		// put FILE VERSION: another version of a unit file.
		"put": (*driver).put,
		// connect NAME ADDRESS, send NAME TEXT, receive NAME, close NAME
		"connect": (*driver).connect, "send": (*driver).send, "receive": (*driver).receive,
		"close": (*driver).close,
		// ended FILE: makes the file, and gives the status that the manager then ends with.
		// The last of a script, and done by who drives: nobody else is left by then.
		"ended": nil,
	}
})

// drive plays the scenario; each gets the lines of a step as soon as they are there.
func (s *stage) drive(sc *scenario, each func(lines []string)) error {
	d := &driver{stage: s, sc: sc, conns: map[string]*conn{}}
	if err := d.prepare(); err != nil {
		return errors.Join(err, d.clean())
	}
	for _, st := range sc.Steps {
		if strings.HasPrefix(st.Line, "ended ") {
			break
		}
		args := strings.Fields(d.place(st.Line))
		var lines []string
		do := commands()[args[0]]
		switch {
		case d.broken:
			lines = []string{"not reached"}
		case do == nil:
			lines = []string{"no such command"}
		default:
			lines = d.normal(do(d, args[1:]))
		}
		each(lines)
	}
	return d.clean()
}

// prepare writes the files and has the manager read them.
func (d *driver) prepare() error {
	if len(d.sc.Steps) == 0 { // nobody has asked whether the manager is up
		return d.ready()
	}
	if err := os.RemoveAll(d.Dir); err != nil {
		return err
	}
	if err := os.MkdirAll(d.Dir, 0o777); err != nil {
		return err
	}
	if err := os.Chmod(d.Dir, 0o777); err != nil {
		return err
	}
	for _, u := range d.sc.Units {
		if strings.Contains(u.Name, ":") {
			continue
		}
		if err := d.writeUnit(u.Name, u.Text); err != nil {
			return err
		}
	}
	if out, err := d.client("daemon-reload"); err != nil {
		return fmt.Errorf("daemon-reload: %w\n%s", err, out)
	}
	return nil
}

// writeUnit writes a file: a unit, a drop-in "a.service.d/x.conf", a link
// "b.service -> a.service", or any other file with its name from "./" on.
func (d *driver) writeUnit(name, text string) error {
	at := filepath.Join(d.Units, name)
	if own, ok := strings.CutPrefix(name, "./"); ok {
		at = filepath.Join(d.Dir, own)
	}
	from, to, link := strings.Cut(name, " -> ")
	if link {
		at = filepath.Join(d.Units, from)
	}
	if !strings.HasPrefix(name, "./") {
		first, _, _ := strings.Cut(from, "/")
		d.files = append(d.files, filepath.Join(d.Units, first))
	}
	if err := os.MkdirAll(filepath.Dir(at), 0o777); err != nil {
		return err
	}
	if link {
		_ = os.Remove(at)
		return os.Symlink(to, at)
	}
	return os.WriteFile(at, []byte(d.place(text)), 0o644)
}

// place puts the places of this machine into a text.
func (d *driver) place(text string) string {
	text = strings.ReplaceAll(text, "@act", d.Act+" "+d.Dir)
	text = strings.ReplaceAll(text, "@systemctl",
		"/usr/bin/env "+strings.Join(append(d.Env, d.Path), " "))
	text = strings.ReplaceAll(text, "@units", d.Units)
	return strings.ReplaceAll(text, "@dir", d.Dir)
}

var (
	identity = regexp.MustCompile(`\b[0-9a-f]{32}\b`)
	number   = regexp.MustCompile(`\b(Main|Control|ExecMain)PID=([0-9]+)`)
)

// normal takes out of the lines what is another thing in each run.
func (d *driver) normal(lines []string) []string {
	for i, l := range lines {
		l = strings.ReplaceAll(l, d.Dir, "@dir")
		l = strings.ReplaceAll(l, d.Units, "@units")
		l = identity.ReplaceAllString(l, "@id")
		lines[i] = number.ReplaceAllStringFunc(l, func(s string) string {
			name, pid, _ := strings.Cut(s, "=")
			return name + "=" + processName(d.Dir, pid)
		})
	}
	return lines
}

// client runs the client and gives what it printed, on both streams.
func (d *driver) client(args ...string) (string, error) {
	cmd := exec.Command(d.Path, args...)
	cmd.Env = append(os.Environ(), d.Env...)
	cmd.WaitDelay = time.Second
	out, err := bounded(cmd)
	return out, err
}

// bounded runs a command that must end by itself.
func bounded(cmd *exec.Cmd) (string, error) {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return "", err
	}
	late := time.AfterFunc(2*patience, func() { cmd.Process.Kill() })
	defer late.Stop()
	err := cmd.Wait()
	return out.String(), err
}

// shown gives the exit status, if it is not 0, and the lines printed.
func shown(out string, err error) []string {
	var lines []string
	if err != nil {
		lines = append(lines, strings.Replace(err.Error(), "exit status", "exit", 1))
	}
	for l := range strings.Lines(out) {
		if l = strings.TrimRight(l, " \n"); l != "" {
			lines = append(lines, l)
		}
	}
	return lines
}

func (d *driver) systemctl(args []string) []string {
	lines := shown(d.client(args...))
	d.loose = d.loose || slices.Contains(args, "--no-block")
	if d.loose || !slices.Contains(jobVerbs, args[0]) {
		return lines
	}
	return append(lines, d.settle(nil)...)
}

// jobVerbs are verbs that queue jobs.
var jobVerbs = []string{
	"start", "stop", "restart", "try-restart", "reload", "reload-or-restart", "isolate",
	"try-reload-or-restart", "condrestart",
}

// values asks for properties of units: for each unit a map.
func (d *driver) values(units []string, props ...string) ([]map[string]string, error) {
	args := append([]string{"show", "-p", strings.Join(props, ",")}, units...)
	out, err := d.client(args...)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	var all []map[string]string
	for block := range strings.SplitSeq(strings.TrimSpace(out), "\n\n") {
		m := map[string]string{}
		for l := range strings.Lines(block) {
			k, v, _ := strings.Cut(strings.TrimSuffix(l, "\n"), "=")
			if old, again := m[k]; again {
				v = old + ", " + v
			}
			m[k] = v
		}
		all = append(all, m)
	}
	if len(all) != len(units) {
		return nil, fmt.Errorf("asked for %d units, told of %d: %s", len(units), len(all), out)
	}
	return all, nil
}

func (d *driver) show(args []string) []string {
	all, err := d.values(args[:1], args[1:]...)
	if err != nil {
		return []string{err.Error()}
	}
	var words []string
	for _, p := range args[1:] {
		v := all[0][p]
		if p != "DropInPaths" {
			v = inOrder(v)
		}
		words = append(words, p+"="+v)
	}
	return []string{strings.Join(words, " ")}
}

// inOrder sorts names of units, and paths: systemd has dependencies in no order.
func inOrder(value string) string {
	names := strings.Fields(value)
	for _, n := range names {
		if !strings.Contains(n, ".") && !strings.HasPrefix(n, "/") {
			return value
		}
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// codes are values of ExecMainCode. waitid(2), si_code.
var codes = map[string]string{"1": "exited", "2": "killed", "3": "dumped"}

func (d *driver) state(units []string) []string {
	all, err := d.values(units, "Id", "ActiveState", "SubState", "Result", "ExecMainCode",
		"ExecMainStatus", "NRestarts")
	if err != nil {
		return []string{err.Error()}
	}
	var lines []string
	for i, v := range all {
		l := fmt.Sprintf("%s %s/%s", units[i], v["ActiveState"], v["SubState"])
		if r := v["Result"]; r != "success" && r != "" {
			l += " " + r
		}
		if c := v["ExecMainCode"]; c != "0" && c != "" && v["ActiveState"] != "inactive" {
			l += " main=" + codes[c] + "/" + v["ExecMainStatus"]
		}
		if n := v["NRestarts"]; n != "0" && n != "" {
			l += " restarts=" + n
		}
		lines = append(lines, l)
	}
	return lines
}

func (d *driver) wait(args []string) []string {
	last := ""
	err := awaitEvery(poll, patience, func() bool {
		v, err := d.values(args[:1], "ActiveState", "SubState")
		if err != nil {
			last = err.Error()
			return false
		}
		active, sub := v[0]["ActiveState"], v[0]["SubState"]
		last = active + "/" + sub
		return slices.Contains(args[1:], active) || slices.Contains(args[1:], last)
	})
	return d.inVain(err, last)
}

// inVain gives up the scenario, if a wait has failed.
func (d *driver) inVain(err error, last string) []string {
	if err == nil {
		return nil
	}
	d.broken = true
	return append([]string{err.Error() + ", it is:"}, strings.Split(last, "\n")...)
}

func (d *driver) until(args []string) []string {
	last := ""
	return d.inVain(awaitEvery(poll, patience, func() bool {
		v, err := d.values(args[:1], args[1])
		if err != nil {
			last = err.Error()
			return false
		}
		last = v[0][args[1]]
		return last == args[2]
	}), last)
}

// queue lists jobs: "UNIT TYPE STATE".
func (d *driver) queue() ([]string, error) {
	out, err := d.client("list-jobs", "--no-legend", "--plain", "--full")
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	var all []string
	for l := range strings.Lines(out) {
		if f := strings.Fields(l); len(f) == 4 {
			all = append(all, strings.Join(f[1:], " "))
		}
	}
	slices.Sort(all)
	return all, nil
}

// poll is how often the client is asked for what is waited for.
const poll = 15 * time.Millisecond

// steady is how long the queue must stay as it is to be shown.
const steady = 250 * time.Millisecond

func (d *driver) jobs([]string) []string {
	var all []string
	since := time.Now()
	err := awaitEvery(2*poll, patience, func() bool {
		now, err := d.queue()
		if err != nil || !slices.Equal(all, now) {
			all, since = now, time.Now()
		}
		return err == nil && time.Since(since) > steady
	})
	return append(all, d.inVain(err, "")...)
}

func (d *driver) settle([]string) []string {
	d.loose = false
	var last []string
	return d.inVain(awaitEvery(poll, patience, func() bool {
		var err error
		last, err = d.queue()
		return err == nil && len(last) == 0
	}), strings.Join(last, "\n"))
}

func (d *driver) log(args []string) []string {
	want, text := strings.Join(args, " "), ""
	err := await(patience, func() bool {
		all, _ := os.ReadFile(filepath.Join(d.Dir, "log"))
		text = string(all[d.told:])
		return want == "" || strings.Contains(text, want) && strings.HasSuffix(text, "\n")
	})
	d.told += len(text)
	if err != nil {
		return d.inVain(err, text)
	}
	return shown(text, nil)
}

func (d *driver) sh(args []string) []string {
	cmd := exec.Command("/bin/sh", "-c", strings.Join(args, " "))
	cmd.Env = append(os.Environ(), d.Env...)
	cmd.Env = append(cmd.Env, "PATH="+filepath.Dir(d.Path)+":"+os.Getenv("PATH"))
	cmd.Dir = d.Dir
	return shown(bounded(cmd))
}

func (d *driver) put(args []string) []string {
	for _, u := range d.sc.Units {
		if u.Name == args[0]+":"+args[1] {
			if err := d.writeUnit(args[0], u.Text); err != nil {
				return []string{err.Error()}
			}
			return nil
		}
	}
	return []string{"no such version"}
}

// clean ends and forgets all that the scenario has made.
func (d *driver) clean() error {
	for _, c := range d.conns {
		c.close()
	}
	if _, alone := d.sc.Needs["boot"]; alone {
		return nil
	}
	for _, f := range d.files {
		if err := os.RemoveAll(f); err != nil {
			return err
		}
	}
	d.killActors()
	var left []string
	err := awaitEvery(poll, patience, func() bool {
		left = d.leftovers()
		return len(left) == 0
	})
	if err != nil {
		return fmt.Errorf("after %s there is still: %s", d.sc.Name, strings.Join(left, ", "))
	}
	_, err = d.client("reset-failed") // and the next scenario has all files read again
	return err
}

// killActors kills processes that services have left behind.
func (d *driver) killActors() {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil || !bytes.Contains(text, []byte("\x00act\x00"+d.Dir+"\x00")) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(f))); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// leftovers ends units that are not the machine's and still active, or have jobs,
// and gives their names.
func (d *driver) leftovers() []string {
	out, err := d.client("list-units", "--all", "--plain", "--no-legend", "--full")
	if err != nil {
		return []string{out}
	}
	var left []string
	for l := range strings.Lines(out) {
		f := strings.Fields(l)
		if len(f) >= 4 && !slices.Contains(d.Base, f[0]) && f[2] != "inactive" &&
			f[2] != "failed" && !strings.HasSuffix(f[0], ".mount") &&
			!strings.HasSuffix(f[0], ".slice") && !strings.HasSuffix(f[0], ".scope") {
			left = append(left, f[0])
		}
	}
	jobs, err := d.queue()
	if err != nil {
		return []string{err.Error()}
	}
	if len(jobs) > 0 {
		_, _ = d.client("cancel")
	}
	if len(left) == 0 {
		return jobs
	}
	_, _ = d.client(append([]string{"kill", "--signal=KILL"}, left...)...)
	_, _ = d.client(append([]string{"stop", "--no-block"}, left...)...)
	return left
}

// driveInside plays a scenario inside of a machine: it reads a stage and the
// scenario from standard input and prints the lines of each step.
func driveInside(string) int {
	var in struct {
		Stage    *stage
		Scenario *scenario
	}
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	out := json.NewEncoder(os.Stdout)
	err := in.Stage.drive(in.Scenario, func(lines []string) { _ = out.Encode(lines) })
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
