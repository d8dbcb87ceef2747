package parse

// kind is the kind of a token.
type kind uint8

const (
	tEOF kind = iota
	tFailed
	tIllegal
	tIdent
	tVar        // $name
	tMap        // @ or @name
	tParam      // $1
	tParamCount // $#
	tInt
	tString
	tOpenString // a string without its closing quote

	tLBrace
	tRBrace
	tLParen
	tRParen
	tLBracket
	tRBracket
	tSemi
	tComma
	tColon
	tQuestion
	tDot
	tDotDot
	tArrow
	tHash

	tAssign
	tShlAssign
	tShrAssign
	tAddAssign
	tSubAssign
	tMulAssign
	tDivAssign
	tModAssign
	tAndAssign
	tOrAssign
	tXorAssign

	tInc
	tDec
	tNot
	tTilde
	tOrOr
	tAndAnd
	tOr
	tXor
	tAnd
	tEq
	tNe
	tLt
	tGt
	tLe
	tGe
	tShl
	tShr
	tPlus
	tMinus
	tStar
	tSlash
	tPercent
	numKinds
)

// spelling gives the text of each token that has only one.
var spelling = [numKinds]string{
	tLBrace: "{", tRBrace: "}", tLParen: "(", tRParen: ")", tLBracket: "[", tRBracket: "]",
	tSemi: ";", tComma: ",", tColon: ":", tQuestion: "?", tDot: ".", tDotDot: "..", tArrow: "->", tHash: "#",
	tAssign: "=", tShlAssign: "<<=", tShrAssign: ">>=", tAddAssign: "+=", tSubAssign: "-=", tMulAssign: "*=",
	tDivAssign: "/=", tModAssign: "%=", tAndAssign: "&=", tOrAssign: "|=", tXorAssign: "^=",
	tInc: "++", tDec: "--", tNot: "!", tTilde: "~", tOrOr: "||", tAndAnd: "&&", tOr: "|", tXor: "^", tAnd: "&",
	tEq: "==", tNe: "!=", tLt: "<", tGt: ">", tLe: "<=", tGe: ">=", tShl: "<<", tShr: ">>",
	tPlus: "+", tMinus: "-", tStar: "*", tSlash: "/", tPercent: "%",
}

// token is one token; [start, end) is its place in the source.
type token struct {
	kind       kind
	start, end int
}

// isKeyword reports whether a name is reserved where an expression is
// expected. Fields, macros and configuration keys may bear these names.
func isKeyword(name string) bool {
	switch name {
	case "break", "continue", "else", "for", "if", "import", "let", "return", "unroll", "while",
		"sizeof", "offsetof", "typeof", "typeinfo", "comptime", "true", "false", "struct", "union", "enum":
		return true
	}
	return false
}

// isTypeName reports whether a name always is a type.
func isTypeName(name string) bool {
	switch name {
	case "bool", "void", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
		"string", "buffer", "inet", "timestamp", "macaddr_t", "username_t", "cgroup_path_t",
		"min_t", "max_t", "sum_t", "avg_t", "stats_t", "count_t",
		"umin_t", "umax_t", "usum_t", "uavg_t", "ustats_t":
		return true
	}
	return false
}

// isBuiltin reports whether a name is a builtin of the language itself, which
// can be neither a type nor the name of a macro's parameter or of a record's
// first field.
func isBuiltin(name string) bool {
	switch name {
	case "args", "ctx", "kstack", "nsecs", "pid", "tid", "ustack",
		"__builtin_comm", "__builtin_cpid", "__builtin_cpu", "__builtin_dw_ustack", "__builtin_elapsed",
		"__builtin_func", "__builtin_ncpus", "__builtin_probe", "__builtin_retval", "__builtin_usermode":
		return true
	}
	return isNumbered(name, "arg") || isNumbered(name, "sarg")
}

// isNumbered reports whether name is prefix and at least one digit.
func isNumbered(name, prefix string) bool {
	if len(name) <= len(prefix) || name[:len(prefix)] != prefix {
		return false
	}
	for _, c := range []byte(name[len(prefix):]) {
		if !isDigit(c) {
			return false
		}
	}
	return true
}

// isValueName reports whether a bare name is known to be a value, so that
// `(name) - 1` is a subtraction and not a cast of -1. It holds the builtins
// and the names that the standard library defines as values.
func isValueName(name string) bool {
	switch name {
	case "cgroup", "comm", "cpid", "cpu", "curtask", "elapsed", "func", "gid", "jiffies", "ncpus", "numaid",
		"pcomm", "ppid", "probe", "rand", "retval", "uid", "usermode", "username":
		return true
	}
	return isBuiltin(name)
}
