/* What this kernel and this process can do for a recorder, found by trying, not by version numbers.
 *
 * Calling sequence: abilities_probe() once; everything it opens is closed again when it returns, and
 * nothing of it ever carries a packet: the packet socket has no protocol, the tables have no hook,
 * the queue's number is one that no rule names.  Then ways_choose() for what weir would do.
 *
 * Acts in the caller's network namespace.  Threads: no state.  Linux only.
 * Facts: packet(7), linux/if_packet.h, linux/netfilter/nfnetlink_queue.h, bpf(2), proc(5). */
#ifndef WEIR_CAPTURE_ABILITIES_H
#define WEIR_CAPTURE_ABILITIES_H

#include "capture/nftables.h"

/* A thing tried.  Where it failed, the text says why, in the words of an error. */
struct ability {
	bool is_there;
	char why_not[160];
};

struct abilities {
	struct ability packet_socket; /* AF_PACKET */
	struct ability packet_ring;   /* TPACKET_V3 */
	struct ability tables; /* nf_tables; the next is filled in where it is there */
	struct nft_abilities nft;
	struct ability queue; /* NFQUEUE can be listened to */
	bool has_gso, has_fail_open, has_user_ids, has_conntrack; /* flags of a queue */
	struct ability bpf; /* a socket filter program can be loaded */
	char cgroup2[256];  /* where the unified hierarchy is mounted; "" nowhere */
	bool is_static;     /* this binary needs no other file */
};

void abilities_probe(struct abilities *a);

struct ways {
	enum nft_queue_way queue; /* how divert would take packets */
	bool has_heartbeat; /* the rule itself lets packets pass when weir is stuck */
	bool is_owned;      /* the table vanishes with its owner */
	bool can_sniff;
	bool filters_in_kernel;
	const char *no_divert; /* NULL: divert works; else what is missing */
	const char *no_sniff;
};

void ways_choose(struct ways *w, const struct abilities *a);

#endif
