// Package kernel is the target that runs programs in the Linux kernel: it
// loads an object, attaches its programs to the probes of a plan, reads the
// records that they send, and takes everything away again.
//
//	s, err := kernel.Load(ctx, elf, plan, kernel.Options{})
//	if err != nil { ... }
//	defer s.Close()
//	if err := s.Attach(ctx); err != nil { ... }
//	events := s.Events()
//	for {
//		if _, err := events.Drain(show); err != nil { ... }
//		if err := events.Wait(deadline); err != nil { ... }
//	}
//
// Everything is held by file descriptors and nothing is pinned, so whatever
// ends the process detaches the programs and frees the maps.
//
// What to load and where to attach it comes from the object and the plan;
// nothing here knows of a language. Only this package and internal/inspect
// may import cilium/ebpf's link, ringbuf and perf packages. Kernels from 5.10
// on are supported; off Linux everything fails with an error.
package kernel
