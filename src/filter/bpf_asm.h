/* A small assembler for eBPF: instructions one after the other, jumps to labels.
 *
 * Calling sequence:
 *	bpf_asm_init(&a);
 *	out = bpf_asm_label(&a);
 *	bpf_jump_if_imm(&a, BPF_JEQ, BPF_REG_1, 0, out);
 *	...
 *	bpf_asm_bind(&a, out);
 *	bpf_mov_imm(&a, BPF_REG_0, 0);
 *	bpf_exit(&a);
 *	rc = bpf_asm_finish(&a, err);	then a.insns, a.count
 *	bpf_asm_fini(&a);
 *
 * Errors are kept until finish: no memory, more than BPF_ASM_MAX instructions, a label that is not
 * bound, a jump further than 32767 instructions (LIMIT).  Jumps go forward or back; the verifier
 * decides about loops.
 * Ownership: the instructions belong to the assembler.  Threads: one at a time.
 * Facts: linux/bpf.h; Documentation/bpf/standardization/instruction-set.rst of the kernel. */
#ifndef WEIR_FILTER_BPF_ASM_H
#define WEIR_FILTER_BPF_ASM_H

#include "base/compiler.h"
#include "weir/error.h"

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BPF_ASM_MAX 30000 /* so that every jump fits its 16 bits */

struct bpf_asm_jump {
	uint32_t at, label;
};

struct bpf_asm {
	struct bpf_insn *insns;
	size_t count, capacity;
	int64_t *labels; /* label -> instruction, -1 while unbound */
	size_t label_count, label_capacity;
	struct bpf_asm_jump *jumps;
	size_t jump_count, jump_capacity;
	enum weir_err failed;
};

void bpf_asm_init(struct bpf_asm *a);
void bpf_asm_fini(struct bpf_asm *a);
unsigned bpf_asm_label(struct bpf_asm *a);
void bpf_asm_bind(struct bpf_asm *a, unsigned label);
/* Drops instructions that no path reaches (the verifier refuses them) and resolves the jumps; the
 * instructions may be loaded after success. */
int bpf_asm_finish(struct bpf_asm *a, struct weir_error *err) MUST_CHECK;

/* 64 bits wide: dst = src, dst = imm (sign extended), dst OP= src, dst OP= imm; op is BPF_ADD,
 * BPF_AND, BPF_LSH, ... */
void bpf_mov(struct bpf_asm *a, int dst, int src);
void bpf_mov_imm(struct bpf_asm *a, int dst, int32_t imm);
void bpf_mov_imm64(struct bpf_asm *a, int dst, uint64_t imm);
void bpf_alu(struct bpf_asm *a, int op, int dst, int src);
void bpf_alu_imm(struct bpf_asm *a, int op, int dst, int32_t imm);
/* dst = the low `bits` (16, 32, 64) of dst turned from big endian to host order. */
void bpf_from_be(struct bpf_asm *a, int dst, int bits);

/* size is BPF_B, BPF_H, BPF_W or BPF_DW. */
void bpf_load(struct bpf_asm *a, int size, int dst, int src, int16_t off);
void bpf_store(struct bpf_asm *a, int size, int dst, int16_t off, int src);
void bpf_store_imm(struct bpf_asm *a, int size, int dst, int16_t off, int32_t imm);
/* *(u32 or u64 *)(dst + off) += src, atomically; size BPF_W or BPF_DW. */
void bpf_atomic_add(struct bpf_asm *a, int size, int dst, int16_t off, int src);
/* A map's descriptor as a helper's argument, or the address of byte `off` of its only value (an
 * array map of one entry; kernel 5.2). */
void bpf_map_fd(struct bpf_asm *a, int dst, int fd);
void bpf_map_value(struct bpf_asm *a, int dst, int fd, uint32_t off);

/* op is BPF_JEQ, BPF_JNE, BPF_JGT, BPF_JGE, BPF_JLT, BPF_JLE (unsigned), BPF_JSGT, ..., BPF_JSET.
 * An immediate is sign extended to 64 bits; the 32 forms compare the low halves. */
void bpf_jump(struct bpf_asm *a, unsigned label);
void bpf_jump_if(struct bpf_asm *a, int op, int dst, int src, unsigned label);
void bpf_jump_if_imm(struct bpf_asm *a, int op, int dst, int32_t imm, unsigned label);
void bpf_jump32_if(struct bpf_asm *a, int op, int dst, int src, unsigned label);
void bpf_jump32_if_imm(struct bpf_asm *a, int op, int dst, int32_t imm, unsigned label);

/* R1-R5 in, R0 out, R1-R5 lost. */
void bpf_call(struct bpf_asm *a, enum bpf_func_id helper);
void bpf_exit(struct bpf_asm *a);

#endif
