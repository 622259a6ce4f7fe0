package hunt

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"firstcome/bench/sim"
)

// Exact is the simulation in a machine of its own, where one seed and one
// order are one run.
type Exact struct {
	runtime wazero.Runtime
	module  wazero.CompiledModule
}

// BuildExact compiles the simulation to WebAssembly and that to this machine's
// code: about 10 s the first time, less afterwards.
func BuildExact(ctx context.Context, dir, overlay string) (*Exact, error) {
	path := filepath.Join(dir, "sim.wasm")
	if err := compile(ctx, path, overlay, "GOOS=wasip1", "GOARCH=wasm"); err != nil {
		return nil, err
	}
	code, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the simulation: %w", err)
	}
	e := &Exact{runtime: wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCloseOnContextDone(true))}
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, e.runtime); err != nil {
		return nil, fmt.Errorf("prepare the exact world: %w", err)
	}
	if e.module, err = e.runtime.CompileModule(ctx, code); err != nil {
		return nil, fmt.Errorf("compile the simulation for the exact world: %w", err)
	}
	return e, nil
}

// Close frees the machine.
func (e *Exact) Close(ctx context.Context) error { return e.runtime.Close(ctx) }

// Plan plays one plan and tells everything. The order is the seed of the
// chance that the Go runtime and everything else in there draws from.
func (e *Exact) Plan(ctx context.Context, plan *sim.Plan, order uint64) (sim.Line, error) {
	in, err := encode(plan)
	if err != nil {
		return sim.Line{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, stalls)
	defer cancel()
	var out bytes.Buffer
	complaints := &tail{most: 8 << 10}
	var key [32]byte
	for i := range 8 {
		key[i] = byte(order >> (8 * i))
	}
	config := wazero.NewModuleConfig().WithName("").
		WithArgs("sim", "-test.run", "^TestSeeds$", "-test.timeout", "0", "-sim.tell", "-sim.plans").
		WithStdin(bytes.NewReader(in)).WithStdout(&out).WithStderr(complaints).
		WithRandSource(rand.NewChaCha8(key))
	m, err := e.runtime.InstantiateModule(ctx, e.module, config)
	if m != nil {
		_ = m.Close(ctx)
	}
	var got sim.Line
	r := reader{each: func(l sim.Line) { got = l }, stall: func() {}}
	r.read(&out)
	r.stalled = ctx.Err() != nil
	if ended := r.end(context.WithoutCancel(ctx), nil, complaints.String()); ended != nil || got.Seed == plan.Seed {
		return got, nil
	}
	return got, fmt.Errorf("the exact world ended without an outcome: %w: %s", err, firstLines(r.text.String()+complaints.String()))
}
