package archtest

// rule says what a package of this module may import of this module. A name
// that ends in "/..." stands for the package and all below it, in Package as
// in Imports. The first rule that names a package holds.
type rule struct {
	Package string
	Imports []string
	Why     string
}

// rules is the import law. Left to right along the line of ARCHITECTURE.md:
//
//	source -> front end -> IR -> passes -> BPF -> object -> link -> verify -> target -> events, maps -> render
//
// A package that has no rule fails the test: write down what it is for.
var rules = []rule{
	// leaves
	{"internal/source", nil, "files and spans are below everything"},
	{"internal/facts", nil, "tables of facts depend on nothing"},
	{"internal/absval", nil, "number domains depend on nothing"},
	{"internal/sys", nil, "raw system calls know nothing of skep"},
	{"internal/plan", nil, "the plan is data that both sides read"},
	{"internal/target", nil, "what a target offers is said without naming one"},
	{"internal/tracepipe", []string{"kernel", "internal/plan", "internal/sys"}, "lines of the pipe are text; the tap beside it is a program like any other"},
	{"internal/verifierlog", []string{"internal/diag", "internal/source"}, "the kernel's log becomes a diagnostic, whoever loaded the program"},
	{"internal/symbols/...", []string{"internal/symbols/..."}, "symbols come from files, not from programs"},
	{"internal/diag", []string{"internal/source"}, "a diagnostic needs places only"},
	{"internal/ctypes", []string{"internal/facts"}, "types are below every front end"},
	{"internal/ctypes/cdecl", []string{"internal/ctypes", "internal/diag", "internal/source"}, "C declarations make types"},
	{"internal/tracefs", []string{"internal/ctypes/...", "internal/sys"}, "tracefs describes records as types"},
	{"internal/features", []string{"internal/sys"}, "facts of the kernel come from system calls"},
	{"internal/isa/...", []string{"internal/facts", "internal/source", "internal/diag", "internal/isa/..."}, "the assembler knows opcodes and nothing above them"},

	// compiler
	{"internal/ir/...", []string{"internal/source", "internal/diag", "internal/ctypes/...", "internal/plan", "internal/absval", "internal/ir/..."}, "the IR knows no front end and no machine"},
	{"internal/frontend/bt/bttest", append([]string{"internal/frontend/bt/...", "internal/catalog", "internal/tracefs"}, belowIR...), "a made-up machine for the tests of the front end"},
	{"internal/frontend/bt/...", append([]string{"internal/frontend/bt/..."}, belowIR...), "a front end ends at the IR, and never sees the other one"},
	{"internal/frontend/cc/...", append([]string{"internal/frontend/cc/..."}, belowIR...), "a front end ends at the IR, and never sees the other one"},
	{"internal/opt/...", []string{"internal/ir/...", "internal/absval", "internal/ctypes/...", "internal/opt/...", "internal/source", "internal/diag"}, "passes know neither front ends nor the code generator"},
	{"internal/codegen/...", []string{"internal/ir/...", "internal/isa/...", "internal/facts", "internal/ctypes/...", "internal/plan", "internal/source", "internal/diag", "internal/absval", "internal/codegen/..."}, "code is made from IR; the verifier that judges it stays apart"},
	{"internal/object", []string{"internal/isa/...", "internal/ctypes/...", "internal/plan", "internal/source", "internal/facts", "internal/diag"}, "the object is bytes that everything after it reads"},
	{"internal/linker", []string{"internal/isa/...", "internal/ctypes/...", "internal/object", "internal/facts"}, "linking makes runnable programs of an object"},
	{"internal/catalog", []string{"internal/ctypes/...", "internal/plan", "internal/tracefs", "internal/facts", "internal/features", "internal/sys", "internal/frontend/bt/ast", "internal/frontend/bt/probe"}, "the catalog lists the probes that a machine has, as the language names them"},

	// verifier and engine
	{"internal/verify/...", []string{"internal/facts", "internal/isa/...", "internal/absval", "internal/ctypes/...", "internal/diag", "internal/source", "internal/verify/..."}, "the verifier judges bytecode and knows nothing of the compiler"},
	{"internal/vm/hooks/...", []string{"internal/plan", "internal/vm/hooks/..."}, "a hook calls a function and knows no program"},
	{"internal/vm/jit/...", []string{"internal/vm/ops", "internal/vm/mem", "internal/verify", "internal/facts", "internal/isa/...", "internal/vm/jit/..."}, "machine code is made from proofs, and never interprets"},
	{"internal/vm/...", []string{"internal/vm/...", "internal/isa/...", "internal/facts", "internal/ctypes/...", "internal/verify", "internal/diag", "internal/source"}, "the engine runs bytecode and knows no front end"},

	// user side
	{"internal/render/...", []string{"internal/plan", "internal/symbols/...", "internal/render/..."}, "what is shown comes from the plan and values"},
	{"internal/tracer/...", []string{"internal/plan", "internal/target", "internal/render/...", "internal/symbols/...", "internal/tracer/...", "internal/sys", "internal/diag", "internal/source"}, "the tracer knows no target, only what one offers"},
	{"internal/inspect/...", []string{"internal/sys", "internal/isa/...", "internal/ctypes/...", "internal/facts", "internal/object", "internal/source", "internal/diag", "internal/inspect/..."}, "listings are data"},

	// public packages
	{"kernel", []string{"internal/features", "internal/plan", "internal/sys", "internal/target"}, "the kernel target takes objects and plans, whoever made them"},
	{"verifier", []string{"internal/verify/...", "internal/diag", "internal/source", "internal/isa/..."}, "the public face of the verifier"},
	{"vm", []string{"internal/vm/...", "internal/facts", "internal/verify/...", "internal/linker", "internal/object", "internal/isa/...", "internal/plan", "internal/target"}, "the public face of the engine"},
	{"metrics", []string{"internal/plan", "internal/render/...", "internal/target"}, "the exporter is one more sink"},
	{"", []string{
		"internal/catalog", "internal/codegen/...", "internal/ctypes/...", "internal/diag", "internal/facts", "internal/features",
		"internal/frontend/...", "internal/ir/...", "internal/isa/...", "internal/object", "internal/opt/...", "internal/plan",
		"internal/render/...", "internal/source", "internal/target", "internal/tracefs",
	}, "the root wires the compiler and imports no target: who only compiles links no JIT and no system calls"},

	// programs
	{"internal/cli/...", []string{"/..."}, "commands may use everything"},
	{"cmd/...", []string{"internal/cli"}, "main calls cli.Run and nothing else"},
	{"tools/...", []string{"internal/facts", "internal/isa/...", "internal/ctypes/..."}, "generators run before the rest compiles"},
	{"examples/...", []string{"", "kernel", "verifier", "vm", "metrics"}, "examples use what everybody can use"},
	{"internal/testkit/...", []string{"/..."}, "tests may use everything"},
	{"internal/archtest", nil, "the judge depends on nobody"},
}

// belowIR is what a front end may import besides itself.
var belowIR = []string{
	"internal/source", "internal/diag", "internal/facts", "internal/ctypes/...", "internal/plan", "internal/ir", "internal/absval",
	"internal/isa/...",
}

// foreign says who may import which package of other modules (and, for
// unsafe, of the standard library). Tests may import what they like.
var foreign = []rule{
	{"unsafe", []string{"internal/sys", "internal/ctypes", "internal/vm/mem", "internal/vm/jit/...", "internal/testkit/...", "kernel"}, "pointers that Go doesn't check stay in few places"},
	{"reflect", []string{"vm"}, "what has types is written with types; vm takes keys and values of any type, as cilium/ebpf does"},
	{"golang.org/x/sys/...", []string{"internal/sys", "internal/testkit/..."}, "raw system calls live in internal/sys"},
	{"golang.org/x/arch/...", []string{"internal/inspect/...", "internal/vm/jit/..."}, "native code is disassembled for dumps only"},
	{"github.com/cilium/ebpf/link", []string{"kernel", "internal/inspect/..."}, "links belong to the kernel target"},
	{"github.com/cilium/ebpf/ringbuf", []string{"kernel", "internal/inspect/..."}, "ring buffers belong to the kernel target"},
	{"github.com/cilium/ebpf/perf", []string{"kernel", "internal/inspect/..."}, "perf buffers belong to the kernel target"},
	{"github.com/cilium/ebpf/...", []string{
		"", "internal/ctypes/...", "internal/features", "internal/inspect/...", "internal/isa/...", "internal/linker", "internal/object",
		"internal/target", "internal/testkit/...", "internal/tracepipe", "internal/cli/...", "kernel", "verifier", "vm", "metrics", "tools/...", "examples/...",
	}, "cilium/ebpf is the currency at the edges, not within the compiler"},
	{"github.com/spf13/...", []string{"internal/cli/..."}, "flags and arguments end at the command line"},
	{"github.com/prometheus/...", []string{"metrics"}, "the exporter alone links the client library"},
	{"github.com/go-quicktest/...", []string{"internal/testkit/..."}, "assertions are for tests"},
	{"github.com/google/go-cmp/...", []string{"internal/testkit/..."}, "comparisons of this kind are for tests"},
	{"github.com/rogpeppe/go-internal/...", []string{"internal/testkit/..."}, "scripts and archives are for tests"},
}
