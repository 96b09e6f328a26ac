package manager

import (
	"context"
	"os"

	"rouse/internal/host/generator"
	"rouse/internal/host/machine"
	"rouse/internal/host/proc"
)

// generateFirst runs the generators and then f, before anything else that is asked
// for: no unit is loaded without them. What happens meanwhile waits in order.
func (m *Manager) generateFirst(f func()) {
	if m.generators == nil {
		f()
		return
	}
	m.reached(generatorsStart)
	done := make(chan []string, 1)
	in := m.generatorInput()
	m.goes(func() { done <- m.generators.Run(m.generate, in) })
	m.setBase(<-done)
	m.reached(generatorsFinish)
	f()
}

// regenerate runs the generators while all goes on, and then f. What needs units to
// be loaded waits for it (see callReady); a second one waits for the first.
func (m *Manager) regenerate(f func()) {
	if m.generating {
		m.ready = append(m.ready, func() { m.regenerate(f) })
		return
	}
	if m.cfg.NewEnvironment != nil {
		m.reconfigure() // what is wrong with it, reload says
		m.cfg.Environment = m.cfg.NewEnvironment()
		m.setBase(m.cfg.Environment) // environment generators may change it once more
	}
	if m.generators == nil {
		f()
		return
	}
	m.generating = true
	in := m.generatorInput()
	m.goes(func() {
		env := m.generators.Run(m.generate, in)
		m.post(func() {
			m.generating = false
			m.setBase(env)
			f()
			ready := m.ready
			m.ready = nil
			for i, f := range ready {
				if m.generating { // another reload was among them
					m.ready = append(m.ready, ready[i:]...)
					return
				}
				f()
			}
		})
	})
}

// callReady is call for what loads units: it waits until the generators are done.
func (m *Manager) callReady(ctx context.Context, f func()) error {
	done := make(chan struct{})
	err := m.call(ctx, func() {
		run := func() { defer close(done); f() }
		if m.generating {
			m.ready = append(m.ready, run)
			return
		}
		run()
	})
	if err != nil {
		return err
	}
	return m.await(ctx, done)
}

// generatorInput is what generators are told. systemd.generator(7), ENVIRONMENT.
func (m *Manager) generatorInput() generator.Input {
	in := generator.Input{
		Environ: m.cfg.Environ, Environment: m.cfg.Environment,
		Variables: []string{"SYSTEMD_SCOPE=user"},
	}
	if !m.cfg.User {
		in.Variables = []string{
			"SYSTEMD_SCOPE=system",
			"SYSTEMD_IN_INITRD=" + digit(exists("/etc/initrd-release")),
			"SYSTEMD_FIRST_BOOT=" + digit(m.machine.FirstBoot || exists("/run/systemd/first-boot")),
		}
	}
	if name := proc.Container(); name != "" {
		in.Variables = append(in.Variables, "SYSTEMD_VIRTUALIZATION=container:"+name)
	} else if name := proc.Machine(); name != "" {
		in.Variables = append(in.Variables, "SYSTEMD_VIRTUALIZATION=vm:"+name)
	}
	in.Variables = append(in.Variables, "SYSTEMD_ARCHITECTURE="+machine.Architecture())
	return in
}

func digit(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
