/* Kernel and evaluator give one verdict: random filters, each loaded as a socket filter program, on
 * random packets through BPF_PROG_TEST_RUN.  Where the program is not exact it must accept
 * whatever the evaluator accepts. */
#include "filter/bpf_emit.h"
#include "lib/bpf_run.h"
#include "lib/filter.h"
#include "lib/filter_random.h"
#include "lib/tap.h"
#include "port/bpf.h"

#include <unistd.h>

#define FILTERS 400
#define PACKETS 60
#define LINK    14

struct score {
	unsigned pairs, wrong, accepted, exact_filters, loose;
};

static uint32_t index_of(const char *name, const void *context)
{
	(void)context;
	return !strcmp(name, "eth0") ? 2 : !strcmp(name, "lo") ? 1 : 0;
}

/* Returns 1 for what the filter accepts; *is_exact is set. */
static int assemble(struct bpf_asm *a, const struct filter *f,
		    const struct filter_bpf_env *env, bool *is_exact,
		    struct weir_error *err)
{
	unsigned accept, reject;
	int rc;

	accept = bpf_asm_label(a);
	reject = bpf_asm_label(a);
	bpf_mov(a, BPF_REG_6, BPF_REG_1);
	rc = filter_bpf_emit(f, env, a, accept, reject, is_exact, err);
	bpf_asm_bind(a, accept);
	bpf_mov_imm(a, BPF_REG_0, 1);
	bpf_exit(a);
	bpf_asm_bind(a, reject);
	bpf_mov_imm(a, BPF_REG_0, 0);
	bpf_exit(a);
	return rc ? rc : bpf_asm_finish(a, err);
}

/* A descriptor, or a negative code; *is_exact is set. */
static int load(const struct filter *f, const struct filter_bpf_env *env, bool *is_exact,
		struct weir_error *err)
{
	struct bpf_asm a;
	int rc;

	bpf_asm_init(&a);
	rc = assemble(&a, f, env, is_exact, err);
	if (!rc)
		rc = port_bpf_program_load(
			&(struct port_bpf_program){ .type = BPF_PROG_TYPE_SOCKET_FILTER,
						    .insns = a.insns,
						    .count = a.count,
						    .name = "weir_filter" },
			err);
	bpf_asm_fini(&a);
	return rc;
}

/* The packet without what stands behind the end that its IP header states. */
static size_t trimmed(const uint8_t *p, size_t n)
{
	size_t stated = 0;

	if (n >= 20 && p[0] >> 4 == 4)
		stated = (size_t)p[2] << 8 | p[3];
	else if (n >= 40 && p[0] >> 4 == 6 && (p[4] || p[5]))
		stated = 40 + ((size_t)p[4] << 8 | p[5]);
	return stated && stated < n ? stated : n;
}

static struct filter_bpf_env env_of(const struct filter_input *in)
{
	return (struct filter_bpf_env){
		.outbound = FILTER_BPF_CONST,
		.loopback = FILTER_BPF_CONST,
		.if_idx = FILTER_BPF_CONST,
		.sub_if_idx = FILTER_BPF_CONST,
		.is_outbound = in->address.is_outbound,
		.is_loopback = in->address.is_loopback,
		.if_idx_value = in->address.if_idx,
		.sub_if_idx_value = in->address.sub_if_idx,
		.if_idx_of = index_of,
	};
}

/* 1, 0, or -1: the kernel does not take so short a frame. */
static int ask_kernel(int fd, const uint8_t *packet, size_t length)
{
	uint8_t frame[LINK + 512] = { [12] = 8 };
	uint32_t result;

	if (length && packet[0] >> 4 == 6) {
		frame[12] = 0x86;
		frame[13] = 0xdd;
	}
	memcpy(frame + LINK, packet, length);
	if (port_bpf_program_run(fd, frame, LINK + length, &result, NULL))
		return -1;
	return (int)result;
}

static void compare(int fd, bool is_exact, bool is_trimmed, const struct filter *f,
		    struct filter_input *in, struct dice *d, struct score *s)
{
	uint8_t packet[512];
	size_t n = random_packet(d, packet);
	int kernel, user;

	in->address.timestamp = roll(d, 100);
	filter_input_packet(in, packet, is_trimmed ? trimmed(packet, n) : n);
	kernel = ask_kernel(fd, packet, n);
	if (kernel < 0)
		return;
	/* A filter without tests takes even what is no IP packet. */
	user = filter_is_true(f) || filter_match(f, in) > 0;
	s->pairs++;
	s->accepted += (unsigned)user;
	s->loose += kernel && !user;
	if (kernel == user || (!is_exact && kernel))
		return;
	if (s->wrong++ < 5) {
		printf("# kernel %d, evaluator %d: %s\n# ", kernel, user, filter_text(f));
		for (size_t i = 0; i < n; i++)
			printf("%02x", packet[i]);
		printf("\n");
	}
}

static bool run_filter(const char *text, struct dice *d, unsigned packets,
		       struct score *s)
{
	struct filter_input in = { .iface = "eth0" };
	struct weir_error err = { 0 };
	struct filter_bpf_env env;
	struct filter *f;
	bool is_exact;
	int fd;

	if (filter_compile(&f, text, FILTER_NETWORK, 0, NULL))
		return true; /* a refused constant: not the matter here */
	in.address.is_outbound = roll(d, 2);
	in.address.if_idx = 2;
	env = env_of(&in);
	env.is_trimmed = roll(d, 2);
	fd = load(f, &env, &is_exact, &err);
	if (fd < 0) {
		filter_free(f);
		if (fd == WEIR_ERR_PRIVILEGE || fd == WEIR_ERR_UNSUPPORTED)
			return false;
		printf("# %s: %s\n", text, err.text);
		s->wrong++;
		return true;
	}
	s->exact_filters += is_exact;
	for (unsigned i = 0; i < packets; i++)
		compare(fd, is_exact, env.is_trimmed, f, &in, d, s);
	(void)close(fd);
	filter_free(f);
	return true;
}

static void test_random_pairs(void)
{
	struct dice d = { .state = 20261122 };
	struct score s = { 0 };
	char text[4000];

	for (unsigned i = 0; i < FILTERS; i++) {
		(void)random_filter(&d, text, sizeof text, FILTER_NETWORK, 4);
		if (!run_filter(text, &d, PACKETS, &s))
			SKIP("bpf(2) is not allowed here");
	}
	printf("# %u pairs, %u accepted, %u filters exact, %u let through to be judged "
	       "again\n",
	       s.pairs, s.accepted, s.exact_filters, s.loose);
	CHECK_EQ(s.wrong, 0);
	CHECK(s.pairs >= 20000);
	CHECK(s.accepted > s.pairs / 20 && s.accepted < s.pairs / 20 * 19);
	CHECK(s.exact_filters > FILTERS / 2);
}

/* Their tests are not reduced as those of a text are: `inbound` stays itself. */
static void test_random_objects(void)
{
	struct dice d = { .state = 20261201 };
	struct score s = { 0 };
	char text[400];

	if (!run_filter("@WinDiv_WX_XXWWAX", &d, PACKETS, &s) ||
	    !run_filter("@WinDiv_WX_XWWXAX", &d, PACKETS, &s))
		SKIP("bpf(2) is not allowed here");
	for (unsigned i = 0; i < FILTERS; i++) {
		random_object(&d, text);
		CHECK(run_filter(text, &d, PACKETS, &s));
	}
	printf("# %u pairs, %u accepted, %u objects exact\n", s.pairs, s.accepted,
	       s.exact_filters);
	CHECK_EQ(s.wrong, 0);
	CHECK(s.pairs >= 20000);
	CHECK(s.accepted > s.pairs / 20 && s.accepted < s.pairs / 20 * 19);
}

/* What random filters seldom say. */
static void test_chosen_filters(void)
{
	static const char *const texts[] = {
		"true",
		"false",
		"ipv6.SrcAddr >= fe80:: and ipv6.SrcAddr <= fe80::2",
		"ipv6.DstAddr in {fe80::1, fe80::3..2001::, ::/3, 2001::1:0:0:2}",
		"localAddr != 10.0.0.1 and remoteAddr <= 127.0.0.0",
		"ip.SrcAddr == 10.0.0.0/8 or not (ip.DstAddr == 127.0.0.0/8)",
		"not (tcp.DstPort in {80, 443, 8000..8100} or udp)",
		"tcp.DstPort in {1, 3, 5, 7, 9, 53, 80, 443, 1000..2000, 8080, 65535}",
		"iface == \"eth0\" and tcp",
		"iface != \"lo\" and udp",
		"not (iface in {\"eth0\", \"eth9\"})",
		"packet[-1] == 0 or packet16[-3] > 256 or packet32[-16b] < 5",
		"tcp.Payload[-1] >= 1 and tcp.Payload32[0] != 0",
		"udp.Payload16[-1] == 0x4141 or udp.Payload[39] == 0",
		"ipv6.FlowLabel == 0x10000",
		"(random8 < 100? tcp: udp) and ip",
		"timestamp > 50 and not (random16 > 7 or tcp)",
		"processId == 3 or tcp.Syn",
		"event == PACKET and not loopback and outbound",
		/* True, though not without a look at it. */
		("((protocol < 5? impostor >= 1: localPort != 65535)? "
		 "(localPort or loopback != 65535): ip != 62350426112)"),
	};
	struct dice d = { .state = 99 };
	struct score s = { 0 };

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (!run_filter(texts[i], &d, 200, &s))
			SKIP("bpf(2) is not allowed here");
	CHECK_EQ(s.wrong, 0);
}

static bool interpreted(const char *text, const uint8_t *packet, size_t length)
{
	static const struct filter_input none;
	struct filter_bpf_env env = env_of(&none);
	struct bpf_run m = { .packet = packet, .length = length };
	struct filter *f;
	struct bpf_asm a;
	bool is_exact, is_taken;

	env.is_trimmed = true;
	m.context.len = (uint32_t)length;
	CHECK_EQ(filter_compile(&f, text, FILTER_NETWORK, 0, NULL), 0);
	bpf_asm_init(&a);
	CHECK_EQ(assemble(&a, f, &env, &is_exact, NULL), 0);
	is_taken = bpf_run(&m, a.insns, a.count) == 1;
	bpf_asm_fini(&a);
	filter_free(f);
	return is_taken;
}

/* Longer than BPF_PROG_TEST_RUN takes packets: Linux's BIG TCP. */
static void test_longer_than_a_header_can_say(void)
{
	static uint8_t packet[70000];

	packet[0] = 0x45;
	packet[9] = 6;
	packet[32] = 0x50;
	CHECK(interpreted("tcp", packet, sizeof packet));
	CHECK(interpreted("tcp", packet, 65536));
	CHECK(!interpreted("tcp", packet, 65535));
	packet[0] = 0x60;
	packet[6] = 6;
	packet[52] = 0x50;
	CHECK(interpreted("tcp", packet, sizeof packet));
	CHECK(interpreted("tcp", packet, 65576));
	CHECK(!interpreted("tcp", packet, 65575));
}

/* An object may say any index of 32 bits; what is in no packet is absent to both. */
static void test_far_indexes(void)
{
	static const uint32_t words[] = { 0,          1,          65534 + 65535,
					  0x7fffffff, 0x8000fffd, 0x8000fffe,
					  0x8000ffff, 0xffffffff };
	static const uint8_t packet[60] = { 0x45, 0, 0, 60 };
	struct filter_input in = { .packet = NULL };
	struct filter_field field;
	uint32_t number = 0;
	char text[64];

	while (filter_field_at(number, &field) && strcmp(field.name, "packet32") != 0)
		number++;
	filter_input_packet(&in, packet, sizeof packet);
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		size_t n = (size_t)snprintf(text, sizeof text, "@WinDiv_WX_");

		n += object_number(text + n, number);
		n += (size_t)snprintf(text + n, sizeof text - n, "WWW");
		n += object_number(text + n, words[i]);
		(void)snprintf(text + n, sizeof text - n, "AX");
		CHECK_EQ(verdict(text, FILTER_NETWORK, 0, &in), 0);
		CHECK(!interpreted(text, packet, sizeof packet));
	}
}

static void test_other_layers_are_refused(void)
{
	struct weir_error err = { 0 };
	struct filter *f;
	struct bpf_asm a;
	bool is_exact;

	CHECK_EQ(filter_compile(&f, "tcp", FILTER_FLOW, 0, NULL), 0);
	bpf_asm_init(&a);
	CHECK_EQ(filter_bpf_emit(f, &(struct filter_bpf_env){ 0 }, &a, 0, 0, &is_exact,
				 &err),
		 WEIR_ERR_UNSUPPORTED);
	CHECK_STR(err.text, "a filter of the flow layer has no packets for the kernel");
	bpf_asm_fini(&a);
	filter_free(f);
}

/* Every field of the table that is not the user side's own has a reader in the emitter. */
static void test_every_field_is_emitted(void)
{
	struct filter_input in = { .iface = "eth0" };
	struct filter_bpf_env env = env_of(&in);
	struct filter_field field;

	for (size_t i = 0; filter_field_at(i, &field); i++) {
		bool is_text = !strcmp(field.type, "string"), is_exact = false;
		struct filter *f;
		struct bpf_asm a;
		char text[64];

		if (field.layers[0] != 'N')
			continue;
		(void)snprintf(text, sizeof text, "%s%s == %s", field.name,
			       field.is_array ? "[0]" : "", is_text ? "\"x\"" : "1");
		CHECK_EQ(filter_compile(&f, text, FILTER_NETWORK, 0, NULL), 0);
		bpf_asm_init(&a);
		CHECK_EQ(filter_bpf_emit(f, &env, &a, bpf_asm_label(&a),
					 bpf_asm_label(&a), &is_exact, NULL),
			 0);
		if (is_exact != filter_is_for_kernel(f))
			printf("# %s\n", text);
		CHECK_EQ(is_exact, filter_is_for_kernel(f));
		bpf_asm_fini(&a);
		filter_free(f);
	}
}

int main(void)
{
	RUN(test_random_pairs);
	RUN(test_random_objects);
	RUN(test_chosen_filters);
	RUN(test_longer_than_a_header_can_say);
	RUN(test_far_indexes);
	RUN(test_other_layers_are_refused);
	RUN(test_every_field_is_emitted);
	return tap_done();
}
