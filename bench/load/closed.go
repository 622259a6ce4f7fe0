package load

import (
	"context"
	"sync"
)

// Closed runs a crowd: one goroutine per virtual user, which calls play with
// its number until play returns. The first error ends the crowd: the others'
// contexts end, and Closed returns that error when all have come home.
func Closed(ctx context.Context, users int, play func(ctx context.Context, user int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var crowd sync.WaitGroup
	for user := range users {
		crowd.Go(func() {
			if err := play(ctx, user); err != nil {
				cancel(err)
			}
		})
	}
	crowd.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}
