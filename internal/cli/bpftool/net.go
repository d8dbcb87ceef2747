package bpftool

func netCommands() []command {
	return []command{
		{"show", absent("net show", "programs at network devices")},
		{"list", absent("net list", "programs at network devices")},
		{"attach", absent("net attach", "programs at network devices")},
		{"detach", absent("net detach", "programs at network devices")},
	}
}
