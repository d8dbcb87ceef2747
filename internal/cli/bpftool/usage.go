package bpftool

// The grammar of each object, for help and for requests that it does not
// allow. MAP, PROG and so on are explained at the end of each.
const (
	selectProg = "  PROG     id ID | pinned PATH | tag TAG | name NAME\n"
	selectMap  = "  MAP      id ID | pinned PATH | name NAME\n"
	optionText = "  OPTIONS  -j --json, -p --pretty, -f --bpffs (show where objects are pinned), -n --nomount,\n" +
		"           -d --debug, -m --mapcompat, -l --legacy, -L --use-loader, -B --base-btf FILE\n"

	toolUsage = "Usage: skep OBJECT [COMMAND ...] [OPTIONS]\n" +
		"  OBJECT   prog | map | link | cgroup | perf | net | feature | btf | gen | struct_ops | iter | token\n" +
		"           batch file FILE | version | help\n" + optionText +
		"Every word may be cut short as long as it stays clear.\n"

	progUsage = "Usage: skep prog COMMAND\n" +
		"  show | list [PROG]\n" +
		"  dump xlated PROG [file FILE | [opcodes] [linum] [visual]]\n" +
		"  dump jited PROG [file FILE | [opcodes] [linum]]\n" +
		"  pin PROG PATH\n" +
		"  load | loadall OBJ PATH [type TYPE] [map {idx N | name NAME} MAP] [pinmaps DIR] [autoattach]\n" +
		"  attach | detach PROG ATTACH_TYPE [MAP]\n" +
		"  run PROG [data_in FILE [data_out FILE [data_size_out N]]]\n" +
		"      [ctx_in FILE [ctx_out FILE [ctx_size_out N]]] [repeat N]\n" +
		"  tracelog\n" + selectProg + selectMap +
		"  ATTACH_TYPE  sk_msg_verdict | sk_skb_verdict | sk_skb_stream_verdict | sk_skb_stream_parser | flow_dissector\n" + optionText

	mapUsage = "Usage: skep map COMMAND\n" +
		"  show | list [MAP]\n" +
		"  create PATH type TYPE key BYTES value BYTES entries N name NAME [flags FLAGS] [inner_map MAP] [dev NAME]\n" +
		"  dump MAP\n" +
		"  update MAP [key DATA] [value VALUE] [any | exist | noexist]\n" +
		"  lookup | getnext MAP [key DATA]\n" +
		"  delete MAP key DATA\n" +
		"  pin MAP PATH\n" +
		"  peek | pop | dequeue MAP\n" +
		"  push | enqueue MAP value VALUE\n" +
		"  freeze MAP\n" + selectMap + selectProg +
		"  DATA     [hex] BYTE...\n  VALUE    DATA | MAP | PROG\n" + optionText

	linkUsage = "Usage: skep link COMMAND\n" +
		"  show | list [LINK]\n  pin LINK PATH\n  detach LINK\n" +
		"  LINK     id ID | pinned PATH\n" + optionText

	btfUsage = "Usage: skep btf COMMAND\n" +
		"  show | list [id ID]\n" +
		"  dump SOURCE [format raw | format c] [root_id ID]...\n" +
		"  SOURCE   id ID | prog PROG | map MAP [key | value | kv | all] | file FILE\n" + selectProg + selectMap + optionText

	featureUsage = "Usage: skep feature COMMAND\n" +
		"  probe [kernel] [full] [unprivileged]\n" +
		"  list_builtins prog_types | map_types | attach_types | link_types | helpers | commands\n" + optionText

	cgroupUsage = "Usage: skep cgroup COMMAND\n" +
		"  show | list CGROUP [effective]\n  tree [CGROUP] [effective]\n" +
		"  attach CGROUP ATTACH_TYPE PROG [multi | override]\n  detach CGROUP ATTACH_TYPE PROG\n" +
		selectProg + "  ATTACH_TYPE  as `skep feature list_builtins attach_types` lists them\n" + optionText

	netUsage = "Usage: skep net show [dev NAME]\n" + optionText

	perfUsage = "Usage: skep perf show | list\n" + optionText
)
