/* A filter and packets made of the input: the eBPF program, run by an interpreter, accepts what the
 * evaluator accepts, and nothing else where it says that it is exact. */
#include "filter/bpf_emit.h"
#include "lib/bpf_run.h"
#include "lib/filter_random.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool assemble(struct bpf_asm *a, const struct filter *f,
		     const struct filter_bpf_env *env, bool *is_exact)
{
	unsigned accept = bpf_asm_label(a), reject = bpf_asm_label(a);

	bpf_mov(a, BPF_REG_6, BPF_REG_1);
	if (filter_bpf_emit(f, env, a, accept, reject, is_exact, NULL))
		return false;
	bpf_asm_bind(a, accept);
	bpf_mov_imm(a, BPF_REG_0, 1);
	bpf_exit(a);
	bpf_asm_bind(a, reject);
	bpf_mov_imm(a, BPF_REG_0, 0);
	bpf_exit(a);
	return !bpf_asm_finish(a, NULL);
}

static void compare(const struct filter *f, const struct bpf_asm *a, bool is_exact,
		    struct dice *d)
{
	struct filter_input in = { .packet = NULL };
	struct bpf_run m;
	uint8_t packet[512];
	size_t n = random_packet(d, packet);
	bool kernel, user;

	filter_input_packet(&in, packet, n);
	in.address.is_outbound = roll(d, 2);
	in.address.if_idx = roll(d, 7);
	memset(&m, 0, sizeof m);
	m.packet = packet;
	m.length = n;
	m.context.len = (uint32_t)n;
	m.context.pkt_type = in.address.is_outbound ? 4 : 0;
	m.context.ifindex = in.address.if_idx;
	kernel = bpf_run(&m, a->insns, a->count);
	user = filter_is_true(f) || filter_match(f, &in) > 0;
	if (kernel != user && (is_exact || user))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct filter_bpf_env env = { .outbound = FILTER_BPF_SKB,
					    .loopback = FILTER_BPF_CONST,
					    .if_idx = FILTER_BPF_SKB,
					    .sub_if_idx = FILTER_BPF_CONST };
	struct dice d = { .bytes = data, .left = size };
	struct filter *f;
	struct bpf_asm a;
	char text[2000];
	bool is_exact;

	if (roll(&d, 4) < 3)
		(void)random_filter(&d, text, sizeof text, FILTER_NETWORK, 3);
	else
		random_object(&d, text);
	if (filter_compile(&f, text, FILTER_NETWORK, 0, NULL))
		return 0;
	bpf_asm_init(&a);
	if (!assemble(&a, f, &env, &is_exact))
		abort();
	for (int i = 0; i < 3; i++)
		compare(f, &a, is_exact, &d);
	bpf_asm_fini(&a);
	filter_free(f);
	return 0;
}
