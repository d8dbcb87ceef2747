package ast

import "github.com/skep-dev/skep/internal/source"

// CDefKind tells the forms of C text apart.
type CDefKind uint8

// The forms of C text.
const (
	CPreproc CDefKind = iota // one "#..." line
	CStruct                  // struct NAME { ... }
	CUnion                   // union NAME { ... }
	CEnum                    // enum NAME { ... }
)

// CDef is a piece of C text before the probes: a preprocessor line, or the
// definition of a struct, union or enum with its attributes.
type CDef struct {
	Place
	Kind CDefKind
	Name string // the type's tag; the directive ("include") of a preprocessor line
	Text string // the text as written, without a final semicolon
}

// Config is the block `config = { key = value; ... }`.
type Config struct {
	Place
	Assigns []*ConfigAssign
}

// ConfigAssign sets one configuration variable. The value is an IntLit,
// StrLit, BoolLit or, for a bare word, an Ident.
type ConfigAssign struct {
	Place
	Key   Name
	Value Expr
}

// Import is `import "path";`, at the top level or as a statement.
type Import struct {
	Place
	Path *StrLit
}

// Macro is `macro name(params) { ... }`. A parameter is a *Var (takes a
// variable), a *MapRef without keys (takes a map) or an *Ident (takes any
// expression or type). The body's Value is the macro's value.
type Macro struct {
	Place
	Name   Name
	Params []Expr
	Body   *Block
}

// Subprog is `fn name($a: type, ...): type { ... }`.
type Subprog struct {
	Place
	Name   Name
	Params []*SubprogParam
	Result TypeExpr
	Body   *Block
}

// SubprogParam is one parameter of a Subprog.
type SubprogParam struct {
	Place
	Var  *Var
	Type TypeExpr
}

// MapDecl is `let @name = kind(entries);`.
type MapDecl struct {
	Place
	Map        *MapRef // without keys
	Kind       Name    // the map type: hash, lruhash, percpuhash, ...
	MaxEntries *IntLit
}

// Probe is a list of attach points with an optional predicate and a body.
// The body's statements have no value.
type Probe struct {
	Place
	AttachPoints []*AttachPoint
	Pred         Expr // nil when there is none
	Body         *Block
}

// AttachPoint is one place to attach to, such as `kprobe:vfs_read+0x10`.
type AttachPoint struct {
	Place
	Label string // the name in `name=kprobe:f`, or ""
	// Raw is the text as written, with quotes and positional parameters.
	Raw string
	// Provider is the full lower-case name of the probe type ("kprobe" for
	// "k"; see CanonicalProvider), or the text as written when it is no
	// known one or holds a wildcard.
	Provider     string
	ProviderSpan source.Span
	// Args are the parts after the provider: separated by colons, with
	// quotes and escapes removed and positional parameters replaced.
	// Wildcards are kept. A source location `target@file:line` gives the
	// parts "target", "@", "file", "line".
	Args     []string
	ArgSpans []source.Span // where each of Args is written
}

func (*CDef) declNode()    {}
func (*Config) declNode()  {}
func (*Import) declNode()  {}
func (*Macro) declNode()   {}
func (*Subprog) declNode() {}
func (*MapDecl) declNode() {}
func (*Probe) declNode()   {}
