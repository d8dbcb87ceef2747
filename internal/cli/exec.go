package cli

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/skep-dev/skep/internal/isa"
	"github.com/skep-dev/skep/internal/source"
	"github.com/skep-dev/skep/vm"
)

// execOptions are the flags of skep exec.
type execOptions struct {
	mem    string
	engine string
	suite  string
	plugin bool
	verify bool
	limit  int
}

func newExecCmd(std *streams) *cobra.Command {
	var o execOptions
	cmd := &cobra.Command{
		Use:   "exec {HEX | FILE.s | -}",
		Short: "Run bare bytecode in the user-space engine",
		Long: "Runs a program given as hexadecimal bytecode or as assembly, on the command line, in a file\n" +
			"or on standard input, with the address of a block of memory in r1 and its length in r2, and\n" +
			"prints r0 in hexadecimal. The program is not verified; it can't leave its memory.",
		Example: "  skep exec b7000000070000009500000000000000\n  skep exec --mem 0102 prog.s\n  skep exec --suite cases.jsonl",
		Args:    cobra.MaximumNArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return o.run(std, args) },
	}
	f := cmd.Flags()
	f.StringVar(&o.mem, "mem", "", "the `bytes` of the memory, in hexadecimal")
	f.StringVar(&o.engine, "engine", "interp", "what runs the program: interp")
	f.StringVar(&o.suite, "suite", "", "run the cases of a JSON lines `file` (name, mem, insns, r0)")
	f.BoolVar(&o.plugin, "plugin", false, "speak the protocol of bpf_conformance plugins: program on stdin, memory as argument")
	f.IntVar(&o.limit, "limit", 0, "stop the program after this `number` of instructions (default 2^30)")
	f.BoolVar(&o.verify, "verify", false, "verify the program first")
	return cmd
}

func (o *execOptions) run(std *streams, args []string) error {
	switch o.engine {
	case "interp":
	case "jit", "checked-jit":
		return fmt.Errorf("the engine %s doesn't exist yet: use --engine interp", o.engine)
	default:
		return usagef("unknown engine %q: there is interp", o.engine)
	}
	if o.verify {
		return fmt.Errorf("there is no verifier for bare programs yet: leave --verify out")
	}
	switch {
	case o.suite != "" && (o.plugin || len(args) > 0):
		return usagef("--suite takes no program")
	case o.suite != "":
		return runSuite(std.out, o.suite, o.limit)
	case o.plugin:
		if len(args) == 1 {
			o.mem = args[0]
		}
		args = []string{"-"}
	case len(args) == 0:
		return usagef("no program: give hexadecimal bytecode, a file, or -")
	}
	code, err := readCode(std.in, args[0])
	if err != nil {
		return err
	}
	mem, err := parseHex(o.mem)
	if err != nil {
		return usagef("--mem: %w", err)
	}
	m, err := vm.NewMachine(vm.MachineOptions{CPUs: 1, Limit: o.limit})
	if err != nil {
		return err
	}
	r0, err := execute(m, "", code, mem)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.out, "%x\n", r0)
	return err
}

func execute(m *vm.Machine, name string, code, mem []byte) (uint64, error) {
	p, err := m.NewBare(name, code)
	if err != nil {
		return 0, err
	}
	return p.Run(mem)
}

// readCode gets a program: hexadecimal bytecode, `-` for standard input, or a
// file, either of which holds hexadecimal bytecode or assembly.
func readCode(in io.Reader, arg string) ([]byte, error) {
	if arg != "-" && !strings.HasSuffix(arg, ".s") {
		if code, err := parseHex(arg); err == nil {
			return code, nil
		}
	}
	var text []byte
	var err error
	name := arg
	if arg == "-" {
		name = "<stdin>"
		text, err = io.ReadAll(in)
	} else {
		text, err = os.ReadFile(arg)
	}
	if err != nil {
		return nil, fmt.Errorf("a program is hexadecimal bytecode, a file or -: %w", err)
	}
	if code, err := parseHex(string(text)); err == nil {
		return code, nil
	}
	insns, err := isa.Assemble(source.NewFile(name, string(text)))
	if err != nil {
		return nil, err
	}
	return isa.Encode(nil, insns, binary.LittleEndian)
}

// parseHex reads bytes in hexadecimal with any white space between them.
func parseHex(text string) ([]byte, error) {
	text = strings.Join(strings.Fields(text), "")
	return hex.DecodeString(strings.TrimPrefix(text, "0x"))
}

// suiteCase is a line of a suite.
type suiteCase struct {
	Name  string `json:"name"`
	Mem   string `json:"mem"`
	Insns string `json:"insns"`
	R0    string `json:"r0"`
}

// runSuite runs a file of cases. It prints a line for each one that fails and
// ends with the numbers.
func runSuite(w io.Writer, name string, limit int) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	m, err := vm.NewMachine(vm.MachineOptions{CPUs: 1, Limit: limit})
	if err != nil {
		return err
	}
	passed, failed := 0, 0
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for n := 1; lines.Scan(); n++ {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		var c suiteCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return fmt.Errorf("%s:%d: %w", name, n, err)
		}
		if err := c.run(m); err != nil {
			failed++
			if _, err := fmt.Fprintf(w, "%s: %v\n", c.Name, err); err != nil {
				return err
			}
			continue
		}
		passed++
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if _, err := fmt.Fprintf(w, "%d passed, %d failed\n", passed, failed); err != nil {
		return err
	}
	if failed > 0 {
		return exitStatus(statusFailed)
	}
	return nil
}

func (c *suiteCase) run(m *vm.Machine) error {
	code, err := parseHex(c.Insns)
	if err != nil {
		return fmt.Errorf("insns: %w", err)
	}
	mem, err := parseHex(c.Mem)
	if err != nil {
		return fmt.Errorf("mem: %w", err)
	}
	want, err := strconv.ParseUint(strings.TrimPrefix(c.R0, "0x"), 16, 64)
	if err != nil {
		return fmt.Errorf("r0: %w", err)
	}
	got, err := execute(m, c.Name, code, mem)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("r0 is %x, not %x", got, want)
	}
	return nil
}
