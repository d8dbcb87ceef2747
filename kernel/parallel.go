package kernel

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// Worker counts. Loading is work for a CPU; detaching waits in the kernel,
// and each waiter costs a thread.
const (
	loadWorkers   = 0 // as many as there are CPUs
	attachWorkers = 0
	detachWorkers = 64
)

// parallel calls f(0) to f(n-1) from at most workers goroutines (0: one per
// CPU) and returns the error of the lowest index that failed. After a failure
// or the end of ctx no new call begins.
func parallel(ctx context.Context, n, workers int, f func(i int) error) error {
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	errs := make([]error, n)
	var next atomic.Int64
	var stop atomic.Bool
	work := func() {
		for !stop.Load() && ctx.Err() == nil {
			i := int(next.Add(1)) - 1
			if i >= n {
				return
			}
			if errs[i] = f(i); errs[i] != nil {
				stop.Store(true)
			}
		}
	}
	var wg sync.WaitGroup
	for range min(workers, n) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}
