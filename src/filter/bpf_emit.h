/* A filter as eBPF instructions, for a socket filter program: on an AF_PACKET socket, or in an
 * xt_bpf match.  The caller may put instructions of its own in front and behind.
 *
 * Calling sequence:
 *	bpf_asm_init(&a);
 *	bpf_mov(&a, BPF_REG_6, BPF_REG_1);	R6 is the context from here on
 *	...					the caller's own, if any
 *	filter_bpf_emit(f, &env, &a, accept, reject, &is_exact, err);
 *	bpf_asm_bind(&a, accept); ... bpf_asm_bind(&a, reject); ...
 *	bpf_asm_finish(&a, err);
 *
 * What comes out: control goes to `accept` or `reject`; R0-R5 and R7-R9 are lost, R6 is kept.  The
 * program accepts every packet that filter_match() accepts.  With *is_exact it accepts no other,
 * but for a packet that has more than FILTER_BPF_EXTENSIONS IPv6 extension headers, or is longer
 * than its header can say (let through),
 * and with a filter that filter_is_true() it takes every packet unseen;
 * without it, what it accepts must be judged again by filter_match().
 * What the kernel cannot know (timestamp, random*, time, process*, user, impostor, and what env
 * leaves open) counts as "may be so"; a filter that would need too many instructions becomes
 * "accept".
 * Errors: no memory; a filter of a layer that has no packets (UNSUPPORTED).
 * Facts: linux/bpf.h (struct __sk_buff, bpf_skb_load_bytes_relative: kernel 4.18). */
#ifndef WEIR_FILTER_BPF_EMIT_H
#define WEIR_FILTER_BPF_EMIT_H

#include "filter/bpf_asm.h"
#include "weir/filter.h"

#define FILTER_BPF_EXTENSIONS 24
#define FILTER_BPF_STACK      96 /* bytes of the stack that the filter uses */

enum filter_bpf_source {
	FILTER_BPF_UNKNOWN, /* tests on it may be either way */
	FILTER_BPF_CONST,   /* the value that stands beside it */
	FILTER_BPF_SKB,     /* outbound: pkt_type is PACKET_OUTGOING; if_idx: ifindex */
};

struct filter_bpf_env {
	enum filter_bpf_source outbound, loopback, if_idx,
		sub_if_idx; /* the last: no SKB */
	bool is_outbound, is_loopback;
	uint32_t if_idx_value, sub_if_idx_value;
	/* Bytes in front of the IP header that skb->len counts: 0 in an xt_bpf match and on
	 * SOCK_DGRAM, 14 on SOCK_RAW over Ethernet. */
	uint32_t link_bytes;
	/* The packet ends where its IP header says, whatever the link filled the frame up with
	 * (as filter/recorded.c sees it). */
	bool is_trimmed;
	/* Ask for bytes from the packet's first on (bpf_skb_load_bytes), link_bytes added, where
	 * the kernel cannot tell where the network header is. */
	bool is_absolute;
	/* Bytes at the top of the stack (R10 - 1 downwards) that the caller keeps; multiple of 8. */
	uint16_t stack_bytes;
	/* The index of the interface of that name; 0: there is none.  NULL: names are unknown. */
	uint32_t (*if_idx_of)(const char *name, const void *context);
	const void *context;
};

int filter_bpf_emit(const struct filter *f, const struct filter_bpf_env *env,
		    struct bpf_asm *a, unsigned accept, unsigned reject, bool *is_exact,
		    struct weir_error *err) MUST_CHECK;

#endif
