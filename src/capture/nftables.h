/* Our own nf_tables table: the rules that send packets to NFQUEUE, and nothing else of the machine's
 * rule set.  Raw netlink, because only it can express the compat NFQUEUE target and the bpf match
 * by descriptor.
 *
 * Calling sequence: nft_open(), nft_install(), nft_withdraw() (rules out, empty chains stay),
 * nft_remove(), nft_close().  Withdraw and drain the queue before removing: when a base chain goes,
 * the kernel drops whatever any NFQUEUE of the namespace holds (nf_queue_nf_hook_drop()).
 *
 * The table is `weir_<pid>_<n>`, family inet, its comment (userdata) names the process:
 * "weir pid=P start=S pidns=N".  With `is_owned` it has NFT_TABLE_F_OWNER: the kernel removes it
 * when the struct's socket closes, and nobody else can change it (kernel 5.12 and later; without
 * the flag before).
 *
 * Everything acts in the network namespace that the thread is in.  Needs CAP_NET_ADMIN.
 * Facts: include/uapi/linux/netfilter/nf_tables.h, nf_tables_compat.h; net/netfilter/nft_compat.c,
 * nf_queue.c. */
#ifndef WEIR_CAPTURE_NFTABLES_H
#define WEIR_CAPTURE_NFTABLES_H

#include "base/compiler.h"
#include "weir/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NFT_TABLE_NAME 32
#define NFT_INTERFACES 64

enum nft_queue_way {
	NFT_QUEUE_NATIVE, /* the nf_tables `queue` expression */
	NFT_QUEUE_COMPAT, /* the xt NFQUEUE target by nft_compat */
	NFT_QUEUE_NONE,
};

/* What this kernel can do, tried in transactions that never have a hook and are removed at once. */
struct nft_abilities {
	bool has_tables; /* nf_tables at all */
	bool has_owner, has_counter, has_comment;
	bool has_native_queue, has_compat_queue, has_bpf_match;
};

/* 0 also where little is possible; WEIR_ERR_PRIVILEGE, or _SYSTEM when netlink fails. */
int nft_probe(struct nft_abilities *abilities, struct weir_error *err) MUST_CHECK;

/* What to install. */
struct nft_rules {
	char table[NFT_TABLE_NAME];
	const char *interfaces[NFT_INTERFACES]; /* none: all */
	/* What has such a number is taken as well, for an interface may be renamed; 0: none.  None belongs to
	 * the name beside it. */
	uint32_t indexes[NFT_INTERFACES];
	unsigned interface_count;
	bool is_forward; /* chain forward instead of input and output */
	int priority;    /* nf_tables priority: lower is earlier */
	enum nft_queue_way way;
	uint16_t queue, queue_count;
	bool is_bypass;
	bool is_owned;
	bool has_comment, has_counter;
	/* Of the bpf match in the chains input and forward, and in output; -1: none. */
	int program_fd, output_program_fd;
};

struct nft;

int nft_open(struct nft **n, struct weir_error *err) MUST_CHECK;
void nft_close(struct nft *n);
/* One transaction: all of it is there, or nothing. */
int nft_install(struct nft *n, const struct nft_rules *rules,
		struct weir_error *err) MUST_CHECK;
/* Takes the rules out of the chains: nothing more is queued.  Then nft_refill() puts them back. */
int nft_withdraw(struct nft *n, const struct nft_rules *rules,
		 struct weir_error *err) MUST_CHECK;
int nft_refill(struct nft *n, const struct nft_rules *rules,
	       struct weir_error *err) MUST_CHECK;
int nft_remove(struct nft *n, const char *table, struct weir_error *err) MUST_CHECK;

/* Whether all rules of `rules` are in their table.  Cheap while the machine's rule set stays as it is: keep
 * the look, zeroed at first, for the next time.  What another program does while we look is seen the
 * next time; true too where the kernel does not tell. */
struct nft_look {
	uint32_t generation;
	unsigned seen; /* how often the rules of this generation have been counted */
};

bool nft_is_whole(struct nft *n, const struct nft_rules *rules, struct nft_look *look);
/* Sum of the counters of all rules of the table: packets and bytes that were sent to the queue. */
int nft_count(struct nft *n, const char *table, uint64_t *packets, uint64_t *bytes,
	      struct weir_error *err) MUST_CHECK;

/* For doctor: tables of ours.  is_alive: the process that its comment names still runs, or cannot be
 * judged (is_unjudged): it is of another pid namespace, and not all processes are seen from ours. */
struct nft_leftover {
	char table[NFT_TABLE_NAME];
	uint32_t pid;
	bool is_alive, is_unjudged;
	bool is_owned; /* the kernel removes it by itself, nobody else can */
};

/* Fills at most `room`; *count is the number there are. */
int nft_list_leftovers(struct nft_leftover *list, size_t room, size_t *count,
		       struct weir_error *err) MUST_CHECK;
/* Removes the table, after looking again that it is ours and its process is dead. */
int nft_remove_leftover(const struct nft_leftover *leftover,
			struct weir_error *err) MUST_CHECK;

#endif
