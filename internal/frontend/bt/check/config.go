package check

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/skep-dev/skep/internal/frontend/bt/ast"
)

// Config holds the script's settings, by the names and with the defaults of
// bpftrace's documentation ("Config Variables").
type Config struct {
	CacheUserSymbols string
	CPPDemangle      bool
	LazySymbolation  bool
	License          string
	LogSize          int // bytes of verifier log
	MaxBPFProgs      int
	MaxCatBytes      int
	MaxMapKeys       int
	MaxProbes        int
	MaxStrlen        int // bytes of a string, without the final NUL
	MissingProbes    string
	OnStackLimit     int // bytes; larger values are kept in scratch memory
	PerfRBPages      int // pages of 4 KiB; 0 chooses
	PrintMapsOnExit  bool
	ShowDebugInfo    bool
	StackMode        string
	StrTruncTrailer  string
	UnstableTseries  string
	UnstableDwUstack string
}

func defaultConfig() Config {
	return Config{
		CacheUserSymbols: "PER_PID", CPPDemangle: true, License: "GPL", LogSize: 1000000,
		MaxBPFProgs: 1024, MaxCatBytes: 10240, MaxMapKeys: 4096, MaxProbes: 1024, MaxStrlen: 1024,
		MissingProbes: "error", OnStackLimit: 32, PrintMapsOnExit: true, StackMode: "bpftrace",
		StrTruncTrailer: "..", UnstableTseries: "warn", UnstableDwUstack: "warn",
	}
}

// setting is one configuration variable: where its value goes and what it may
// be.
type setting struct {
	name     string
	num      *int
	min, max int
	flag     *bool
	text     *string
	words    []string // what text may be; nil for anything
}

func (c *Config) settings() []setting {
	unstable := []string{"error", "warn", "enable"}
	return []setting{
		{name: "cache_user_symbols", text: &c.CacheUserSymbols, words: []string{"PER_PID", "PER_PROGRAM", "NONE"}},
		{name: "cpp_demangle", flag: &c.CPPDemangle},
		{name: "lazy_symbolication", flag: &c.LazySymbolation},
		{name: "license", text: &c.License, words: []string{"GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"}},
		{name: "log_size", num: &c.LogSize, min: 1, max: 1 << 30},
		{name: "max_bpf_progs", num: &c.MaxBPFProgs, min: 1, max: 1 << 20},
		{name: "max_cat_bytes", num: &c.MaxCatBytes, min: 1, max: 1 << 30},
		{name: "max_map_keys", num: &c.MaxMapKeys, min: 1, max: 1 << 31},
		{name: "max_probes", num: &c.MaxProbes, min: 1, max: 1 << 20},
		{name: "max_strlen", num: &c.MaxStrlen, min: 1, max: 1 << 16},
		{name: "missing_probes", text: &c.MissingProbes, words: []string{"error", "warn", "ignore"}},
		{name: "on_stack_limit", num: &c.OnStackLimit, min: 0, max: 256},
		{name: "perf_rb_pages", num: &c.PerfRBPages, min: 1, max: 1 << 20},
		{name: "print_maps_on_exit", flag: &c.PrintMapsOnExit},
		{name: "show_debug_info", flag: &c.ShowDebugInfo},
		{name: "stack_mode", text: &c.StackMode, words: []string{"bpftrace", "perf", "raw", "build_id"}},
		{name: "str_trunc_trailer", text: &c.StrTruncTrailer},
		{name: "unstable_tseries", text: &c.UnstableTseries, words: unstable},
		{name: "unstable_dw_ustack", text: &c.UnstableDwUstack, words: unstable},
	}
}

func (s *setting) set(value string) error {
	switch {
	case s.num != nil:
		n, err := strconv.ParseInt(strings.ReplaceAll(value, "_", ""), 0, 64)
		if err != nil || n < int64(s.min) || n > int64(s.max) {
			return fmt.Errorf("%s takes a number from %d to %d, not %q", s.name, s.min, s.max, value)
		}
		*s.num = int(n)
	case s.flag != nil:
		switch strings.ToLower(value) {
		case "1", "true":
			*s.flag = true
		case "0", "false":
			*s.flag = false
		default:
			return fmt.Errorf("%s takes true or false, not %q", s.name, value)
		}
	default:
		if s.words != nil && !slices.Contains(s.words, value) {
			return fmt.Errorf("%s takes one of %s, not %q", s.name, strings.Join(s.words, ", "), value)
		}
		*s.text = value
	}
	return nil
}

// config reads the config block, and then the environment, which wins.
func (c *checker) config(p *ast.Program) {
	c.prog.Config = defaultConfig()
	settings := c.prog.Config.settings()
	for _, a := range p.ConfigAssigns() {
		name := strings.TrimPrefix(strings.ToLower(a.Key.Text), "bpftrace_")
		i := slices.IndexFunc(settings, func(s setting) bool { return s.name == name })
		if i < 0 {
			names := make([]string, len(settings))
			for j, s := range settings {
				names[j] = s.name
			}
			c.all.Errorf("bt-config", a.Key.At, "unknown config variable %q", a.Key.Text).
				WithHint("variables are %s", strings.Join(names, ", "))
			continue
		}
		var value string
		switch v := a.Value.(type) {
		case *ast.IntLit:
			value = strconv.FormatUint(v.Value, 10)
		case *ast.StrLit:
			value = v.Value
		case *ast.BoolLit:
			value = strconv.FormatBool(v.Value)
		case *ast.Ident:
			value = v.Name
		}
		if err := settings[i].set(value); err != nil {
			c.all.Errorf("bt-config", a.Value.Span(), "%v", err)
		}
	}
	if c.env.Getenv == nil {
		return
	}
	for i := range settings {
		key := "BPFTRACE_" + strings.ToUpper(settings[i].name)
		if value := c.env.Getenv(key); value != "" {
			if err := settings[i].set(value); err != nil {
				c.all.Errorf("bt-config", p.Span(), "environment variable %s: %v", key, err)
			}
		}
	}
}
