/* nf_tables messages: one table of ours, its chains and rules, as transactions (nftables.h is the
 * interface that others use; this is what its files share).
 *
 * Calling sequence: nft_batch() on a fresh builder, any of the nft_put functions, nft_batch_end(),
 * nl_transact().  A batch without its end is checked whole by the kernel and then taken back, which
 * is how abilities are probed.  Pure: no system call here.
 *
 * A rule, from left to right; what does not match ends the packet's way through the rule:
 *	[interface is not loopback]  [interface has this name]  [bpf program]  [counter]  queue */
#ifndef WEIR_CAPTURE_NFT_RULE_H
#define WEIR_CAPTURE_NFT_RULE_H

#include "capture/nftables.h"
#include "port/netlink.h"

/* Bytes that any transaction of ours fits in: two rules an interface, about 900 bytes a rule. */
#define NFT_BATCH_BYTES (160 * 1024)

enum nft_chain {
	NFT_CHAIN_INPUT,
	NFT_CHAIN_OUTPUT,
	NFT_CHAIN_FORWARD,
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
/* All rules that `r` asks for. */
void nft_put_rules(struct nl_builder *b, const struct nft_rules *r);
/* One rule; interface NULL: any.  is_output: by its name as output interface. */
void nft_put_rule(struct nl_builder *b, const struct nft_rules *r, enum nft_chain chain,
		  const char *interface, bool is_output);
void nft_put_flush(struct nl_builder *b, const char *table);
void nft_put_remove(struct nl_builder *b, const char *table);

#endif
