// Package maps holds the map types of the user-space engine, one file a type,
// behind one interface. What they return, errno values included, is what the
// kernel's maps return for the same calls; one table of cases in the tests
// runs over both.
//
// Values lie in regions of a mem.Space, since programs get their addresses.
// Lookups take no lock. Changes take one, per map.
//
// It imports mem and facts.
package maps
