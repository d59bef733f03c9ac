#include "capture/nftables.h"

#include "base/mem.h"
#include "capture/nft_leftover.h"
#include "capture/nft_rule.h"
#include "port/port.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>
#include <unistd.h>

struct nft {
	int fd;
	uint32_t sequence;
	uint8_t *bytes;
};

int nft_open(struct nft **out, struct weir_error *err)
{
	struct nft *n = mem_new(1, sizeof *n);
	int rc;

	*out = NULL;
	if (!n)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for nf_tables");
	n->fd = -1;
	n->bytes = mem_new(1, NFT_BATCH_BYTES);
	rc = n->bytes ? nl_open(NETLINK_NETFILTER, &n->fd, err)
		      : err_set(err, WEIR_ERR_NO_MEMORY, "no memory for nf_tables");
	if (rc) {
		nft_close(n);
		return rc;
	}
	*out = n;
	return 0;
}

void nft_close(struct nft *n)
{
	if (!n)
		return;
	if (n->fd >= 0)
		(void)close(n->fd);
	mem_free(n->bytes);
	mem_free(n);
}

static void start(struct nft *n, struct nl_builder *b)
{
	nl_build(b, n->bytes, NFT_BATCH_BYTES, n->sequence);
}

/* Positive errno. */
static int run(struct nft *n, struct nl_builder *b, nl_visit visit, void *arg)
{
	n->sequence = b->sequence;
	return nl_transact(n->fd, b, NULL, NULL, visit, arg);
}

static int fail(struct weir_error *err, int error, const char *what, const char *table)
{
	if (!error)
		return 0;
	errno = error;
	if (error == EPERM && !port_have_capability("net_admin"))
		return err_set(
			err, WEIR_ERR_PRIVILEGE,
			"cannot %s table '%s': capability CAP_NET_ADMIN is missing", what,
			table);
	if (error == EEXIST)
		return err_set(
			err, WEIR_ERR_EXISTS,
			"cannot %s table '%s': there is one; where its recorder is dead, "
			"'weir doctor --clean' removes it",
			what, table);
	return err_sys(err, "cannot %s table '%s'", what, table);
}

int nft_install(struct nft *n, const struct nft_rules *rules, struct weir_error *err)
{
	char comment[NFT_COMMENT];
	struct nl_builder b;

	nft_comment_write(comment, sizeof comment);
	start(n, &b);
	nft_batch(&b);
	nft_put_table(&b, rules, rules->has_comment ? comment : NULL);
	nft_put_chains(&b, rules);
	nft_put_rules(&b, rules);
	nft_batch_end(&b);
	return fail(err, run(n, &b, NULL, NULL), "install nf_tables", rules->table);
}

int nft_withdraw(struct nft *n, const struct nft_rules *rules, struct weir_error *err)
{
	struct nl_builder b;

	start(n, &b);
	nft_batch(&b);
	nft_put_flush(&b, rules->table);
	nft_batch_end(&b);
	return fail(err, run(n, &b, NULL, NULL), "empty nf_tables", rules->table);
}

int nft_refill(struct nft *n, const struct nft_rules *rules, struct weir_error *err)
{
	struct nl_builder b;

	start(n, &b);
	nft_batch(&b);
	nft_put_flush(&b, rules->table);
	nft_put_rules(&b, rules);
	nft_batch_end(&b);
	return fail(err, run(n, &b, NULL, NULL), "refill nf_tables", rules->table);
}

int nft_remove(struct nft *n, const char *table, struct weir_error *err)
{
	struct nl_builder b;

	start(n, &b);
	nft_batch(&b);
	nft_put_remove(&b, table);
	nft_batch_end(&b);
	return fail(err, run(n, &b, NULL, NULL), "remove nf_tables", table);
}

struct count {
	const char *table;
	unsigned rules;
	uint64_t packets, bytes;
};

static void add_counter(struct count *count, struct cursor data)
{
	struct nl_attr a;

	while (nl_next_attr(&data, &a)) {
		if (a.type == NFTA_COUNTER_PACKETS)
			count->packets += cur_u64be(&a.body);
		if (a.type == NFTA_COUNTER_BYTES)
			count->bytes += cur_u64be(&a.body);
	}
}

/* One expression: its name comes before its data. */
static void add_expression(struct count *count, struct cursor element)
{
	char name[32] = "";
	struct nl_attr a;

	while (nl_next_attr(&element, &a)) {
		if (a.type == NFTA_EXPR_NAME)
			nl_attr_text(&a, name, sizeof name);
		if (a.type == NFTA_EXPR_DATA && !strcmp(name, "counter"))
			add_counter(count, a.body);
	}
}

static void visit_rule(void *arg, const struct nl_message *m)
{
	struct count *count = arg;
	struct cursor c = m->body;
	struct nl_attr a, element;
	char table[NFT_TABLE_NAME] = "";

	cur_skip(&c, 4);
	while (nl_next_attr(&c, &a)) {
		if (a.type == NFTA_RULE_TABLE)
			nl_attr_text(&a, table, sizeof table);
		if (a.type != NFTA_RULE_EXPRESSIONS || strcmp(table, count->table) != 0)
			continue;
		count->rules++;
		while (nl_next_attr(&a.body, &element))
			add_expression(count, element.body);
	}
}

/* Positive errno. */
static int dump_rules(struct nft *n, struct count *count)
{
	struct nl_builder b;

	start(n, &b);
	nft_begin(&b, NFT_MSG_GETRULE, NLM_F_DUMP);
	nl_put_text(&b, NFTA_RULE_TABLE, count->table);
	nl_end(&b);
	return run(n, &b, visit_rule, count);
}

static void visit_generation(void *arg, const struct nl_message *m)
{
	struct cursor c = m->body;
	uint32_t *generation = arg;
	struct nl_attr a;

	cur_skip(&c, 4);
	while (nl_next_attr(&c, &a))
		if (a.type == NFTA_GEN_ID)
			*generation = cur_u32be(&a.body);
}

/* Positive errno. */
static int read_generation(struct nft *n, uint32_t *generation)
{
	struct nl_builder b;

	start(n, &b);
	nft_begin(&b, NFT_MSG_GETGEN, 0);
	nl_end(&b);
	return run(n, &b, visit_generation, generation);
}

bool nft_is_whole(struct nft *n, const struct nft_rules *rules, struct nft_look *look)
{
	struct count count = { .table = rules->table };
	uint32_t generation = 0, later = 0;

	if (read_generation(n, &generation))
		return true;
	if (generation != look->generation)
		*look = (struct nft_look){ .generation = generation };
	/* The kernel counts a change before it makes it: one look at it may have been too early. */
	if (look->seen == 2)
		return true;
	if (dump_rules(n, &count) || read_generation(n, &later) || later != generation)
		return true;
	look->seen++;
	return count.rules == nft_count_rules(rules);
}

int nft_count(struct nft *n, const char *table, uint64_t *packets, uint64_t *bytes,
	      struct weir_error *err)
{
	struct count count = { .table = table };
	int error = dump_rules(n, &count);

	*packets = count.packets;
	*bytes = count.bytes;
	return fail(err, error, "read nf_tables", table);
}
