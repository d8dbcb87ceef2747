package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/skep-dev/skep/internal/inspect/asmfile"
	"github.com/skep-dev/skep/internal/source"
)

func newBuildCmd(*streams) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "build FILE.s",
		Short: "Make an object file of assembly",
		Long: "Makes an object file of assembly in the dialect of the kernel's verifier, with\n" +
			"directives for sections, maps and data, as `skep inspect --view asm` writes it:\n\n" +
			"  .license \"GPL\"\n" +
			"  .map counts hash key 4 value 8 entries 1024\n" +
			"  .func count section \"tracepoint/sched/sched_switch\"\n" +
			"    r1 = map[counts]\n    ...\n    exit",
		Example: "  skep build hello.s -o hello.o\n  skep inspect --view asm hello.o > hello.s",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			ext := filepath.Ext(args[0])
			switch ext {
			case ".s", ".asm":
			case ".bt", ".c":
				return fmt.Errorf("%s: objects of %s files are not in this version yet; it takes assembly (.s)", args[0], ext)
			default:
				return usagef("%s: the name of a file of assembly ends in .s", args[0])
			}
			if out == "" {
				out = strings.TrimSuffix(args[0], ext) + ".o"
			}
			text, err := os.ReadFile(args[0])
			if err != nil {
				return err
			}
			object, err := asmfile.Assemble(source.NewFile(args[0], string(text)))
			if err != nil {
				return err
			}
			return os.WriteFile(out, object, 0o644)
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "the object file (FILE.o)")
	return cmd
}
