#include "capture/sniff_filter.h"

#include "filter/bpf_emit.h"
#include "port/bpf.h"

#include <linux/filter.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stddef.h>
#include <unistd.h>

#define LOOPBACK_INDEX \
 1 /* of lo, in every network namespace (include/net/net_namespace.h) */
#define TYPE_BYTES  2 /* of an Ethernet header, the last ones */
#define HEAD_BYTES  8 /* of the IP header, where both versions state their length */
#define SKB(member) ((int16_t)offsetof(struct __sk_buff, member))

enum {
	R0 = BPF_REG_0,
	R1 = BPF_REG_1,
	R2 = BPF_REG_2,
	R3 = BPF_REG_3,
	R4 = BPF_REG_4,
	R5 = BPF_REG_5,
	CONTEXT = BPF_REG_6,
	FRAME = BPF_REG_10,
};

/* A packet over lo passes twice: sent, and received.  Only the sending is recorded. */
static int attach_loopback_rule(struct packet_ring *r, uint32_t keep,
				struct weir_error *err)
{
	const struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 (uint32_t)(SKF_AD_OFF + SKF_AD_HATYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARPHRD_LOOPBACK, 0, 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, keep),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};

	return packet_ring_filter(r, program, ARRAY_LEN(program), err);
}

/* What stands in front of IP in the frames of a ring. */
enum before_ip {
	BEFORE_ANY, /* a ring of all interfaces, or one whose link header we do not know */
	BEFORE_ETHERNET,
	BEFORE_NOTHING,
};

struct program {
	struct bpf_asm a;
	unsigned accept, reject;
	enum before_ip before;
	uint32_t link_bytes;
};

/* On the stack: the first bytes of the IP header, with the type in front of them where it is
 * taken from the frame; and both once more, to compare. */
enum {
	SEEN_BYTES = TYPE_BYTES + HEAD_BYTES,
	HEAD_AT = -HEAD_BYTES,
	TYPE_AT = -SEEN_BYTES,
	SEEN_AT = -3 * HEAD_BYTES - TYPE_BYTES,
};

/* A frame that has not so many bytes is let in. */
static void emit_bytes(struct program *p, int32_t start, int32_t from, int16_t to,
		       int32_t count)
{
	struct bpf_asm *a = &p->a;

	bpf_mov(a, R1, CONTEXT);
	bpf_mov_imm(a, R2, from);
	bpf_mov(a, R3, FRAME);
	bpf_alu_imm(a, BPF_ADD, R3, to);
	bpf_mov_imm(a, R4, count);
	bpf_mov_imm(a, R5, start);
	bpf_call(a, BPF_FUNC_skb_load_bytes_relative);
	bpf_jump_if_imm(a, BPF_JNE, R0, 0, p->accept);
}

/* In network order, as it lies in the frame. */
static int32_t wire(uint16_t type)
{
	return (int32_t)(uint16_t)(type << 8 | type >> 8);
}

/* Goes on where R1 says IP.  What may carry IP in a way that only the bytes tell (tags; 802.3, whose numbers
 * are below those of types) is let in; all else is none of the language's packets. */
static void emit_type(struct program *p)
{
	static const uint16_t tags[] = { 0x8100, 0x88a8, 0x9100, 0x9200 };
	struct bpf_asm *a = &p->a;
	unsigned is_ip = bpf_asm_label(a);

	bpf_jump_if_imm(a, BPF_JEQ, R1, wire(ETH_P_IP), is_ip);
	bpf_jump_if_imm(a, BPF_JEQ, R1, wire(ETH_P_IPV6), is_ip);
	for (size_t i = 0; i < ARRAY_LEN(tags); i++)
		bpf_jump_if_imm(a, BPF_JEQ, R1, wire(tags[i]), p->accept);
	bpf_from_be(a, R1, 16);
	bpf_jump_if_imm(a, BPF_JLT, R1, ETH_P_802_3_MIN, p->accept);
	if (p->before == BEFORE_ANY) {
		bpf_load(a, BPF_W, R1, CONTEXT, SKB(pkt_type));
		bpf_jump_if_imm(a, BPF_JEQ, R1, PACKET_OUTGOING, p->accept);
	}
	bpf_jump(a, p->reject);
	bpf_asm_bind(a, is_ip);
}

/* A packet socket's sender says what skb->protocol is and where the network header is to be, and
 * neither needs to be what the bytes are.  Where nobody tells whether there is an Ethernet header,
 * what is sent is looked at if all agree, and let in if not. */
static void emit_agreement(struct program *p)
{
	struct bpf_asm *a = &p->a;
	unsigned is_received = bpf_asm_label(a);

	bpf_load(a, BPF_W, R1, CONTEXT, SKB(pkt_type));
	bpf_jump_if_imm(a, BPF_JNE, R1, PACKET_OUTGOING, is_received);
	emit_bytes(p, BPF_HDR_START_MAC, ETH_HLEN - TYPE_BYTES, SEEN_AT, SEEN_BYTES);
	bpf_load(a, BPF_H, R1, FRAME, SEEN_AT);
	bpf_load(a, BPF_W, R2, CONTEXT, SKB(protocol));
	bpf_jump_if(a, BPF_JNE, R1, R2, p->accept);
	bpf_load(a, BPF_DW, R1, FRAME, SEEN_AT + TYPE_BYTES);
	bpf_load(a, BPF_DW, R2, FRAME, HEAD_AT);
	bpf_jump_if(a, BPF_JNE, R1, R2, p->accept);
	bpf_asm_bind(a, is_received);
}

/* Goes on with the first bytes of what is IP, as far as the link layer tells. */
static void emit_head(struct program *p)
{
	switch (p->before) {
	case BEFORE_ETHERNET:
		emit_bytes(p, BPF_HDR_START_MAC, ETH_HLEN - TYPE_BYTES, TYPE_AT,
			   SEEN_BYTES);
		bpf_load(&p->a, BPF_H, R1, FRAME, TYPE_AT);
		emit_type(p);
		break;
	case BEFORE_NOTHING:
		emit_bytes(p, BPF_HDR_START_NET, 0, HEAD_AT, HEAD_BYTES);
		break;
	case BEFORE_ANY:
	default:
		bpf_load(&p->a, BPF_W, R1, CONTEXT, SKB(protocol));
		emit_type(p);
		emit_bytes(p, BPF_HDR_START_NET, 0, HEAD_AT, HEAD_BYTES);
		emit_agreement(p);
	}
}

/* Goes on where the frame is the link header and an IP packet and nothing else: then its length is
 * that of the packet, as the evaluator will see it. */
static void emit_length(struct program *p)
{
	struct bpf_asm *a = &p->a;
	unsigned is_v4 = bpf_asm_label(a), compare = bpf_asm_label(a);

	bpf_load(a, BPF_B, R1, FRAME, HEAD_AT);
	bpf_alu_imm(a, BPF_RSH, R1, 4);
	bpf_jump_if_imm(a, BPF_JEQ, R1, 4, is_v4);
	bpf_jump_if_imm(a, BPF_JNE, R1, 6, p->accept);
	bpf_load(a, BPF_H, R1, FRAME, HEAD_AT + 4);
	bpf_from_be(a, R1, 16);
	bpf_jump_if_imm(a, BPF_JEQ, R1, 0, p->accept); /* states no length */
	bpf_alu_imm(a, BPF_ADD, R1, 40);
	bpf_jump(a, compare);
	bpf_asm_bind(a, is_v4);
	bpf_load(a, BPF_H, R1, FRAME, HEAD_AT + 2);
	bpf_from_be(a, R1, 16);
	bpf_asm_bind(a, compare);
	bpf_alu_imm(a, BPF_ADD, R1, (int32_t)p->link_bytes);
	bpf_load(a, BPF_W, R2, CONTEXT, SKB(len));
	bpf_jump_if(a, BPF_JNE, R1, R2, p->accept);
}

static int emit_match(struct program *p, const struct filter *f, bool is_loopback,
		      struct weir_error *err)
{
	/* Names come and go with interfaces: not known here. */
	const struct filter_bpf_env env = { .outbound = FILTER_BPF_SKB,
					    .loopback = FILTER_BPF_CONST,
					    .is_loopback = is_loopback,
					    .if_idx = FILTER_BPF_SKB,
					    .sub_if_idx = FILTER_BPF_CONST,
					    .link_bytes = p->link_bytes,
					    .is_absolute = p->before == BEFORE_ETHERNET };
	bool is_exact;

	return filter_bpf_emit(f, &env, &p->a, p->accept, p->reject, &is_exact, err);
}

static int emit(struct program *p, const struct sniff_filter *f, struct weir_error *err)
{
	struct bpf_asm *a = &p->a;
	unsigned is_loopback = bpf_asm_label(a);
	int rc;

	bpf_mov(a, CONTEXT, R1);
	emit_head(p);
	emit_length(p);
	bpf_load(a, BPF_W, R1, CONTEXT, SKB(ifindex));
	bpf_jump_if_imm(a, BPF_JEQ, R1, LOOPBACK_INDEX, is_loopback);
	rc = emit_match(p, f->filter, false, err);
	bpf_asm_bind(a, is_loopback);
	if (!rc)
		rc = emit_match(p, f->filter, true, err);
	return rc;
}

/* The end of all paths: a packet over lo that was received is not let in, whatever it is. */
static void emit_end(struct program *p, uint32_t keep)
{
	struct bpf_asm *a = &p->a;
	unsigned let_in = bpf_asm_label(a);

	bpf_asm_bind(a, p->accept);
	bpf_load(a, BPF_W, R1, CONTEXT, SKB(ifindex));
	bpf_jump_if_imm(a, BPF_JNE, R1, LOOPBACK_INDEX, let_in);
	bpf_load(a, BPF_W, R1, CONTEXT, SKB(pkt_type));
	bpf_jump_if_imm(a, BPF_JEQ, R1, PACKET_OUTGOING, let_in);
	bpf_asm_bind(a, p->reject);
	bpf_mov_imm(a, R0, 0);
	bpf_exit(a);
	bpf_asm_bind(a, let_in);
	bpf_mov_imm(a, R0, (int32_t)keep);
	bpf_exit(a);
}

static enum before_ip before_ip(const struct sniff_filter *f)
{
	if (f->is_one && f->form == FRAME_ETHERNET)
		return BEFORE_ETHERNET;
	return f->is_one && f->form == FRAME_NETWORK ? BEFORE_NOTHING : BEFORE_ANY;
}

/* A descriptor, or a negative code. */
static int load(const struct sniff_filter *f, struct weir_error *err)
{
	struct port_bpf_program spec = { .type = BPF_PROG_TYPE_SOCKET_FILTER,
					 .name = "weir_sniff" };
	struct program p = { .before = before_ip(f) };
	int rc;

	p.link_bytes = p.before == BEFORE_NOTHING ? 0 : ETH_HLEN;
	bpf_asm_init(&p.a);
	p.accept = bpf_asm_label(&p.a);
	p.reject = bpf_asm_label(&p.a);
	rc = emit(&p, f, err);
	emit_end(&p, f->keep_bytes);
	if (!rc)
		rc = bpf_asm_finish(&p.a, err);
	if (!rc) {
		spec.insns = p.a.insns;
		spec.count = p.a.count;
		rc = port_bpf_program_load(&spec, err);
	}
	bpf_asm_fini(&p.a);
	return rc;
}

int sniff_filter_attach(struct packet_ring *r, const struct sniff_filter *f,
			bool *is_in_kernel, char why[WEIR_ERROR_TEXT],
			struct weir_error *err)
{
	struct weir_error reason = { 0 };
	int fd, rc = WEIR_ERR_UNSUPPORTED;

	why[0] = '\0';
	*is_in_kernel = false;
	if (!f->filter)
		return attach_loopback_rule(r, f->keep_bytes, err);
	fd = load(f, &reason);
	if (fd >= 0) {
		rc = packet_ring_program(r, fd, &reason);
		(void)close(fd);
	}
	if (!rc) {
		*is_in_kernel = true;
		return 0;
	}
	memcpy(why, reason.text, sizeof reason.text);
	return attach_loopback_rule(r, f->keep_bytes, err);
}

int sniff_filter_widen(struct packet_ring *r, uint32_t keep_bytes, struct weir_error *err)
{
	return attach_loopback_rule(r, keep_bytes, err);
}
