package fault

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"firstcome/bench/history"
)

// Options say how a scenario is run.
type Options struct {
	Program  string // firstcome, or another engine with its API and settings
	Rival    bool   // it is another engine: its violations are counted, and it has no log
	Seed     int64
	Short    bool      // as in a test
	Busy     bool      // the machine does other things as well: less load, and limits are wide
	Workload *Workload // nil: the scenario's own
	Keep     string    // folder for history and logs; "": they are kept only of a run that failed
}

// The phases around a fault.
const (
	leadLeast, leadMost = time.Second, 2 * time.Second // load before it
	tailShort, tailLong = 1500 * time.Millisecond, 3 * time.Second
	healWait            = 40 * time.Second
	// busyShare is by what the load is divided on a busy machine: more than it
	// carries would only show how long a line becomes.
	busyShare = 3
	// backAgain is how long after healing the log may still be away for a node.
	backAgain = 6 * time.Second
)

// Run plays one scenario on a rig and judges it. An error says that it could
// not be played; what it broke is in the outcome.
func Run(ctx context.Context, rig *Rig, s *Scenario, o Options) (*Outcome, error) {
	if o.Workload == nil {
		o.Workload, _ = WorkloadNamed(s.Workload)
	}
	run := &run{Scenario: s, o: o, out: &Outcome{
		Scenario: s.Name, What: s.What, Workload: o.Workload.Name, Seed: o.Seed, Started: time.Now(), Short: o.Short, Rival: o.Rival,
	}}
	err := run.play(ctx, rig)
	if err != nil {
		err = fmt.Errorf("%s, seed %d: %w", s.Name, o.Seed, err)
	}
	return run.out, errors.Join(err, run.save(err != nil))
}

// run is one play of a scenario.
type run struct {
	*Scenario
	o        Options
	strike   *Strike
	crowd    *crowd
	looking  *onlookers // nil: the rival has no streams
	evidence *history.Evidence
	out      *Outcome
}

func (r *run) lasts() time.Duration {
	if r.o.Short {
		return r.Scenario.Short
	}
	return r.Long
}

func (r *run) play(ctx context.Context, rig *Rig) error {
	rate := r.o.Workload.Rate
	if r.o.Busy {
		rate /= busyShare
	}
	expect := int(rate * (leadMost + r.lasts() + tailLong + 5*time.Second).Seconds())
	script := r.o.Workload.Write(chance(r.o.Seed, r.Name, "load"), expect)
	cast, err := rig.Cast(ctx, CastOptions{Program: r.o.Program, Nodes: max(r.Nodes, 2), Settings: merge(r.Scenario.Settings, r.o.Workload.Settings)})
	if err != nil {
		return err
	}
	defer cast.Close()
	r.crowd = gather(cast, script)
	r.strike = &Strike{Cast: cast, Rand: chance(r.o.Seed, r.Name, "fault"), For: r.lasts(), Script: script, crowd: r.crowd, out: r.out}
	defer r.logs()
	if err := r.open(ctx); err != nil {
		return err
	}
	if !r.o.Rival {
		r.looking = r.onlook(ctx)
		defer r.looking.crowd.Stop()
	}
	err = r.act(ctx, rate)
	r.out.Measured.Late = r.crowd.pulse.latest()
	r.out.Ops, r.out.Broken = r.crowd.rest()
	r.out.Ops = append(r.out.Ops, r.strike.deeds...)
	r.out.Marks, r.out.Rested = r.strike.marks, r.crowd.since(time.Now())
	slices.SortFunc(r.out.Ops, func(a, b history.Op) int { return int(a.Call - b.Call) })
	if err != nil {
		return err
	}
	return r.judge(ctx)
}

// act lets the crowd loose, breaks what is to be broken, and heals it.
func (r *run) act(ctx context.Context, rate float64) error {
	acting, end := context.WithCancel(ctx)
	defer end()
	r.crowd.warm()
	r.crowd.send(ctx, rate)
	var caps errgroup.Group
	if r.strike.Script.Caps != nil {
		caps.Go(func() error { r.strike.changeCaps(acting); return nil })
	}
	defer func() { end(); _ = caps.Wait() }()
	if err := r.strike.Wait(ctx, r.strike.Between(leadLeast, leadMost)); err != nil {
		return err
	}
	r.out.Struck = r.crowd.since(time.Now())
	r.crowd.pulse.reset()
	if err := r.Do(ctx, r.strike); err != nil {
		return fmt.Errorf("break something: %w", err)
	}
	r.out.Healing = r.crowd.since(time.Now())
	r.strike.Mark("all is mended")
	healing, cancel := context.WithTimeout(ctx, healWait)
	defer cancel()
	heal := r.strike.Cast.Heal
	if r.Apart {
		heal = r.strike.Rig.Heal // what is lost stays lost, and its nodes may not be ready
	}
	if err := heal(healing); err != nil {
		return fmt.Errorf("heal: %w", err)
	}
	r.out.Healed = r.crowd.since(time.Now())
	tail := tailLong
	if r.o.Short {
		tail = tailShort
	}
	return r.strike.Wait(ctx, tail)
}

// open makes and opens the campaigns, and waits until every node shows them.
func (r *run) open(ctx context.Context) error {
	group, all := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for i := range r.strike.Script.Campaigns {
		c := &r.strike.Script.Campaigns[i]
		group.Go(func() error {
			if err := r.strike.deed(all, history.Op{Kind: history.Create, Campaign: c.ID}, "POST", "/campaigns", c); err != nil {
				return err
			}
			return r.strike.deed(all, history.Op{Kind: history.Open, Campaign: c.ID}, "POST", name(c)+"/opening", nil)
		})
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("open the campaigns: %w", err)
	}
	look, all := errgroup.WithContext(ctx)
	look.SetLimit(8)
	for i := range r.strike.Script.Campaigns {
		for node := range r.strike.Nodes {
			look.Go(func() error {
				return until(all, 10*time.Second, func() error { return r.strike.shown(all, node, r.strike.Script.Campaigns[i].ID) })
			})
		}
	}
	return look.Wait()
}

// shown tells why a node does not show a campaign as open to members.
func (s *Strike) shown(ctx context.Context, node int, id string) error {
	text, err := s.detail(ctx, node, id)
	if err != nil {
		return err
	}
	if status := jsonField(text, "status"); status != "open" {
		return fmt.Errorf("%s is %q at node %d", id, status, node+1)
	}
	return nil
}

func merge(all ...map[string]string) map[string]string {
	out := map[string]string{}
	for _, m := range all {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}
