/* An interpreter for the eBPF that filter/bpf_emit.c makes: enough of the instruction set, a stack,
 * a context of which some members can be read, and the two helpers that load bytes.  It aborts on
 * what the verifier would refuse: a read of stack bytes never written, or outside stack and
 * context. */
#ifndef TESTS_BPF_RUN_H
#define TESTS_BPF_RUN_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BPF_RUN_STACK 512
#define BPF_RUN_CTX   UINT64_C(0x10000000) /* the context's address */
#define BPF_RUN_FRAME UINT64_C(0x20000000) /* R10 */
#define BPF_RUN_STEPS 100000

struct bpf_run {
	const uint8_t *packet; /* from the IP header on */
	size_t length;
	struct __sk_buff context;
	uint64_t r[11];
	uint8_t stack[BPF_RUN_STACK];
	bool is_written[BPF_RUN_STACK];
};

static void bpf_run_check(bool is_right)
{
	if (!is_right)
		abort();
}

static size_t bpf_run_slot(uint64_t address, size_t size)
{
	uint64_t at = address + BPF_RUN_STACK - BPF_RUN_FRAME;

	bpf_run_check(at + size <= BPF_RUN_STACK && at % (size > 8 ? 1 : size) == 0);
	return (size_t)at;
}

static size_t bpf_run_size(uint8_t code)
{
	switch (BPF_SIZE(code)) {
	case BPF_B:
		return 1;
	case BPF_H:
		return 2;
	case BPF_W:
		return 4;
	default:
		return 8;
	}
}

static void bpf_run_load(struct bpf_run *m, const struct bpf_insn *i)
{
	size_t size = bpf_run_size(i->code);
	uint64_t from = m->r[i->src_reg] + (uint64_t)(int64_t)i->off, v = 0;

	if (from - BPF_RUN_CTX < sizeof m->context) {
		bpf_run_check(from - BPF_RUN_CTX + size <= sizeof m->context);
		memcpy(&v, (const char *)&m->context + (from - BPF_RUN_CTX), size);
	} else {
		size_t at = bpf_run_slot(from, size);

		for (size_t k = 0; k < size; k++)
			bpf_run_check(m->is_written[at + k]);
		memcpy(&v, m->stack + at, size);
	}
	m->r[i->dst_reg] = v;
}

static void bpf_run_store(struct bpf_run *m, const struct bpf_insn *i)
{
	size_t size = bpf_run_size(i->code);
	size_t at = bpf_run_slot(m->r[i->dst_reg] + (uint64_t)(int64_t)i->off, size);
	uint64_t v = BPF_CLASS(i->code) == BPF_ST ? (uint64_t)(int64_t)i->imm
						  : m->r[i->src_reg];

	memcpy(m->stack + at, &v, size);
	memset(m->is_written + at, true, size);
}

static void bpf_run_call(struct bpf_run *m, int32_t helper)
{
	uint64_t offset = m->r[2], size = m->r[4];
	size_t at = bpf_run_slot(m->r[3], 1);

	bpf_run_check(helper == BPF_FUNC_skb_load_bytes_relative ||
		      helper == BPF_FUNC_skb_load_bytes);
	bpf_run_check(m->r[1] == BPF_RUN_CTX && at + size <= BPF_RUN_STACK);
	memset(m->is_written + at, true, size);
	if (offset > 0xffff || offset + size > m->length) {
		memset(m->stack + at, 0, size);
		m->r[0] = (uint64_t)-14;
	} else {
		memcpy(m->stack + at, m->packet + offset, size);
		m->r[0] = 0;
	}
	for (int k = 1; k <= 5; k++)
		m->r[k] = UINT64_C(0xdeadbeefdeadbeef);
}

static uint64_t bpf_run_swap(uint64_t v, int bits)
{
	if (bits == 16)
		return __builtin_bswap16((uint16_t)v);
	return bits == 32 ? __builtin_bswap32((uint32_t)v) : __builtin_bswap64(v);
}

static void bpf_run_alu(struct bpf_run *m, const struct bpf_insn *i)
{
	uint64_t *d = &m->r[i->dst_reg];
	uint64_t s =
		BPF_SRC(i->code) == BPF_X ? m->r[i->src_reg] : (uint64_t)(int64_t)i->imm;

	if (BPF_CLASS(i->code) == BPF_ALU) {
		bpf_run_check(BPF_OP(i->code) == BPF_END);
		*d = bpf_run_swap(*d, i->imm);
		return;
	}
	switch (BPF_OP(i->code)) {
	case BPF_MOV:
		*d = s;
		return;
	case BPF_ADD:
		*d += s;
		return;
	case BPF_SUB:
		*d -= s;
		return;
	case BPF_AND:
		*d &= s;
		return;
	case BPF_OR:
		*d |= s;
		return;
	case BPF_XOR:
		*d ^= s;
		return;
	case BPF_LSH:
		*d <<= s;
		return;
	case BPF_RSH:
		*d >>= s;
		return;
	default:
		bpf_run_check(false);
	}
}

static bool bpf_run_jumps(const struct bpf_run *m, const struct bpf_insn *i)
{
	uint64_t d = m->r[i->dst_reg];
	uint64_t s =
		BPF_SRC(i->code) == BPF_X ? m->r[i->src_reg] : (uint64_t)(int64_t)i->imm;

	if (BPF_CLASS(i->code) == BPF_JMP32) {
		d = (uint32_t)d;
		s = (uint32_t)s;
	}
	switch (BPF_OP(i->code)) {
	case BPF_JA:
		return true;
	case BPF_JEQ:
		return d == s;
	case BPF_JNE:
		return d != s;
	case BPF_JLT:
		return d < s;
	case BPF_JLE:
		return d <= s;
	case BPF_JGT:
		return d > s;
	case BPF_JGE:
		return d >= s;
	case BPF_JSET:
		return d & s;
	default:
		bpf_run_check(false);
		return false;
	}
}

/* What the program returns for the packet; m->packet, length and context are set. */
static inline uint64_t bpf_run(struct bpf_run *m, const struct bpf_insn *insns,
			       size_t count)
{
	size_t at = 0;

	m->r[1] = BPF_RUN_CTX;
	m->r[10] = BPF_RUN_FRAME;
	for (int steps = 0; steps < BPF_RUN_STEPS; steps++) {
		const struct bpf_insn *i = &insns[at++];

		bpf_run_check(at <= count);
		switch (BPF_CLASS(i->code)) {
		case BPF_LD:
			m->r[i->dst_reg] = (uint32_t)i->imm |
					   (uint64_t)(uint32_t)insns[at].imm << 32;
			at++;
			break;
		case BPF_LDX:
			bpf_run_load(m, i);
			break;
		case BPF_ST:
		case BPF_STX:
			bpf_run_store(m, i);
			break;
		case BPF_ALU:
		case BPF_ALU64:
			bpf_run_alu(m, i);
			break;
		default:
			if (i->code == (BPF_JMP | BPF_EXIT))
				return m->r[0];
			if (i->code == (BPF_JMP | BPF_CALL))
				bpf_run_call(m, i->imm);
			else if (bpf_run_jumps(m, i))
				at = (size_t)((int64_t)at + i->off);
		}
	}
	abort();
}

#endif
