/* nf_tables messages: one table of ours, its chains and rules, as transactions (nftables.h is the
 * interface that others use; this is what its files share).
 *
 * Calling sequence: nft_batch() on a fresh builder, any of the nft_put functions, nft_batch_end(),
 * nl_transact().  A batch without its end is checked whole by the kernel and then taken back, which
 * is how abilities are probed.  Pure: no system call here.
 *
 * The rule that takes packets, from left to right; what does not match ends the packet's way through it:
 *	[interface is not loopback]  [bpf program]  [counter]  queue
 * Without named interfaces it stands in the hooked chain.  With them it stands in a chain of its own,
 * and the hooked one has the rules that lead there:
 *	interface has this name  goto
 *	interface has this number  goto
 * So each packet meets it once, also one that comes by a named interface and leaves by another: else
 * what passes a stalled recorder would be counted by two rules. */
#ifndef WEIR_CAPTURE_NFT_RULE_H
#define WEIR_CAPTURE_NFT_RULE_H

#include "capture/nftables.h"
#include "port/netlink.h"

/* Bytes that any transaction of ours fits in: four rules an interface, below 600 bytes a rule. */
#define NFT_BATCH_BYTES (160 * 1024)

enum nft_chain {
	NFT_CHAIN_INPUT,
	NFT_CHAIN_OUTPUT,
	NFT_CHAIN_FORWARD,
	/* In the same order: where the packets of named interfaces are taken. */
	NFT_CHAIN_TAKE_INPUT,
	NFT_CHAIN_TAKE_OUTPUT,
	NFT_CHAIN_TAKE_FORWARD,
	NFT_CHAIN_UNHOOKED, /* for probes: no packet ever comes through */
};

uint16_t nft_type(int message);
/* Header of a single message, as for dumps. */
void nft_begin(struct nl_builder *b, int message, uint16_t flags);
void nft_batch(struct nl_builder *b);
void nft_batch_end(struct nl_builder *b);

/* comment may be NULL. */
void nft_put_table(struct nl_builder *b, const struct nft_rules *r, const char *comment);
void nft_put_chain(struct nl_builder *b, const struct nft_rules *r, enum nft_chain chain);
/* All chains, and all rules, that `r` asks for. */
void nft_put_chains(struct nl_builder *b, const struct nft_rules *r);
void nft_put_rules(struct nl_builder *b, const struct nft_rules *r);
/* How many rules these are. */
unsigned nft_count_rules(const struct nft_rules *r);
/* The rule that takes packets. */
void nft_put_rule(struct nl_builder *b, const struct nft_rules *r, enum nft_chain chain);
void nft_put_flush(struct nl_builder *b, const char *table);
void nft_put_remove(struct nl_builder *b, const char *table);

#endif
