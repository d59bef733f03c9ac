#include "filter/bpf_parse.h"

#include "filter/view.h"

#include <stddef.h>

#define SKB(member) ((int16_t)offsetof(struct __sk_buff, member))

enum {
	PROTOCOL_FRAGMENT = 44,
	PROTOCOL_AUTHENTICATION = 51
};

void bpf_emit_bytes(struct emitter *e, int16_t to, unsigned count)
{
	struct bpf_asm *a = e->a;

	bpf_mov(a, R1, CONTEXT);
	if (e->env->is_absolute && e->env->link_bytes)
		bpf_alu_imm(a, BPF_ADD, R2, (int32_t)e->env->link_bytes);
	bpf_mov(a, R3, FRAME);
	bpf_alu_imm(a, BPF_ADD, R3, to);
	bpf_mov_imm(a, R4, (int32_t)count);
	if (e->env->is_absolute) {
		bpf_call(a, BPF_FUNC_skb_load_bytes);
	} else {
		bpf_mov_imm(a, R5, BPF_HDR_START_NET);
		bpf_call(a, BPF_FUNC_skb_load_bytes_relative);
	}
	bpf_jump_if_imm(a, BPF_JNE, R0, 0, e->accept);
}

/* The verifier wants every byte of the stack written before it is read. */
static void emit_frame(struct emitter *e)
{
	int16_t top = (int16_t)-e->env->stack_bytes;

	e->network = (int16_t)(top - 40);
	e->transport = (int16_t)(e->network - 24);
	e->scratch = (int16_t)(e->transport - 16);
	e->length = (int16_t)(e->scratch - 8);
	e->protocol = (int16_t)(e->length - 8);
	for (int16_t at = e->protocol; at < top; at = (int16_t)(at + 8))
		bpf_store_imm(e->a, BPF_DW, FRAME, at, 0);
	bpf_mov_imm(e->a, FLAGS, 0);
}

static void emit_length(struct emitter *e)
{
	struct bpf_asm *a = e->a;

	bpf_load(a, BPF_W, R1, CONTEXT, SKB(len));
	if (e->env->link_bytes) {
		bpf_jump_if_imm(a, BPF_JLT, R1, (int32_t)e->env->link_bytes, e->reject);
		bpf_alu_imm(a, BPF_SUB, R1, (int32_t)e->env->link_bytes);
	}
	bpf_store(a, BPF_DW, FRAME, e->length, R1);
}

/* A packet that is longer than its header can say states 0 in R3: view.c knows where it ends. */
static void emit_big(struct emitter *e, int32_t most)
{
	unsigned is_stated = bpf_asm_label(e->a);

	bpf_jump_if_imm(e->a, BPF_JNE, R3, 0, is_stated);
	bpf_load(e->a, BPF_DW, R1, FRAME, e->length);
	bpf_jump_if_imm(e->a, BPF_JGT, R1, most, e->accept);
	bpf_asm_bind(e->a, is_stated);
}

/* END = the smaller of R3 and the length, which perhaps is cut to it, unless it is `unstated`. */
static void emit_end(struct emitter *e, int32_t unstated)
{
	unsigned is_cut = bpf_asm_label(e->a), end = bpf_asm_label(e->a);

	bpf_mov(e->a, END, R3);
	bpf_load(e->a, BPF_DW, R1, FRAME, e->length);
	bpf_jump_if(e->a, BPF_JGT, END, R1, is_cut);
	if (e->env->is_trimmed) {
		bpf_jump_if_imm(e->a, BPF_JEQ, END, unstated, end);
		bpf_store(e->a, BPF_DW, FRAME, e->length, END);
	}
	bpf_jump(e->a, end);
	bpf_asm_bind(e->a, is_cut);
	bpf_mov(e->a, END, R1);
	bpf_asm_bind(e->a, end);
}

/* Leads to `transport`, or to `done` for a later fragment. */
static void emit_ipv4(struct emitter *e, unsigned transport, unsigned done)
{
	struct bpf_asm *a = e->a;
	unsigned whole = bpf_asm_label(a);

	bpf_mov_imm(a, FLAGS, 1 << HEADER_IP);
	bpf_load(a, BPF_B, AT, FRAME, e->network);
	bpf_alu_imm(a, BPF_AND, AT, 15);
	bpf_alu_imm(a, BPF_LSH, AT, 2);
	bpf_jump_if_imm(a, BPF_JLT, AT, 20, e->reject);
	bpf_load(a, BPF_H, R3, FRAME, (int16_t)(e->network + 2));
	bpf_from_be(a, R3, 16);
	emit_big(e, VIEW_IPV4_MOST);
	bpf_jump_if(a, BPF_JLT, R3, AT, e->reject);
	bpf_load(a, BPF_DW, R1, FRAME, e->length);
	bpf_jump_if(a, BPF_JLT, R1, AT, e->reject);
	emit_end(e, 0);
	bpf_load(a, BPF_B, R1, FRAME, (int16_t)(e->network + 9));
	bpf_store(a, BPF_DW, FRAME, e->protocol, R1);
	bpf_load(a, BPF_H, R1, FRAME, (int16_t)(e->network + 6));
	bpf_from_be(a, R1, 16);
	bpf_mov(a, R2, R1);
	bpf_alu_imm(a, BPF_AND, R2, 0x3fff);
	bpf_jump_if_imm(a, BPF_JEQ, R2, 0, whole);
	bpf_alu_imm(a, BPF_OR, FLAGS, FLAG_FRAGMENT);
	bpf_alu_imm(a, BPF_AND, R1, 0x1fff);
	bpf_jump_if_imm(a, BPF_JNE, R1, 0, done);
	bpf_asm_bind(a, whole);
	bpf_jump(a, transport);
}

/* The rest of a fragment header, R3 bytes are left; to `done` when it is no first fragment. */
static void emit_fragment(struct emitter *e, unsigned transport, unsigned done)
{
	struct bpf_asm *a = e->a;

	bpf_jump_if_imm(a, BPF_JSET, FLAGS, FLAG_FRAGMENT, transport);
	bpf_jump_if_imm(a, BPF_JLT, R3, 8, transport);
	bpf_mov(a, R2, AT);
	bpf_emit_bytes(e, e->scratch, 4);
	bpf_alu_imm(a, BPF_OR, FLAGS, FLAG_FRAGMENT);
	bpf_load(a, BPF_B, R1, FRAME, e->scratch);
	bpf_store(a, BPF_DW, FRAME, e->protocol, R1);
	bpf_alu_imm(a, BPF_ADD, AT, 8);
	bpf_load(a, BPF_H, R1, FRAME, (int16_t)(e->scratch + 2));
	bpf_from_be(a, R1, 16);
	bpf_alu_imm(a, BPF_AND, R1, 0xfff8);
	bpf_jump_if_imm(a, BPF_JNE, R1, 0, done);
}

/* One round of the walk over the extension headers; leaves to `transport` at their end. */
static void emit_extension(struct emitter *e, unsigned transport, unsigned done)
{
	static const int32_t plain[] = { 0, 43, 60, 135 };
	struct bpf_asm *a = e->a;
	unsigned authentication = bpf_asm_label(a), options = bpf_asm_label(a);
	unsigned have_length = bpf_asm_label(a), next = bpf_asm_label(a);
	unsigned fragment = bpf_asm_label(a), known = bpf_asm_label(a);

	bpf_mov(a, R3, END);
	bpf_alu(a, BPF_SUB, R3, AT);
	bpf_jump_if_imm(a, BPF_JLT, R3, 2, transport);
	bpf_load(a, BPF_DW, R1, FRAME, e->protocol);
	bpf_jump_if_imm(a, BPF_JEQ, R1, PROTOCOL_FRAGMENT, fragment);
	bpf_jump_if_imm(a, BPF_JEQ, R1, PROTOCOL_AUTHENTICATION, known);
	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		bpf_jump_if_imm(a, BPF_JEQ, R1, plain[i], known);
	bpf_jump(a, transport);

	bpf_asm_bind(a, known);
	bpf_mov(a, R2, AT);
	bpf_emit_bytes(e, e->scratch, 2);
	bpf_mov(a, R3, END);
	bpf_alu(a, BPF_SUB, R3, AT);
	bpf_load(a, BPF_DW, R1, FRAME, e->protocol);
	bpf_load(a, BPF_B, R2, FRAME, (int16_t)(e->scratch + 1));
	bpf_jump_if_imm(a, BPF_JEQ, R1, PROTOCOL_AUTHENTICATION, authentication);
	bpf_jump(a, options);
	bpf_asm_bind(a, authentication);
	bpf_alu_imm(a, BPF_ADD, R2, 2);
	bpf_alu_imm(a, BPF_LSH, R2, 2);
	bpf_jump(a, have_length);
	bpf_asm_bind(a, options);
	bpf_alu_imm(a, BPF_ADD, R2, 1);
	bpf_alu_imm(a, BPF_LSH, R2, 3);
	bpf_asm_bind(a, have_length);
	bpf_jump_if(a, BPF_JGT, R2, R3, transport);
	bpf_load(a, BPF_B, R1, FRAME, e->scratch);
	bpf_store(a, BPF_DW, FRAME, e->protocol, R1);
	bpf_alu(a, BPF_ADD, AT, R2);
	bpf_jump(a, next);

	bpf_asm_bind(a, fragment);
	emit_fragment(e, transport, done);
	bpf_asm_bind(a, next);
}

static void emit_ipv6(struct emitter *e, unsigned transport, unsigned done)
{
	struct bpf_asm *a = e->a;

	bpf_load(a, BPF_DW, R1, FRAME, e->length);
	bpf_jump_if_imm(a, BPF_JLT, R1, 40, e->reject);
	bpf_mov_imm(a, R2, 0);
	bpf_emit_bytes(e, e->network, 40);
	bpf_mov_imm(a, FLAGS, 1 << HEADER_IPV6);
	bpf_load(a, BPF_H, R3, FRAME, (int16_t)(e->network + 4));
	bpf_from_be(a, R3, 16);
	emit_big(e, VIEW_IPV6_MOST);
	bpf_alu_imm(a, BPF_ADD, R3, 40);
	emit_end(e, 40); /* a jumbogram, or what its device has still to cut */
	bpf_load(a, BPF_B, R1, FRAME, (int16_t)(e->network + 6));
	bpf_store(a, BPF_DW, FRAME, e->protocol, R1);
	bpf_mov_imm(a, AT, 40);
	for (int i = 0; i < FILTER_BPF_EXTENSIONS; i++)
		emit_extension(e, transport, done);
	/* A packet that has still more of them is let through. */
	bpf_mov(a, R3, END);
	bpf_alu(a, BPF_SUB, R3, AT);
	bpf_jump_if_imm(a, BPF_JGE, R3, 2, e->accept);
}

/* The first `count` bytes of the transport header; to `done` when they are not there. */
static void emit_header(struct emitter *e, unsigned count, unsigned done)
{
	bpf_mov(e->a, R3, END);
	bpf_alu(e->a, BPF_SUB, R3, AT);
	bpf_jump_if_imm(e->a, BPF_JLT, R3, (int32_t)count, done);
	bpf_mov(e->a, R2, AT);
	bpf_emit_bytes(e, e->transport, count);
}

static void emit_tcp(struct emitter *e, unsigned done)
{
	struct bpf_asm *a = e->a;
	unsigned fits = bpf_asm_label(a);

	emit_header(e, 20, done);
	bpf_load(a, BPF_B, R1, FRAME, (int16_t)(e->transport + 12));
	bpf_alu_imm(a, BPF_RSH, R1, 4);
	bpf_jump_if_imm(a, BPF_JLT, R1, 5, done);
	bpf_alu_imm(a, BPF_OR, FLAGS, 1 << HEADER_TCP);
	bpf_alu_imm(a, BPF_LSH, R1, 2);
	bpf_alu(a, BPF_ADD, AT, R1);
	bpf_jump_if(a, BPF_JLE, AT, END, fits);
	bpf_mov(a, AT, END);
	bpf_asm_bind(a, fits);
	bpf_jump(a, done);
}

static void emit_transport(struct emitter *e, unsigned done)
{
	static const struct {
		int32_t protocol, header, family;
	} rows[] = {
		{ 17, HEADER_UDP, 1 << HEADER_IP | 1 << HEADER_IPV6 },
		{ 1, HEADER_ICMP, 1 << HEADER_IP },
		{ 58, HEADER_ICMPV6, 1 << HEADER_IPV6 },
	};
	struct bpf_asm *a = e->a;
	unsigned tcp = bpf_asm_label(a);

	bpf_load(a, BPF_DW, R1, FRAME, e->protocol);
	bpf_jump_if_imm(a, BPF_JEQ, R1, 6, tcp);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned other = bpf_asm_label(a), is_right = bpf_asm_label(a);

		bpf_jump_if_imm(a, BPF_JNE, R1, rows[i].protocol, other);
		bpf_jump_if_imm(a, BPF_JSET, FLAGS, rows[i].family, is_right);
		bpf_jump(a, done);
		bpf_asm_bind(a, is_right);
		emit_header(e, 8, done);
		bpf_alu_imm(a, BPF_OR, FLAGS, 1 << rows[i].header);
		bpf_alu_imm(a, BPF_ADD, AT, 8);
		bpf_jump(a, done);
		bpf_asm_bind(a, other);
	}
	bpf_jump(a, done);
	bpf_asm_bind(a, tcp);
	emit_tcp(e, done);
}

void bpf_emit_parser(struct emitter *e)
{
	struct bpf_asm *a = e->a;
	unsigned ipv6 = bpf_asm_label(a), transport = bpf_asm_label(a);
	unsigned done = bpf_asm_label(a);

	emit_frame(e);
	emit_length(e);
	bpf_jump_if_imm(a, BPF_JLT, R1, 20, e->reject);
	bpf_mov_imm(a, R2, 0);
	bpf_emit_bytes(e, e->network, 20);
	bpf_load(a, BPF_B, R1, FRAME, e->network);
	bpf_alu_imm(a, BPF_RSH, R1, 4);
	bpf_jump_if_imm(a, BPF_JEQ, R1, 6, ipv6);
	bpf_jump_if_imm(a, BPF_JNE, R1, 4, e->reject);
	emit_ipv4(e, transport, done);
	bpf_asm_bind(a, ipv6);
	emit_ipv6(e, transport, done);
	bpf_asm_bind(a, transport);
	emit_transport(e, done);
	bpf_asm_bind(a, done);
}
