package opt

import "fmt"

// pass is one row of the table of passes.
type pass struct {
	name string
	run  func(*work)
}

// passes in the order in which they run.
var passes = []pass{
	{"cfg", simplifyCFG},
	{"promote", promote},
	{"params", dropParams},
	{"fold", fold},
	{"mid-cfg", simplifyCFG},
	{"loads", mergeLoads},
	{"cse", mergeValues},
	{"late-fold", fold},
	{"cells", mergeCells},
	{"late-loads", mergeLoads},
	{"known", knownConditions},
	{"stores", dropStores},
	{"strength", reduceStrength},
	{"dce", removeDead},
	{"late-cfg", simplifyCFG},
	{"late-params", dropParams},
	{"late-dce", removeDead},
}

// constraint says that one pass comes before another, and why.
type constraint struct {
	before, after string
	reason        string
}

// order is what must hold of the table of passes.
var order = []constraint{
	{"cfg", "promote", "unreachable stores and loads would keep a stack slot from promotion, or take part in it"},
	{"promote", "params", "promotion makes a parameter wherever paths meet; most of them turn out to be one value"},
	{"params", "fold", "a parameter that is one constant hides it from folding"},
	{"promote", "fold", "variables must be values before their constants can spread"},
	{"fold", "mid-cfg", "folding makes conditions constant"},
	{"mid-cfg", "loads", "loads are followed best through straight lines and without dead paths"},
	{"fold", "loads", "folding brings addresses to the form of base and offset"},
	{"loads", "cse", "what is computed from two loads can be merged when the loads are one"},
	{"loads", "late-fold", "forwarding shows constants, and leaves extensions that say nothing"},
	{"cse", "late-fold", "merged operands meet each other: x - x, x == x"},
	{"cse", "cells", "two cells hold the same when what they store is one value"},
	{"cells", "late-loads", "two lookups are the same when their key is one cell"},
	{"late-loads", "known", "an address that was looked up once has been compared with null already"},
	{"late-loads", "stores", "a store whose value was forwarded to all loads is not read any more"},
	{"stores", "dce", "cut zeroings have new addresses, and dropped stores leave their values"},
	{"known", "late-cfg", "known conditions become constants, whose branches can go"},
	{"cells", "dce", "merged cells leave constants behind"},
	{"late-fold", "strength", "strength reduction looks for constants on the right"},
	{"strength", "dce", "strength reduction leaves the old constants behind"},
	{"dce", "late-cfg", "a block is empty, and can be skipped, when nothing dead is left in it"},
	{"late-cfg", "late-params", "when paths disappear, parameters turn out to be one value"},
	{"late-params", "late-dce", "parameters and constants without a use are left behind"},
	{"promote", "dce", "promotion leaves stack slots that are no longer read"},
}

func indexOf(list []pass, name string) int {
	for i, p := range list {
		if p.name == name {
			return i
		}
	}
	return -1
}

// checkOrder reports the first constraint that the table of passes breaks, a
// name that is twice in it, and a constraint about a pass that is not.
func checkOrder(list []pass, constraints []constraint) error {
	for i, p := range list {
		if indexOf(list, p.name) != i {
			return fmt.Errorf("there are two passes %q", p.name)
		}
	}
	for _, c := range constraints {
		i, j := indexOf(list, c.before), indexOf(list, c.after)
		if i < 0 || j < 0 {
			return fmt.Errorf("the order of passes %q and %q is fixed, but not both are there", c.before, c.after)
		}
		if i >= j {
			return fmt.Errorf("pass %q must come before %q: %s", c.before, c.after, c.reason)
		}
	}
	return nil
}
