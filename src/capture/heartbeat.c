#include "capture/heartbeat.h"

#include "filter/bpf_emit.h"
#include "port/bpf.h"

#include <stddef.h>
#include <unistd.h>

_Static_assert(sizeof(struct heartbeat_slot) == 64, "the program shifts by 6");
_Static_assert((HEARTBEAT_SLOTS & (HEARTBEAT_SLOTS - 1)) == 0, "the program masks");

#define SLOT(member) ((int16_t)offsetof(struct heartbeat_slot, member))

enum {
	R0 = BPF_REG_0,
	R1 = BPF_REG_1,
	CONTEXT = BPF_REG_6,
	LENGTH = BPF_REG_7,
	AGE = BPF_REG_8,
	COUNTS = BPF_REG_9, /* this processor's slot */
};

struct heartbeat_plan {
	int64_t stall_ns;
	const struct filter *filter;
};

void heartbeat_init(struct heartbeat *h)
{
	*h = (struct heartbeat){ .map_fd = -1 };
	for (unsigned side = 0; side < HEARTBEAT_SIDES; side++)
		h->program_fd[side] = -1;
}

static void emit_count(struct bpf_asm *a, int16_t packets, int16_t bytes, int verdict)
{
	bpf_mov_imm(a, R1, 1);
	bpf_atomic_add(a, BPF_DW, COUNTS, packets, R1);
	bpf_atomic_add(a, BPF_DW, COUNTS, bytes, LENGTH);
	bpf_mov_imm(a, R0, verdict);
	bpf_exit(a);
}

static void emit_slot(struct bpf_asm *a, int map_fd)
{
	bpf_call(a, BPF_FUNC_get_smp_processor_id);
	bpf_alu_imm(a, BPF_AND, R0, HEARTBEAT_SLOTS - 1);
	bpf_alu_imm(a, BPF_LSH, R0, 6);
	bpf_map_value(a, COUNTS, map_fd, offsetof(struct heartbeat_page, slots));
	bpf_alu(a, BPF_ADD, COUNTS, R0);
}

static void emit_beat(struct bpf_asm *a, int map_fd, int64_t stall_ns)
{
	unsigned stale = bpf_asm_label(a);

	bpf_load(a, BPF_W, LENGTH, CONTEXT, (int16_t)offsetof(struct __sk_buff, len));
	emit_slot(a, map_fd);
	if (stall_ns) {
		bpf_call(a, BPF_FUNC_ktime_get_ns);
		bpf_mov(a, AGE, R0);
		bpf_map_value(a, R1, map_fd, offsetof(struct heartbeat_page, beat_ns));
		bpf_load(a, BPF_DW, R1, R1, 0);
		bpf_alu(a, BPF_SUB, AGE, R1);
		bpf_mov_imm64(a, R1, (uint64_t)stall_ns);
		bpf_jump_if(a, BPF_JSGT, AGE, R1, stale);
	}
	emit_count(a, SLOT(matched_packets), SLOT(matched_bytes), 1);
	bpf_asm_bind(a, stale);
	if (stall_ns)
		emit_count(a, SLOT(passed_packets), SLOT(passed_bytes), 0);
}

/* What is known at each place.  skb->dev is not set yet on output, and in forward it is where the
 * packet came from. */
static struct filter_bpf_env environment(enum heartbeat_side side)
{
	struct filter_bpf_env env = { .sub_if_idx = FILTER_BPF_CONST };

	if (side == HEARTBEAT_FORWARD)
		return env;
	env.outbound = FILTER_BPF_CONST;
	env.is_outbound = side == HEARTBEAT_OUTPUT;
	if (side == HEARTBEAT_INPUT) {
		/* The rule takes no loopback packets there. */
		env.loopback = FILTER_BPF_CONST;
		env.if_idx = FILTER_BPF_SKB;
	}
	return env;
}

static int emit(struct bpf_asm *a, const struct heartbeat *h, enum heartbeat_side side,
		const struct heartbeat_plan *plan, struct weir_error *err)
{
	struct filter_bpf_env env = environment(side);
	unsigned accept = bpf_asm_label(a), reject = bpf_asm_label(a);
	bool is_exact;
	int rc = 0;

	bpf_mov(a, CONTEXT, R1);
	if (plan->filter) {
		rc = filter_bpf_emit(plan->filter, &env, a, accept, reject, &is_exact,
				     err);
		bpf_asm_bind(a, reject);
		bpf_mov_imm(a, R0, 0);
		bpf_exit(a);
	} else {
		bpf_asm_bind(a, reject);
	}
	bpf_asm_bind(a, accept);
	emit_beat(a, h->map_fd, plan->stall_ns);
	return rc;
}

static int load(struct heartbeat *h, enum heartbeat_side side,
		const struct heartbeat_plan *plan, struct weir_error *err)
{
	struct port_bpf_program spec = { .type = BPF_PROG_TYPE_SOCKET_FILTER,
					 .name = "weir_beat" };
	struct bpf_asm a;
	int rc;

	bpf_asm_init(&a);
	rc = emit(&a, h, side, plan, err);
	if (!rc)
		rc = bpf_asm_finish(&a, err);
	if (!rc) {
		spec.insns = a.insns;
		spec.count = a.count;
		rc = port_bpf_program_load(&spec, err);
	}
	bpf_asm_fini(&a);
	if (rc < 0)
		return rc;
	h->program_fd[side] = rc;
	return 0;
}

static void unload(struct heartbeat *h)
{
	for (unsigned side = 0; side < HEARTBEAT_SIDES; side++) {
		if (h->program_fd[side] >= 0)
			(void)close(h->program_fd[side]);
		h->program_fd[side] = -1;
	}
}

static int load_all(struct heartbeat *h, const struct heartbeat_plan *plan,
		    struct weir_error *err)
{
	int rc = 0;

	for (unsigned side = 0; side < HEARTBEAT_SIDES && !rc; side++)
		rc = load(h, (enum heartbeat_side)side, plan, err);
	if (rc)
		unload(h);
	else
		h->has_filter = plan->filter != NULL;
	return rc;
}

int heartbeat_open(struct heartbeat *h, int64_t stall_ns, const struct filter *filter,
		   struct weir_error *err)
{
	const struct port_bpf_map spec = { .type = BPF_MAP_TYPE_ARRAY,
					   .key_bytes = 4,
					   .value_bytes = sizeof(struct heartbeat_page),
					   .entries = 1,
					   .flags = BPF_F_MMAPABLE,
					   .name = "weir_beat" };
	struct heartbeat_plan plan = { .stall_ns = stall_ns, .filter = filter };
	int rc;

	heartbeat_init(h);
	rc = port_bpf_map_create(&spec, err);
	if (rc < 0)
		return rc;
	h->map_fd = rc;
	h->page = port_bpf_map_pages(h->map_fd, sizeof *h->page, err);
	rc = h->page ? load_all(h, &plan, err) : WEIR_ERR_SYSTEM;
	if (rc && h->page && filter) {
		plan.filter = NULL;
		rc = load_all(h, &plan, err);
	}
	if (rc)
		heartbeat_close(h);
	return rc;
}

void heartbeat_close(struct heartbeat *h)
{
	if (h->page)
		port_bpf_map_pages_free(h->page, sizeof *h->page);
	unload(h);
	if (h->map_fd >= 0)
		(void)close(h->map_fd);
	heartbeat_init(h);
}

static uint64_t read_count(const _Atomic uint64_t *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

void heartbeat_counts(const struct heartbeat *h, struct heartbeat_counts *counts)
{
	*counts = (struct heartbeat_counts){ 0 };
	for (unsigned i = 0; i < HEARTBEAT_SLOTS; i++) {
		const struct heartbeat_slot *s = &h->page->slots[i];

		counts->matched_packets += read_count(&s->matched_packets);
		counts->matched_bytes += read_count(&s->matched_bytes);
		counts->passed_packets += read_count(&s->passed_packets);
		counts->passed_bytes += read_count(&s->passed_bytes);
	}
}
