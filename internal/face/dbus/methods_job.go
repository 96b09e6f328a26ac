package dbus

import (
	"fmt"

	"rouse/internal/face"
	"rouse/internal/unit"
	"rouse/internal/wire/dbus"
)

// verbs are the methods that queue a job, by their names at the manager less "Unit".
var verbs = map[string]string{
	"Start": "start", "Stop": "stop", "Reload": "reload", "Restart": "restart",
	"TryRestart": "try-restart", "ReloadOrRestart": "reload-or-restart",
	"ReloadOrTryRestart": "reload-or-try-restart",
}

// asked are what a person is asked, by job type: texts of systemd's catalogue.
var asked = map[string]string{
	"start":   "Authentication is required to start '$(unit)'.",
	"stop":    "Authentication is required to stop '$(unit)'.",
	"reload":  "Authentication is required to reload '$(unit)'.",
	"restart": "Authentication is required to restart '$(unit)'.",
}

func managerJobRows() map[string]row {
	rows := map[string]row{
		"StartUnitReplace":   {run: startReplace, asks: true},
		"StartUnitWithFlags": {run: startWithFlags, asks: true},
		"EnqueueUnitJob":     {run: byName(enqueueJob), asks: true},
		"GetJob":             {run: getJob},
		"GetJobAfter":        {run: func(c *call) error { return jobOrder(c, c.in.Uint32(), true) }},
		"GetJobBefore":       {run: func(c *call) error { return jobOrder(c, c.in.Uint32(), false) }},
		"ListJobs":           {run: listJobs},
		"CancelJob":          {run: byID(cancelJob), asks: true},
		"ClearJobs":          {run: clearJobs, asks: true},
	}
	for word, verb := range verbs {
		rows[word+"Unit"] = row{asks: true, run: func(c *call) error {
			unit := c.in.Text()
			return enqueue(c, unit, verb, c.in.Text())
		}}
	}
	return rows
}

// byName has the first argument name the unit that f is for.
func byName(f func(c *call, unit string) error) handler {
	return func(c *call) error { return f(c, c.in.Text()) }
}

// byID has the first argument be the job that f is for.
func byID(f func(c *call, id uint32) error) handler {
	return func(c *call) error { return f(c, c.in.Uint32()) }
}

// enqueue queues a job. The answer is queued where the job is, before anything that
// comes of it is told.
func enqueue(c *call, unitName, verb, modeWord string) error {
	mode, ok := unit.ParseJobMode(modeWord)
	if !ok {
		return refuse("InvalidArgs", "Job mode %s invalid", modeWord)
	}
	if err := c.allowUnit(unitName, verb, asked[verb]); err != nil {
		return err
	}
	_, err := c.s.m.Enqueue(c.ctx, face.JobRequest{
		Unit: unitName, Type: verb, Mode: mode, Replied: func(r face.JobReply) {
			c.s.track(r.ID, c.m.Sender)
			c.out.Text(jobPath(r.ID))
			c.reply()
		},
	})
	return err
}

// allowUnit asks whether the sender may do something with a unit.
func (c *call) allowUnit(unitName, verb, message string) error {
	details := []string{"unit", unitName, "verb", verb}
	if message != "" {
		details = append(details, "polkit.message", message, "polkit.gettext_domain", "systemd")
	}
	return c.allow(manageUnits, details...)
}

// startReplace starts a unit in the place of one whose job is queued.
func startReplace(c *call) error {
	old, unitName, mode := c.in.Text(), c.in.Text(), c.in.Text()
	err := c.look(func(v face.View) error {
		u, ok := v.Unit(old)
		switch {
		case !ok:
			return notLoaded(old)
		case u.JobType != "start":
			return &face.Error{Name: face.NoSuchJob, Message: fmt.Sprintf(
				"No job queued for unit %s", old)}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return enqueue(c, unitName, "start", mode)
}

// startWithFlags is StartUnit with flags, of which there are none yet.
func startWithFlags(c *call) error {
	unitName, mode := c.in.Text(), c.in.Text()
	if flags := c.in.Uint64(); flags != 0 {
		return refuse("InvalidArgs", "Invalid 'flags' parameter '%d'", flags)
	}
	return enqueue(c, unitName, "start", mode)
}

// enqueueJob queues a job and tells of the others that come with it.
func enqueueJob(c *call, unitName string) error {
	verb, modeWord := c.in.Text(), c.in.Text()
	mode, ok := unit.ParseJobMode(modeWord)
	switch {
	case !isJobType(verb):
		return refuse("InvalidArgs", "Job type %s invalid", verb)
	case !ok:
		return refuse("InvalidArgs", "Job mode %s invalid", modeWord)
	}
	if err := c.allowUnit(unitName, verb, asked[verb]); err != nil {
		return err
	}
	_, err := c.s.m.Enqueue(c.ctx, face.JobRequest{
		Unit: unitName, Type: verb, Mode: mode, Replied: func(r face.JobReply) {
			c.s.track(r.ID, c.m.Sender)
			c.out.Uint32(r.ID)
			c.out.Text(jobPath(r.ID))
			c.out.Text(r.Unit)
			c.out.Text(unitPath(r.Unit))
			c.out.Text(r.Type)
			c.out.Array("(uosos)", func() {
				for _, j := range r.Affected {
					c.out.Struct()
					c.out.Uint32(j.ID)
					c.out.Text(jobPath(j.ID))
					c.out.Text(j.Unit)
					c.out.Text(unitPath(j.Unit))
					c.out.Text(j.Type)
				}
			})
			c.reply()
		},
	})
	return err
}

func isJobType(word string) bool {
	for _, v := range verbs {
		if v == word {
			return true
		}
	}
	return word == "verify-active"
}

func noJob(id uint32) error {
	return &face.Error{Name: face.NoSuchJob, Message: fmt.Sprintf("Job %d does not exist.", id)}
}

func getJob(c *call) error {
	id := c.in.Uint32()
	return c.look(func(v face.View) error {
		if _, ok := v.Job(id); !ok {
			return noJob(id)
		}
		c.out.Text(jobPath(id))
		return nil
	})
}

// jobOrder lists the jobs that wait for a job, or that it waits for.
func jobOrder(c *call, id uint32, after bool) error {
	return c.look(func(v face.View) error {
		if _, ok := v.Job(id); !ok {
			return noJob(id)
		}
		writeJobs(&c.out, v.JobOrder(id, after))
		return nil
	})
}

func listJobs(c *call) error {
	return c.look(func(v face.View) error {
		writeJobs(&c.out, v.Jobs())
		return nil
	})
}

func writeJobs(e *dbus.Encoder, list []face.JobInfo) {
	e.Array("(usssoo)", func() {
		for _, j := range list {
			e.Struct()
			e.Uint32(j.ID)
			e.Text(j.Unit)
			e.Text(j.Type)
			e.Text(j.State)
			e.Text(jobPath(j.ID))
			e.Text(unitPath(j.Unit))
		}
	})
}

// cancelJob cancels a job. Who has asked for a job may take that back.
func cancelJob(c *call, id uint32) error {
	var unitName string
	err := c.look(func(v face.View) error {
		j, ok := v.Job(id)
		if !ok {
			return noJob(id)
		}
		unitName = j.Unit
		return nil
	})
	if err != nil {
		return err
	}
	if !c.s.isTracked(id, c.m.Sender) {
		if err := c.allowUnit(unitName, "cancel", ""); err != nil {
			return err
		}
	}
	return c.s.m.Cancel(c.ctx, id)
}

func clearJobs(c *call) error {
	if err := c.allow(manageUnits); err != nil {
		return err
	}
	var ids []uint32
	if err := c.look(func(v face.View) error {
		for _, j := range v.Jobs() {
			ids = append(ids, j.ID)
		}
		return nil
	}); err != nil {
		return err
	}
	for _, id := range ids {
		_ = c.s.m.Cancel(c.ctx, id) // it may be over by now
	}
	return nil
}

func jobRows() map[string]row {
	// on has f carried out for the job that the call's object is.
	on := func(f func(c *call, id uint32) error) handler {
		return func(c *call) error {
			var id uint32
			err := c.look(func(v face.View) error {
				j, err := c.job(v)
				id = j.ID
				return err
			})
			if err != nil {
				return err
			}
			return f(c, id)
		}
	}
	return map[string]row{
		"Cancel":    {run: on(cancelJob), asks: true},
		"GetAfter":  {run: on(func(c *call, id uint32) error { return jobOrder(c, id, true) })},
		"GetBefore": {run: on(func(c *call, id uint32) error { return jobOrder(c, id, false) })},
	}
}

// job finds the job that the call's object is.
func (c *call) job(v face.View) (face.JobInfo, error) {
	id, _ := c.object.jobID()
	j, ok := v.Job(id)
	if !ok {
		return j, refuse("UnknownObject", "Unknown object '%s'.", c.m.Path)
	}
	return j, nil
}
