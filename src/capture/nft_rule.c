#include "capture/nft_rule.h"

#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/xt_bpf.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <linux/netlink.h>

/* Of a table's user data, as nft(8) reads it. */
#define USERDATA_COMMENT 0

static const struct {
	const char *name;
	int hook;
} chains[] = {
	[NFT_CHAIN_INPUT] = { "input", NF_INET_LOCAL_IN },
	[NFT_CHAIN_OUTPUT] = { "output", NF_INET_LOCAL_OUT },
	[NFT_CHAIN_FORWARD] = { "forward", NF_INET_FORWARD },
	[NFT_CHAIN_TAKE_INPUT] = { "take_input", -1 },
	[NFT_CHAIN_TAKE_OUTPUT] = { "take_output", -1 },
	[NFT_CHAIN_TAKE_FORWARD] = { "take_forward", -1 },
	[NFT_CHAIN_UNHOOKED] = { "unhooked", -1 },
};

uint16_t nft_type(int message)
{
	return (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | message);
}

static void begin(struct nl_builder *b, uint16_t type, uint16_t flags, uint8_t family,
		  uint16_t resource)
{
	struct nfgenmsg g = { .nfgen_family = family, .version = NFNETLINK_V0 };

	put_u16be((uint8_t *)&g.res_id, resource);
	nl_begin(b, type, flags);
	nl_raw(b, &g, sizeof g);
}

void nft_begin(struct nl_builder *b, int message, uint16_t flags)
{
	begin(b, nft_type(message), flags, NFPROTO_INET, 0);
}

void nft_batch(struct nl_builder *b)
{
	begin(b, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	nl_end(b);
}

void nft_batch_end(struct nl_builder *b)
{
	begin(b, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	nl_end(b);
}

void nft_put_table(struct nl_builder *b, const struct nft_rules *r, const char *comment)
{
	uint8_t data[NFT_USERDATA_MAXLEN];
	size_t n = comment ? strlen(comment) + 1 : 0;

	nft_begin(b, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK);
	nl_put_text(b, NFTA_TABLE_NAME, r->table);
	nl_put_u32be(b, NFTA_TABLE_FLAGS, r->is_owned ? NFT_TABLE_F_OWNER : 0);
	if (n && n <= sizeof data - 2) {
		data[0] = USERDATA_COMMENT;
		data[1] = (uint8_t)n;
		memcpy(data + 2, comment, n);
		nl_put(b, NFTA_TABLE_USERDATA, data, n + 2);
	}
	nl_end(b);
}

void nft_put_chain(struct nl_builder *b, const struct nft_rules *r, enum nft_chain chain)
{
	size_t hook;

	nft_begin(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_ACK);
	nl_put_text(b, NFTA_CHAIN_TABLE, r->table);
	nl_put_text(b, NFTA_CHAIN_NAME, chains[chain].name);
	if (chains[chain].hook >= 0) {
		hook = nl_nest(b, NFTA_CHAIN_HOOK);
		nl_put_u32be(b, NFTA_HOOK_HOOKNUM, (uint32_t)chains[chain].hook);
		nl_put_u32be(b, NFTA_HOOK_PRIORITY, (uint32_t)r->priority);
		nl_unnest(b, hook);
		nl_put_u32be(b, NFTA_CHAIN_POLICY, NF_ACCEPT);
		nl_put_text(b, NFTA_CHAIN_TYPE, "filter");
	}
	nl_end(b);
}

/* An expression's two nests, kept together until expression_end(). */
struct expression {
	size_t element, data;
};

static struct expression expression(struct nl_builder *b, const char *name)
{
	struct expression e;

	e.element = nl_nest(b, NFTA_LIST_ELEM);
	nl_put_text(b, NFTA_EXPR_NAME, name);
	e.data = nl_nest(b, NFTA_EXPR_DATA);
	return e;
}

static void expression_end(struct nl_builder *b, struct expression e)
{
	nl_unnest(b, e.data);
	nl_unnest(b, e.element);
}

/* register 1 = meta key; then register 1 OP bytes, else the rule ends. */
static void put_meta(struct nl_builder *b, uint32_t key, uint32_t op, const void *bytes,
		     size_t length)
{
	struct expression e = expression(b, "meta");
	size_t data;

	nl_put_u32be(b, NFTA_META_KEY, key);
	nl_put_u32be(b, NFTA_META_DREG, NFT_REG_1);
	expression_end(b, e);
	e = expression(b, "cmp");
	nl_put_u32be(b, NFTA_CMP_SREG, NFT_REG_1);
	nl_put_u32be(b, NFTA_CMP_OP, op);
	data = nl_nest(b, NFTA_CMP_DATA);
	nl_put(b, NFTA_DATA_VALUE, bytes, length);
	nl_unnest(b, data);
	expression_end(b, e);
}

static void put_interface(struct nl_builder *b, const char *interface, bool is_output)
{
	char name[IFNAMSIZ] = "";

	(void)snprintf(name, sizeof name, "%s", interface);
	put_meta(b, is_output ? NFT_META_OIFNAME : NFT_META_IIFNAME, NFT_CMP_EQ, name,
		 sizeof name);
}

static void put_number(struct nl_builder *b, uint32_t index, bool is_output)
{
	put_meta(b, is_output ? NFT_META_OIF : NFT_META_IIF, NFT_CMP_EQ, &index,
		 sizeof index);
}

static void put_program(struct nl_builder *b, int fd)
{
	struct xt_bpf_info_v1 info = { .mode = XT_BPF_MODE_FD_ELF, .fd = fd };
	struct expression e = expression(b, "match");

	nl_put_text(b, NFTA_MATCH_NAME, "bpf");
	nl_put_u32be(b, NFTA_MATCH_REV, 1);
	nl_put(b, NFTA_MATCH_INFO, &info, sizeof info);
	expression_end(b, e);
}

static void put_native_queue(struct nl_builder *b, const struct nft_rules *r)
{
	struct expression e = expression(b, "queue");

	nl_put_u16be(b, NFTA_QUEUE_NUM, r->queue);
	nl_put_u16be(b, NFTA_QUEUE_TOTAL, r->queue_count);
	nl_put_u16be(b, NFTA_QUEUE_FLAGS, r->is_bypass ? NFT_QUEUE_FLAG_BYPASS : 0);
	expression_end(b, e);
}

static void put_compat_queue(struct nl_builder *b, const struct nft_rules *r)
{
	/* x_tables wants the size that its own alignment gives: a multiple of 8. */
	union {
		struct xt_NFQ_info_v3 info;
		uint64_t align;
	} q = { .info = { .queuenum = r->queue,
			  .queues_total = r->queue_count,
			  .flags = r->is_bypass ? NFQ_FLAG_BYPASS : 0 } };
	struct expression e = expression(b, "target");

	nl_put_text(b, NFTA_TARGET_NAME, "NFQUEUE");
	nl_put_u32be(b, NFTA_TARGET_REV, 3);
	nl_put(b, NFTA_TARGET_INFO, &q, sizeof q);
	expression_end(b, e);
}

static void put_goto(struct nl_builder *b, enum nft_chain chain)
{
	struct expression e = expression(b, "immediate");
	size_t data, verdict;

	nl_put_u32be(b, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	data = nl_nest(b, NFTA_IMMEDIATE_DATA);
	verdict = nl_nest(b, NFTA_DATA_VERDICT);
	nl_put_u32be(b, NFTA_VERDICT_CODE, (uint32_t)NFT_GOTO);
	nl_put_text(b, NFTA_VERDICT_CHAIN, chains[chain].name);
	nl_unnest(b, verdict);
	nl_unnest(b, data);
	expression_end(b, e);
}

static size_t begin_rule(struct nl_builder *b, const struct nft_rules *r,
			 enum nft_chain chain)
{
	nft_begin(b, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND | NLM_F_ACK);
	nl_put_text(b, NFTA_RULE_TABLE, r->table);
	nl_put_text(b, NFTA_RULE_CHAIN, chains[chain].name);
	return nl_nest(b, NFTA_RULE_EXPRESSIONS);
}

void nft_put_rule(struct nl_builder *b, const struct nft_rules *r, enum nft_chain chain)
{
	static const uint16_t loopback = ARPHRD_LOOPBACK;
	bool is_input = chain == NFT_CHAIN_INPUT || chain == NFT_CHAIN_TAKE_INPUT;
	bool is_output = chain == NFT_CHAIN_OUTPUT || chain == NFT_CHAIN_TAKE_OUTPUT;
	int program = is_output ? r->output_program_fd : r->program_fd;
	size_t list = begin_rule(b, r, chain);

	if (is_input)
		put_meta(b, NFT_META_IIFTYPE, NFT_CMP_NEQ, &loopback, sizeof loopback);
	if (program >= 0)
		put_program(b, program);
	if (r->has_counter)
		expression_end(b, expression(b, "counter"));
	if (r->way == NFT_QUEUE_NATIVE)
		put_native_queue(b, r);
	if (r->way == NFT_QUEUE_COMPAT)
		put_compat_queue(b, r);
	nl_unnest(b, list);
	nl_end(b);
}

static enum nft_chain taking(enum nft_chain chain)
{
	return (enum nft_chain)(chain + NFT_CHAIN_TAKE_INPUT - NFT_CHAIN_INPUT);
}

static void put_way(struct nl_builder *b, const struct nft_rules *r, enum nft_chain chain,
		    bool is_output, unsigned i, bool is_by_number)
{
	size_t list = begin_rule(b, r, chain);

	if (is_by_number)
		put_number(b, r->indexes[i], is_output);
	else
		put_interface(b, r->interfaces[i], is_output);
	put_goto(b, taking(chain));
	nl_unnest(b, list);
	nl_end(b);
}

static void put_ways(struct nl_builder *b, const struct nft_rules *r,
		     enum nft_chain chain, bool is_output)
{
	for (unsigned i = 0; i < r->interface_count; i++)
		put_way(b, r, chain, is_output, i, false);
	for (unsigned i = 0; i < NFT_INTERFACES; i++)
		if (r->indexes[i])
			put_way(b, r, chain, is_output, i, true);
}

static void put_chain_rules(struct nl_builder *b, const struct nft_rules *r,
			    enum nft_chain chain)
{
	nft_put_rule(b, r, r->interface_count ? taking(chain) : chain);
	if (chain != NFT_CHAIN_OUTPUT)
		put_ways(b, r, chain, false);
	if (chain != NFT_CHAIN_INPUT)
		put_ways(b, r, chain, true);
}

static void put_chains(struct nl_builder *b, const struct nft_rules *r,
		       enum nft_chain chain)
{
	if (r->interface_count)
		nft_put_chain(b, r, taking(chain));
	nft_put_chain(b, r, chain);
}

void nft_put_chains(struct nl_builder *b, const struct nft_rules *r)
{
	if (r->is_forward) {
		put_chains(b, r, NFT_CHAIN_FORWARD);
		return;
	}
	put_chains(b, r, NFT_CHAIN_INPUT);
	put_chains(b, r, NFT_CHAIN_OUTPUT);
}

void nft_put_rules(struct nl_builder *b, const struct nft_rules *r)
{
	if (r->is_forward) {
		put_chain_rules(b, r, NFT_CHAIN_FORWARD);
		return;
	}
	put_chain_rules(b, r, NFT_CHAIN_INPUT);
	put_chain_rules(b, r, NFT_CHAIN_OUTPUT);
}

unsigned nft_count_rules(const struct nft_rules *r)
{
	unsigned ways = r->interface_count;

	for (unsigned i = 0; i < NFT_INTERFACES; i++)
		ways += r->indexes[i] != 0;
	/* Two chains of one side, or one of two sides. */
	return (r->is_forward ? 1 : 2) + 2 * ways;
}

void nft_put_flush(struct nl_builder *b, const char *table)
{
	nft_begin(b, NFT_MSG_DELRULE, NLM_F_ACK);
	nl_put_text(b, NFTA_RULE_TABLE, table);
	nl_end(b);
}

void nft_put_remove(struct nl_builder *b, const char *table)
{
	nft_begin(b, NFT_MSG_DELTABLE, NLM_F_ACK);
	nl_put_text(b, NFTA_TABLE_NAME, table);
	nl_end(b);
}
