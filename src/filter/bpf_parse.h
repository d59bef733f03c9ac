/* The beginning of every filter program: finds the headers, as view.c does, and leaves them where
 * the tests (bpf_emit.c) look.
 *
 * Afterwards: R6 the context, R7 a bit for each enum header that is there and FLAG_FRAGMENT, R8
 * where the payload begins and R9 where it ends, both counted from the IP header; on the stack the
 * first 40 bytes from the IP header, 24 of the transport header, the length and the protocol. */
#ifndef WEIR_FILTER_BPF_PARSE_H
#define WEIR_FILTER_BPF_PARSE_H

#include "filter/bpf_emit.h"
#include "filter/graph.h"

struct emitter {
	struct bpf_asm *a;
	const struct filter_bpf_env *env;
	const struct strings *strings;
	unsigned accept, reject;                               /* labels */
	int16_t network, transport, scratch, length, protocol; /* offsets to R10 */
};

enum {
	R0 = BPF_REG_0,
	R1 = BPF_REG_1,
	R2 = BPF_REG_2,
	R3 = BPF_REG_3,
	R4 = BPF_REG_4,
	R5 = BPF_REG_5,
	CONTEXT = BPF_REG_6,
	FLAGS = BPF_REG_7,
	AT = BPF_REG_8,
	END = BPF_REG_9,
	FRAME = BPF_REG_10,
	FLAG_FRAGMENT = 1 << HEADER_COUNT,
};

/* Assigns the stack, then parses; a packet that view_packet() refuses goes to e->reject. */
void bpf_emit_parser(struct emitter *e);
/* `count` bytes at R2 (from the IP header) to stack offset `to`.  They must have been found to be
 * within the packet; where the helper refuses all the same (old kernels do beyond byte 65535), the
 * packet is accepted. */
void bpf_emit_bytes(struct emitter *e, int16_t to, unsigned count);

#endif
