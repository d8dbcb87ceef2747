package helpers

import "strings"

// missing is why a helper has no body.
func missing(name string) string {
	for _, why := range reasons {
		for _, p := range why.names {
			if rest, prefix := strings.CutSuffix(p, "*"); name == p || prefix && strings.HasPrefix(name, rest) {
				return why.reason
			}
		}
	}
	return "not implemented yet"
}

// reasons give names, or beginnings of names with a star.
var reasons = [...]struct {
	reason string
	names  []string
}{
	{"there is no routing table to ask", []string{"fib_lookup", "get_route_realm", "redirect_neigh", "redirect_peer"}},
	{"there are no sockets to look up", []string{"sk_lookup_*", "skc_lookup_*", "sk_release", "sk_assign", "sock_*", "tcp_*", "skc_to_*", "sk_fullsock", "get_listener_sock"}},
	{"there is no hardware to read", []string{"perf_event_read*", "read_branch_records", "rc_*"}},
	{"it would change other processes", []string{"probe_write_user", "override_return", "send_signal*"}},
	{"tunnels and encapsulation are not simulated", []string{"skb_*tunnel*", "skb_get_tunnel_*", "skb_set_tunnel_*", "lwt_*", "skb_get_xfrm_state"}},
	{"there is no tree of cgroups", []string{"*cgroup*", "skb_under_cgroup", "current_task_under_cgroup", "get_current_ancestor_cgroup_id"}},
	{"it belongs to LSM and its file system", []string{"ima_*", "inode_storage_*", "d_path", "bprm_opts_set"}},
}
