#include "cli/doctor.h"
#include "base/time.h"
#include "capture/abilities.h"
#include "capture/crew.h"
#include "capture/pace.h"
#include "cli/cli.h"
#include "port/port.h"
#include "process/feed.h"

#include "weir_version.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#define MAX_LEFTOVERS 256

/* What each capability is for, in the order in which it is missed. */
static const struct {
	const char *name, *use;
} capabilities[] = {
	{ "net_admin", "divert: rules and verdicts" },
	{ "net_raw", "sniff: packet sockets" },
	{ "bpf", "filter and heartbeat in the kernel" },
	{ "perfmon", "naming processes: eBPF programs" },
	{ "sys_admin", "naming processes: attaching to the root of all cgroups" },
	{ "sys_ptrace", "naming processes of other users" },
	{ "dac_read_search",
	  "divert: what the kernel dropped; naming processes of other users" },
	{ "setuid", "becoming an unprivileged user" },
	{ "setgid", "becoming an unprivileged user" },
	{ "kill", "divert: ending a stuck recorder of that user" },
	{ "chown", "giving the store to that user" },
};

struct doctor {
	struct doctor_machine machine;
	struct port_clocks clocks;
	struct abilities abilities;
	struct ways ways;
	struct crew crew;
	struct port_user user;
	bool has_user;             /* a recorder started now would become `user` */
	struct weir_error no_ebpf; /* code WEIR_OK: attribution has its programs */
	struct nft_leftover leftovers[MAX_LEFTOVERS];
	size_t leftover_count;
	struct weir_error leftover_error; /* code WEIR_OK: they could be listed */
};

/* Loads and attaches the programs that tell whose packets are, for a moment. */
static void probe_feed(struct weir_error *no_ebpf)
{
	struct feed_config c = { .has_sockets = true, .has_processes = true };
	struct feed *f;

	no_ebpf->code = WEIR_OK;
	if (!feed_open(&f, &c, no_ebpf))
		feed_close(f);
}

static void examine(struct doctor *d)
{
	memset(d, 0, sizeof *d);
	doctor_look(&d->machine);
	port_clocks(&d->clocks);
	abilities_probe(&d->abilities);
	ways_choose(&d->ways, &d->abilities);
	crew_choose(&d->crew, pace_processors());
	probe_feed(&d->no_ebpf);
	d->has_user =
		d->machine.id.uid == 0 && (!port_user_find("weir", &d->user, NULL) ||
					   !port_user_find("nobody", &d->user, NULL));
	if (nft_list_leftovers(d->leftovers, MAX_LEFTOVERS, &d->leftover_count,
			       &d->leftover_error))
		d->leftover_count = 0;
	if (d->leftover_count > MAX_LEFTOVERS)
		d->leftover_count = MAX_LEFTOVERS;
}

static void print_ability(const char *name, const struct ability *a, const char *what)
{
	if (a->is_there)
		doctor_row(name, "yes: %s", what);
	else
		doctor_row(name, "no: %s", a->why_not);
}

static void print_machine(const struct doctor *d)
{
	char offset[32] = "";

	doctor_machine_rows(&d->machine);
	if (d->clocks.is_synchronised)
		(void)snprintf(offset, sizeof offset, ", within %.3f ms",
			       (double)d->clocks.max_error_ns / (double)NS_PER_MS);
	doctor_row("clock", "%s%s",
		   d->clocks.is_synchronised ? "synchronised" : "not synchronised",
		   offset);
	doctor_row("cgroup v2", "%s",
		   d->abilities.cgroup2[0] ? d->abilities.cgroup2 : "not mounted");
	doctor_row("weir", WEIR_VERSION ", %s",
		   d->abilities.is_static ? "static: needs no other file"
					  : "needs the system's libraries");
}

static void print_privileges(const struct doctor *d)
{
	(void)printf("\nthis process (uid %" PRIu32 ")\n", d->machine.id.uid);
	for (size_t i = 0; i < ARRAY_LEN(capabilities); i++)
		doctor_row(capabilities[i].name, "%-8s %s",
			   port_have_capability(capabilities[i].name) ? "held"
								      : "missing",
			   capabilities[i].use);
	if (d->has_user)
		doctor_row("a recorder", "becomes user '%s' once its sockets are open",
			   d->user.name);
	else
		doctor_row("a recorder", "stays user %" PRIu32, d->machine.id.uid);
}

static void print_abilities(const struct abilities *a)
{
	char flags[96];

	(void)printf("\nkernel\n");
	print_ability("packet socket", &a->packet_socket, "AF_PACKET");
	print_ability("packet ring", &a->packet_ring, "TPACKET_V3");
	print_ability("nf_tables", &a->tables, "tables of our own");
	if (a->tables.is_there) {
		doctor_row("queue rule", "%s",
			   a->nft.has_native_queue   ? "the queue expression"
			   : a->nft.has_compat_queue ? "the NFQUEUE target (no queue "
						       "expression)"
						     : "none");
		doctor_row("rule's bpf match", "%s", a->nft.has_bpf_match ? "yes" : "no");
		doctor_row("table owner", "%s", a->nft.has_owner ? "yes" : "no");
	}
	(void)snprintf(flags, sizeof flags, "flags%s%s%s%s", a->has_gso ? " gso" : "",
		       a->has_fail_open ? " fail-open" : "",
		       a->has_user_ids ? " uid-gid" : "",
		       a->has_conntrack ? " conntrack" : "");
	print_ability("NFQUEUE", &a->queue, flags);
	print_ability("bpf", &a->bpf, "socket filters can be loaded");
}

static void print_sniff(const struct crew *c)
{
	doctor_row("sniff", "read a TPACKET_V3 ring");
	doctor_row("its threads", "%s (%u to be used)", c->sniff, c->processors);
	doctor_row("when waiting", "%s", c->waiting);
	doctor_row("hash", "%s", c->hashing);
}

static void print_ways(const struct doctor *d)
{
	const struct ways *w = &d->ways;

	(void)printf("\nweir would\n");
	if (w->no_divert)
		doctor_row("divert", "not work: %s", w->no_divert);
	else
		doctor_row("divert", "take packets by %s",
			   w->queue == NFT_QUEUE_NATIVE
				   ? "nf_tables' queue expression"
				   : "the NFQUEUE target through nf_tables");
	if (!w->no_divert) {
		doctor_row("its threads", "%s", d->crew.divert);
		doctor_row("when waiting", "%s", pace_word(d->crew.processors));
		doctor_row("when stuck",
			   w->has_heartbeat
				   ? "let the rule itself pass packets (heartbeat)"
				   : "have the supervisor withdraw the rules");
		doctor_row("when killed", w->is_owned
						  ? "lose its table with its owner"
						  : "leave a table that passes packets");
	}
	if (w->no_sniff)
		doctor_row("sniff", "not work: %s", w->no_sniff);
	else
		print_sniff(&d->crew);
	doctor_row("whose packets", "%s",
		   d->no_ebpf.code
			   ? "look at sock_diag and /proc"
			   : "hear it from the kernel (eBPF), and name them by /proc");
	if (d->no_ebpf.code)
		doctor_row("", "%s", d->no_ebpf.text);
	doctor_row("filter",
		   w->filters_in_kernel ? "in the kernel (eBPF)" : "in its own process");
}

static const char *leftover_state(const struct nft_leftover *l)
{
	return l->is_unjudged ? "of another pid namespace: it can be judged there"
	       : l->is_alive  ? "in use"
	       : l->is_owned  ? "vanishes by itself"
			      : "dead: 'weir doctor --clean' removes it";
}

static void print_leftovers(const struct doctor *d)
{
	(void)printf("\ntables of weir\n");
	if (d->leftover_error.code)
		doctor_row("unknown", "%s", d->leftover_error.text);
	else if (!d->leftover_count)
		doctor_row("none", "%s", "");
	for (size_t i = 0; i < d->leftover_count; i++)
		doctor_row(d->leftovers[i].table, "process %" PRIu32 ", %s",
			   d->leftovers[i].pid, leftover_state(&d->leftovers[i]));
}

static json_t *json_leftovers(const struct doctor *d)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->leftover_count; i++) {
		const struct nft_leftover *l = &d->leftovers[i];

		(void)json_array_append_new(
			list,
			json_pack("{s:s, s:i, s:b, s:b, s:b}", "table", l->table, "pid",
				  (int)l->pid, "is_alive", l->is_alive, "is_unjudged",
				  l->is_unjudged, "is_owned", l->is_owned));
	}
	return list;
}

static json_t *json_kernel(const struct abilities *a)
{
	return json_pack(
		"{s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:s}",
		"packet_socket", a->packet_socket.is_there, "packet_ring",
		a->packet_ring.is_there, "nf_tables", a->tables.is_there, "table_owner",
		a->nft.has_owner, "native_queue", a->nft.has_native_queue, "compat_queue",
		a->nft.has_compat_queue, "bpf_match", a->nft.has_bpf_match, "nfqueue",
		a->queue.is_there, "nfqueue_gso", a->has_gso, "nfqueue_fail_open",
		a->has_fail_open, "nfqueue_uid_gid", a->has_user_ids, "nfqueue_conntrack",
		a->has_conntrack, "bpf", a->bpf.is_there, "cgroup2", a->cgroup2);
}

static json_t *json_crew(const struct crew *c)
{
	return json_pack("{s:i, s:b, s:s, s:s, s:s, s:s}", "processors",
			 (int)c->processors, "sniff_is_one", c->is_one_thread, "sniff",
			 c->sniff, "sniff_waiting", c->waiting, "hash", c->hashing,
			 "divert", c->divert);
}

static json_t *json_ways(const struct doctor *d)
{
	static const char *const queues[] = { "native", "compat", "none" };
	const struct ways *w = &d->ways;

	return json_pack("{s:b, s:b, s:s, s:s, s:b, s:s, s:s, s:o, s:s?}", "divert",
			 !w->no_divert, "sniff", !w->no_sniff, "queue", queues[w->queue],
			 "heartbeat", w->has_heartbeat ? "rule" : "supervisor",
			 "owned_table", w->is_owned, "filter",
			 w->filters_in_kernel ? "kernel" : "user", "waiting",
			 pace_word(d->crew.processors), "threads", json_crew(&d->crew),
			 "user", d->has_user ? d->user.name : NULL);
}

static json_t *json_attribution(const struct doctor *d)
{
	return json_pack("{s:b, s:s?, s:b}", "ebpf", !d->no_ebpf.code, "ebpf_why",
			 d->no_ebpf.code ? d->no_ebpf.text : NULL, "proc",
			 port_have_capability("sys_ptrace") &&
				 port_have_capability("dac_read_search"));
}

static int print_json(const struct doctor *d)
{
	json_t *held = json_object(), *all = doctor_machine_json(&d->machine);
	int rc;

	for (size_t i = 0; i < ARRAY_LEN(capabilities); i++)
		(void)json_object_set_new(
			held, capabilities[i].name,
			json_boolean(port_have_capability(capabilities[i].name)));
	rc = json_object_update_new(
		all,
		json_pack("{s:b, s:b, s:i, s:o, s:o, s:o, s:o, s:o}", "is_static",
			  d->abilities.is_static, "clock_synchronised",
			  d->clocks.is_synchronised, "uid", (int)d->machine.id.uid,
			  "capabilities", held, "abilities", json_kernel(&d->abilities),
			  "ways", json_ways(d), "attribution", json_attribution(d),
			  "tables", json_leftovers(d)));
	if (rc) {
		json_decref(all);
		all = NULL;
	}
	return doctor_print(all);
}

static int print_report(const struct doctor *d, bool is_json)
{
	int code = EXIT_DONE;

	if (is_json) {
		code = print_json(d);
	} else {
		print_machine(d);
		print_privileges(d);
		print_abilities(&d->abilities);
		print_ways(d);
		print_leftovers(d);
	}
	if (code)
		return code;
	return d->ways.no_divert || d->ways.no_sniff ? EXIT_NO : EXIT_DONE;
}

static void tell_clean(const struct nft_leftover *l, bool is_kept, bool is_json)
{
	const char *result = is_kept ? "kept" : "removed";

	if (is_json)
		(void)printf("{\"table\":\"%s\",\"pid\":%" PRIu32 ",\"result\":\"%s\"}\n",
			     l->table, l->pid, result);
	else
		(void)printf("%s table '%s' of process %" PRIu32 "%s%s\n", result,
			     l->table, l->pid, is_kept ? ": " : "",
			     is_kept ? leftover_state(l) : "");
}

/* It may hold traffic for ever: that nothing was done about it must not look like success. */
static int fail_unjudged(const struct nft_leftover *l)
{
	struct weir_error err;

	(void)err_set(&err, WEIR_ERR_UNSUPPORTED,
		      "cannot judge table '%s': process %" PRIu32
		      " is of another pid namespace: clean up there, or on the host",
		      l->table, l->pid);
	return cli_fail("doctor", &err);
}

/* Tables of dead instances, and nothing else. */
static int clean(const struct doctor *d, bool is_json)
{
	int code = EXIT_DONE;

	if (d->leftover_error.code)
		return cli_fail("doctor", &d->leftover_error);
	for (size_t i = 0; i < d->leftover_count; i++) {
		const struct nft_leftover *l = &d->leftovers[i];
		struct weir_error err;

		if (l->is_alive || l->is_owned) {
			tell_clean(l, true, is_json);
			if (l->is_unjudged && !l->is_owned)
				code = fail_unjudged(l);
		} else if (nft_remove_leftover(l, &err)) {
			code = cli_fail("doctor", &err);
		} else {
			tell_clean(l, false, is_json);
		}
	}
	if (!d->leftover_count && !is_json)
		(void)printf("nothing is left behind\n");
	return code;
}

int cmd_doctor(int argc, char **argv)
{
	bool want_help = false, is_json = false, want_clean = false;
	const struct option table[] = {
		{ "clean", 0, OPTION_FLAG, &want_clean, NULL,
		  "remove the tables of instances that are dead", 0, 0 },
		{ "json", 0, OPTION_FLAG, &is_json, NULL, "one JSON object a line", 0,
		  0 },
		OPTION_HELP(&want_help),
		OPTION_END,
	};
	struct weir_error err;
	struct doctor d;

	if (options_parse(table, &argc, argv, &err))
		return cli_fail("doctor", &err);
	if (want_help)
		return cli_help(command_find("doctor"), table);
	if (argc > 1) {
		(void)err_set(&err, WEIR_ERR_USAGE, "'%.60s' is one word too many",
			      argv[1]);
		return cli_fail("doctor", &err);
	}
	examine(&d);
	return want_clean ? clean(&d, is_json) : print_report(&d, is_json);
}
