#include "filter/bpf_asm.h"

#include "base/mem.h"

void bpf_asm_init(struct bpf_asm *a)
{
	memset(a, 0, sizeof *a);
}

void bpf_asm_fini(struct bpf_asm *a)
{
	mem_free(a->insns);
	mem_free(a->labels);
	mem_free(a->jumps);
	bpf_asm_init(a);
}

/* Room for one more element; false, with the reason kept, when there is none. */
static bool make_room(struct bpf_asm *a, void **array, size_t count, size_t *capacity,
		      size_t size)
{
	size_t more = *capacity ? *capacity * 2 : 64;
	void *p;

	if (a->failed || count < *capacity)
		return !a->failed;
	if (more > 4 * (size_t)BPF_ASM_MAX) {
		a->failed = WEIR_ERR_LIMIT;
		return false;
	}
	p = mem_grow(*array, more, size);
	if (!p) {
		a->failed = WEIR_ERR_NO_MEMORY;
		return false;
	}
	*array = p;
	*capacity = more;
	return true;
}

unsigned bpf_asm_label(struct bpf_asm *a)
{
	void *labels = a->labels;
	bool fits = make_room(a, &labels, a->label_count, &a->label_capacity,
			      sizeof *a->labels);

	a->labels = labels;
	if (!fits)
		return 0;
	a->labels[a->label_count] = -1;
	return (unsigned)a->label_count++;
}

void bpf_asm_bind(struct bpf_asm *a, unsigned label)
{
	if (!a->failed && label < a->label_count)
		a->labels[label] = (int64_t)a->count;
}

static void emit(struct bpf_asm *a, int code, int dst, int src, int16_t off, int32_t imm)
{
	void *insns = a->insns;
	bool fits = make_room(a, &insns, a->count, &a->capacity, sizeof *a->insns);

	a->insns = insns;
	if (fits && a->count == BPF_ASM_MAX) {
		a->failed = WEIR_ERR_LIMIT;
		fits = false;
	}
	if (!fits)
		return;
	a->insns[a->count++] = (struct bpf_insn){ .code = (uint8_t)code,
						  .dst_reg = (uint8_t)(dst & 15),
						  .src_reg = (uint8_t)(src & 15),
						  .off = off,
						  .imm = imm };
}

static void emit_jump(struct bpf_asm *a, int code, int dst, int src, int32_t imm,
		      unsigned label)
{
	void *jumps = a->jumps;
	bool fits =
		make_room(a, &jumps, a->jump_count, &a->jump_capacity, sizeof *a->jumps);

	a->jumps = jumps;
	if (fits)
		a->jumps[a->jump_count++] =
			(struct bpf_asm_jump){ (uint32_t)a->count, label };
	emit(a, code, dst, src, 0, imm);
}

static int64_t target_of(const struct bpf_asm *a, const struct bpf_asm_jump *j)
{
	return j->label < a->label_count ? a->labels[j->label] : -1;
}

static int resolve(struct bpf_asm *a, const struct bpf_asm_jump *j,
		   struct weir_error *err)
{
	int64_t to = target_of(a, j), distance = to - (int64_t)j->at - 1;

	if (to < 0)
		return err_set(err, WEIR_ERR_LIMIT,
			       "label %u of a BPF program is unbound", j->label);
	if (distance < INT16_MIN || distance > INT16_MAX)
		return err_set(err, WEIR_ERR_LIMIT,
			       "a jump of a BPF program goes %lld instructions far, "
			       "more than %d",
			       (long long)distance, INT16_MAX);
	a->insns[j->at].off = (int16_t)distance;
	return 0;
}

static bool is_end(const struct bpf_insn *i)
{
	return i->code == (BPF_JMP | BPF_JA) || i->code == (BPF_JMP | BPF_EXIT);
}

/* BPF_IMM is 0. */
#define LOAD_IMM64 (BPF_LD | BPF_DW)

static bool is_wide(const struct bpf_insn *i)
{
	return i->code == LOAD_IMM64;
}

/* Follows the program from `at` on until it ends or joins what was seen; the targets of the jumps
 * passed go to the stack, each instruction at most once. */
static size_t follow(const struct bpf_asm *a, int64_t at, bool *is_reached,
		     const uint32_t *jump_at, int64_t *stack, size_t depth)
{
	while (at >= 0 && (size_t)at < a->count && !is_reached[at]) {
		const struct bpf_insn *i = &a->insns[at];

		is_reached[at] = true;
		if (jump_at[at])
			stack[depth++] = target_of(a, &a->jumps[jump_at[at] - 1]);
		if (is_end(i))
			break;
		if (is_wide(i) && (size_t)at + 1 < a->count)
			is_reached[++at] = true;
		at++;
	}
	return depth;
}

/* Takes out what is not reached; labels and jumps move along. */
static void close_gaps(struct bpf_asm *a, const bool *is_reached, int64_t *place)
{
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < a->count; i++) {
		place[i] = (int64_t)n;
		if (is_reached[i])
			a->insns[n++] = a->insns[i];
	}
	place[a->count] = (int64_t)n;
	for (size_t i = 0; i < a->label_count; i++)
		if (a->labels[i] >= 0)
			a->labels[i] = place[a->labels[i]];
	for (size_t i = 0; i < a->jump_count; i++) {
		struct bpf_asm_jump j = a->jumps[i];

		if (!is_reached[j.at])
			continue;
		j.at = (uint32_t)place[j.at];
		a->jumps[kept++] = j;
	}
	a->jump_count = kept;
	a->count = n;
}

/* The verifier refuses a program with instructions that cannot be reached. */
static int drop_unreachable(struct bpf_asm *a)
{
	bool *is_reached = mem_new(a->count + 1, sizeof *is_reached);
	int64_t *work = mem_new(a->count + a->jump_count + 1, sizeof *work);
	uint32_t *jump_at = mem_new(a->count + 1, sizeof *jump_at);
	size_t depth = 1; /* of the work still to do, which begins with instruction 0 */
	int rc = WEIR_ERR_NO_MEMORY;

	if (is_reached && work && jump_at) {
		for (size_t i = 0; i < a->jump_count; i++)
			jump_at[a->jumps[i].at] = (uint32_t)i + 1;
		while (depth) {
			depth--;
			depth = follow(a, work[depth], is_reached, jump_at, work, depth);
		}
		close_gaps(a, is_reached, work);
		rc = 0;
	}
	mem_free(is_reached);
	mem_free(work);
	mem_free(jump_at);
	return rc;
}

int bpf_asm_finish(struct bpf_asm *a, struct weir_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < a->jump_count && !a->failed && !rc; i++)
		if (target_of(a, &a->jumps[i]) < 0)
			rc = resolve(a, &a->jumps[i], err);
	if (!rc && !a->failed)
		a->failed = (enum weir_err)drop_unreachable(a);
	if (a->failed == WEIR_ERR_NO_MEMORY)
		return err_set(err, a->failed, "no memory for a BPF program");
	if (a->failed)
		return err_set(err, a->failed,
			       "a BPF program has more than %d instructions",
			       BPF_ASM_MAX);
	for (size_t i = 0; i < a->jump_count && !rc; i++)
		rc = resolve(a, &a->jumps[i], err);
	return rc;
}

void bpf_mov(struct bpf_asm *a, int dst, int src)
{
	emit(a, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}

void bpf_mov_imm(struct bpf_asm *a, int dst, int32_t imm)
{
	emit(a, BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm);
}

/* Two instruction slots: the second carries the upper half. */
static void load_imm64(struct bpf_asm *a, int dst, int src, uint64_t imm)
{
	emit(a, LOAD_IMM64, dst, src, 0, (int32_t)(uint32_t)imm);
	emit(a, 0, 0, 0, 0, (int32_t)(uint32_t)(imm >> 32));
}

void bpf_mov_imm64(struct bpf_asm *a, int dst, uint64_t imm)
{
	if (imm <= INT32_MAX || imm >= (uint64_t)(int64_t)INT32_MIN)
		bpf_mov_imm(a, dst, (int32_t)(uint32_t)imm);
	else
		load_imm64(a, dst, 0, imm);
}

void bpf_map_fd(struct bpf_asm *a, int dst, int fd)
{
	load_imm64(a, dst, BPF_PSEUDO_MAP_FD, (uint32_t)fd);
}

void bpf_map_value(struct bpf_asm *a, int dst, int fd, uint32_t off)
{
	load_imm64(a, dst, BPF_PSEUDO_MAP_VALUE, (uint64_t)off << 32 | (uint32_t)fd);
}

void bpf_alu(struct bpf_asm *a, int op, int dst, int src)
{
	emit(a, BPF_ALU64 | op | BPF_X, dst, src, 0, 0);
}

void bpf_alu_imm(struct bpf_asm *a, int op, int dst, int32_t imm)
{
	emit(a, BPF_ALU64 | op | BPF_K, dst, 0, 0, imm);
}

void bpf_from_be(struct bpf_asm *a, int dst, int bits)
{
	emit(a, BPF_ALU | BPF_END | BPF_TO_BE, dst, 0, 0, bits);
}

void bpf_load(struct bpf_asm *a, int size, int dst, int src, int16_t off)
{
	emit(a, BPF_LDX | BPF_MEM | size, dst, src, off, 0);
}

void bpf_store(struct bpf_asm *a, int size, int dst, int16_t off, int src)
{
	emit(a, BPF_STX | BPF_MEM | size, dst, src, off, 0);
}

void bpf_store_imm(struct bpf_asm *a, int size, int dst, int16_t off, int32_t imm)
{
	emit(a, BPF_ST | BPF_MEM | size, dst, 0, off, imm);
}

void bpf_atomic_add(struct bpf_asm *a, int size, int dst, int16_t off, int src)
{
	emit(a, BPF_STX | BPF_ATOMIC | size, dst, src, off, BPF_ADD);
}

void bpf_jump(struct bpf_asm *a, unsigned label)
{
	emit_jump(a, BPF_JMP | BPF_JA, 0, 0, 0, label);
}

void bpf_jump_if(struct bpf_asm *a, int op, int dst, int src, unsigned label)
{
	emit_jump(a, BPF_JMP | op | BPF_X, dst, src, 0, label);
}

void bpf_jump_if_imm(struct bpf_asm *a, int op, int dst, int32_t imm, unsigned label)
{
	emit_jump(a, BPF_JMP | op | BPF_K, dst, 0, imm, label);
}

void bpf_jump32_if(struct bpf_asm *a, int op, int dst, int src, unsigned label)
{
	emit_jump(a, BPF_JMP32 | op | BPF_X, dst, src, 0, label);
}

void bpf_jump32_if_imm(struct bpf_asm *a, int op, int dst, int32_t imm, unsigned label)
{
	emit_jump(a, BPF_JMP32 | op | BPF_K, dst, 0, imm, label);
}

void bpf_call(struct bpf_asm *a, enum bpf_func_id helper)
{
	emit(a, BPF_JMP | BPF_CALL, 0, 0, 0, (int32_t)helper);
}

void bpf_exit(struct bpf_asm *a)
{
	emit(a, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}
