/* What this kernel's nf_tables can do: each question is a transaction that the kernel checks whole
 * and then takes back, because its end is missing; its chain has no hook, so no packet is near. */
#include "base/mem.h"
#include "capture/nft_rule.h"
#include "port/bpf.h"
#include "port/port.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/netlink.h>
#include <unistd.h>

struct probe {
	int fd, program_fd;
	uint8_t bytes[4096];
};

/* Whether the kernel would take it. */
static bool would_take(struct probe *p, const struct nft_rules *rules, bool has_rule)
{
	struct nl_builder b;

	nl_build(&b, p->bytes, sizeof p->bytes, 0);
	nft_batch(&b);
	nft_put_table(&b, rules, rules->has_comment ? "weir probe" : NULL);
	if (has_rule) {
		nft_put_chain(&b, rules, NFT_CHAIN_UNHOOKED);
		nft_put_rule(&b, rules, NFT_CHAIN_UNHOOKED);
	}
	return !nl_transact(p->fd, &b, NULL, NULL, NULL, NULL);
}

static struct nft_rules nothing(void)
{
	struct nft_rules r = { .way = NFT_QUEUE_NONE,
			       .queue_count = 1,
			       .program_fd = -1,
			       .output_program_fd = -1 };

	(void)snprintf(r.table, sizeof r.table, "weir_probe_%d", (int)getpid());
	return r;
}

static void ask(struct probe *p, struct nft_abilities *a)
{
	struct nft_rules r = nothing();

	a->has_tables = would_take(p, &r, false);
	r.is_owned = true;
	a->has_owner = would_take(p, &r, false);
	r = nothing();
	r.has_comment = true;
	a->has_comment = would_take(p, &r, false);
	r = nothing();
	r.has_counter = true;
	a->has_counter = would_take(p, &r, true);
	r = nothing();
	r.way = NFT_QUEUE_NATIVE;
	a->has_native_queue = would_take(p, &r, true);
	r.way = NFT_QUEUE_COMPAT;
	a->has_compat_queue = would_take(p, &r, true);
	r = nothing();
	r.program_fd = p->program_fd;
	a->has_bpf_match = p->program_fd >= 0 && would_take(p, &r, true);
}

/* Matches nothing. */
static int load_program(void)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	const struct port_bpf_program spec = { .type = BPF_PROG_TYPE_SOCKET_FILTER,
					       .insns = insns,
					       .count = ARRAY_LEN(insns),
					       .name = "weir_probe" };

	return port_bpf_program_load(&spec, NULL);
}

int nft_probe(struct nft_abilities *abilities, struct weir_error *err)
{
	struct probe *p;
	int rc;

	memset(abilities, 0, sizeof *abilities);
	if (!port_have_capability("net_admin"))
		return err_set(
			err, WEIR_ERR_PRIVILEGE,
			"cannot ask nf_tables: capability CAP_NET_ADMIN is missing");
	p = mem_new(1, sizeof *p);
	if (!p)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a probe");
	rc = nl_open(NETLINK_NETFILTER, &p->fd, err);
	if (!rc) {
		p->program_fd = load_program();
		ask(p, abilities);
		if (p->program_fd >= 0)
			(void)close(p->program_fd);
		(void)close(p->fd);
	}
	mem_free(p);
	return rc;
}
