/* The assembler's instructions, jumps and limits; and, with the right to, that the kernel takes
 * and runs what it made. */
#include "filter/bpf_asm.h"
#include "lib/tap.h"
#include "port/bpf.h"

#include <unistd.h>

/* R0 = length of the packet > 20 ? 7 : 9 */
static void assemble(struct bpf_asm *a)
{
	unsigned is_long = bpf_asm_label(a), end = bpf_asm_label(a);

	bpf_load(a, BPF_W, BPF_REG_2, BPF_REG_1, 0);
	bpf_jump_if_imm(a, BPF_JGT, BPF_REG_2, 20, is_long);
	bpf_mov_imm(a, BPF_REG_0, 9);
	bpf_jump(a, end);
	bpf_asm_bind(a, is_long);
	bpf_mov_imm(a, BPF_REG_0, 7);
	bpf_asm_bind(a, end);
	bpf_exit(a);
}

static void test_jumps_are_resolved(void)
{
	struct bpf_asm a;

	bpf_asm_init(&a);
	assemble(&a);
	CHECK_EQ(bpf_asm_finish(&a, NULL), 0);
	CHECK_EQ(a.count, 6);
	CHECK_EQ(a.insns[1].off, 2);
	CHECK_EQ(a.insns[3].off, 1);
	CHECK_EQ(a.insns[1].code, BPF_JMP | BPF_JGT | BPF_K);
	bpf_asm_fini(&a);
}

static void test_wide_constants_take_two_slots(void)
{
	struct bpf_asm a;

	bpf_asm_init(&a);
	bpf_mov_imm64(&a, BPF_REG_3, 5);
	bpf_mov_imm64(&a, BPF_REG_3, UINT64_C(0x1122334455667788));
	bpf_mov_imm64(&a, BPF_REG_3, UINT64_MAX);
	CHECK_EQ(bpf_asm_finish(&a, NULL), 0);
	CHECK_EQ(a.count, 4);
	CHECK_EQ(a.insns[1].imm, 0x55667788);
	CHECK_EQ(a.insns[2].imm, 0x11223344);
	CHECK_EQ(a.insns[3].imm, -1);
	bpf_asm_fini(&a);
}

static void test_unreachable_is_dropped(void)
{
	struct bpf_asm a;
	unsigned end;

	bpf_asm_init(&a);
	end = bpf_asm_label(&a);
	bpf_mov_imm(&a, BPF_REG_0, 1);
	bpf_jump(&a, end);
	bpf_mov_imm64(&a, BPF_REG_0, UINT64_C(1) << 40);
	bpf_jump_if_imm(&a, BPF_JEQ, BPF_REG_0, 0, end);
	bpf_asm_bind(&a, end);
	bpf_exit(&a);
	bpf_exit(&a);
	CHECK_EQ(bpf_asm_finish(&a, NULL), 0);
	CHECK_EQ(a.count, 3);
	CHECK_EQ(a.insns[1].off, 0);
	CHECK_EQ(a.insns[2].code, BPF_JMP | BPF_EXIT);
	bpf_asm_fini(&a);
}

static void test_unbound_label_is_an_error(void)
{
	struct bpf_asm a;

	bpf_asm_init(&a);
	bpf_jump(&a, bpf_asm_label(&a));
	CHECK_EQ(bpf_asm_finish(&a, NULL), WEIR_ERR_LIMIT);
	bpf_asm_fini(&a);
}

static void test_too_long_is_an_error(void)
{
	struct weir_error err = { 0 };
	struct bpf_asm a;

	bpf_asm_init(&a);
	for (int i = 0; i <= BPF_ASM_MAX; i++)
		bpf_exit(&a);
	CHECK_EQ(bpf_asm_finish(&a, &err), WEIR_ERR_LIMIT);
	CHECK_STR(err.text, "a BPF program has more than 30000 instructions");
	bpf_asm_fini(&a);
}

static void test_kernel_runs_it(void)
{
	struct weir_error err = { 0 };
	uint8_t frame[64] = { [12] = 8 };
	uint32_t result = 0;
	struct bpf_asm a;
	int fd;

	bpf_asm_init(&a);
	assemble(&a);
	CHECK_EQ(bpf_asm_finish(&a, NULL), 0);
	fd = port_bpf_program_load(
		&(struct port_bpf_program){ .type = BPF_PROG_TYPE_SOCKET_FILTER,
					    .insns = a.insns,
					    .count = a.count,
					    .name = "weir_test" },
		&err);
	bpf_asm_fini(&a);
	if (fd == WEIR_ERR_PRIVILEGE || fd == WEIR_ERR_UNSUPPORTED)
		SKIP("bpf(2) is not allowed here");
	CHECK(fd >= 0);
	CHECK_EQ(port_bpf_program_run(fd, frame, 64, &result, &err), 0);
	CHECK_EQ(result, 7);
	CHECK_EQ(port_bpf_program_run(fd, frame, 34, &result, &err), 0);
	CHECK_EQ(result, 9);
	(void)close(fd);
}

static void test_refusal_names_the_verifiers_reason(void)
{
	struct weir_error err = { 0 };
	struct bpf_insn bad = { .code = BPF_JMP | BPF_EXIT };
	int fd = port_bpf_program_load(
		&(struct port_bpf_program){ .type = BPF_PROG_TYPE_SOCKET_FILTER,
					    .insns = &bad,
					    .count = 1,
					    .name = "weir_test" },
		&err);

	if (fd == WEIR_ERR_PRIVILEGE || fd == WEIR_ERR_UNSUPPORTED)
		SKIP("bpf(2) is not allowed here");
	CHECK(fd < 0);
	CHECK(strstr(err.text, "R0 !read_ok") != NULL);
}

static void test_map_is_shared_with_its_pages(void)
{
	struct weir_error err = { 0 };
	uint64_t value = 0;
	uint32_t key = 0, other = 1;
	uint64_t *pages;
	int fd = port_bpf_map_create(&(struct port_bpf_map){ .type = BPF_MAP_TYPE_ARRAY,
							     .key_bytes = 4,
							     .value_bytes = 8,
							     .entries = 1,
							     .flags = BPF_F_MMAPABLE,
							     .name = "weir_test" },
				     &err);

	if (fd == WEIR_ERR_PRIVILEGE || fd == WEIR_ERR_UNSUPPORTED)
		SKIP("bpf(2) is not allowed here");
	CHECK(fd >= 0);
	pages = port_bpf_map_pages(fd, 4096, &err);
	CHECK(pages != NULL);
	if (pages) {
		pages[0] = 42;
		CHECK_EQ(port_bpf_map_lookup(fd, &key, &value, &err), 0);
		CHECK_EQ(value, 42);
		value = 43;
		CHECK_EQ(port_bpf_map_update(fd, &key, &value, &err), 0);
		CHECK_EQ(pages[0], 43);
		port_bpf_map_pages_free(pages, 4096);
	}
	CHECK_EQ(port_bpf_map_lookup(fd, &other, &value, &err), WEIR_ERR_ABSENT);
	(void)close(fd);
}

int main(void)
{
	RUN(test_jumps_are_resolved);
	RUN(test_wide_constants_take_two_slots);
	RUN(test_unreachable_is_dropped);
	RUN(test_unbound_label_is_an_error);
	RUN(test_too_long_is_an_error);
	RUN(test_kernel_runs_it);
	RUN(test_refusal_names_the_verifiers_reason);
	RUN(test_map_is_shared_with_its_pages);
	return tap_done();
}
