/* The program in the rule, run by the kernel on a packet of ours (BPF_PROG_TEST_RUN). */
#include "capture/heartbeat.h"
#include "base/time.h"
#include "lib/tap.h"
#include "port/bpf.h"
#include "port/port.h"
#include "weir/filter.h"

#define STALL_NS (200 * NS_PER_MS)
/* An Ethernet header, which the kernel takes off, and 40 bytes. */
#define FRAME  54
#define PACKET 40

static bool cannot(void)
{
	return !port_have_capability("bpf") && !port_have_capability("sys_admin");
}

static uint32_t run_side(const struct heartbeat *h, enum heartbeat_side side)
{
	static const uint8_t frame[FRAME] = {
		[12] = 8,  [14] = 0x45, [17] = PACKET, [22] = 64,
		[23] = 17, [37] = 53,   [39] = 20
	};
	struct weir_error err = { 0 };
	uint32_t result = 99;
	int rc = port_bpf_program_run(h->program_fd[side], frame, sizeof frame, &result,
				      &err);

	if (rc)
		printf("# %s\n", err.text);
	CHECK_EQ(rc, 0);
	return result;
}

static uint32_t run(const struct heartbeat *h)
{
	return run_side(h, HEARTBEAT_INPUT);
}

static bool open_ok(struct heartbeat *h, int64_t stall_ns)
{
	struct weir_error err = { 0 };
	int rc = heartbeat_open(h, stall_ns, NULL, &err);

	if (rc)
		printf("# %s\n", err.text);
	CHECK_EQ(rc, 0);
	return !rc;
}

static void test_fresh_matches_stale_passes(void)
{
	struct heartbeat_counts c;
	struct heartbeat h;

	if (cannot())
		SKIP("needs CAP_BPF");
	if (!open_ok(&h, STALL_NS))
		return;
	heartbeat_beat(&h, port_monotonic_ns());
	CHECK_EQ(run(&h), 1);
	heartbeat_beat(&h, port_monotonic_ns() - 2 * STALL_NS);
	CHECK_EQ(run(&h), 0);
	CHECK_EQ(run(&h), 0);
	heartbeat_counts(&h, &c);
	CHECK_EQ(c.matched_packets, 1);
	CHECK_EQ(c.matched_bytes, PACKET);
	CHECK_EQ(c.passed_packets, 2);
	CHECK_EQ(c.passed_bytes, 2 * PACKET);
	heartbeat_beat(&h, port_monotonic_ns());
	CHECK_EQ(run(&h), 1);
	heartbeat_close(&h);
}

/* Two processors' clocks may differ: young, not 584 years old. */
static void test_future_is_fresh(void)
{
	struct heartbeat h;

	if (cannot())
		SKIP("needs CAP_BPF");
	if (!open_ok(&h, STALL_NS))
		return;
	heartbeat_beat(&h, port_monotonic_ns() + 3600 * NS_PER_S);
	CHECK_EQ(run(&h), 1);
	heartbeat_close(&h);
}

static void test_never_beaten_passes(void)
{
	struct heartbeat h;

	if (cannot())
		SKIP("needs CAP_BPF");
	if (!open_ok(&h, STALL_NS))
		return;
	CHECK_EQ(run(&h), 0);
	heartbeat_close(&h);
}

static void test_strict_never_passes(void)
{
	struct heartbeat_counts c;
	struct heartbeat h;

	if (cannot())
		SKIP("needs CAP_BPF");
	if (!open_ok(&h, 0))
		return;
	CHECK_EQ(run(&h), 1);
	heartbeat_beat(&h, 1);
	CHECK_EQ(run(&h), 1);
	heartbeat_counts(&h, &c);
	CHECK_EQ(c.matched_packets, 2);
	CHECK_EQ(c.passed_packets, 0);
	heartbeat_close(&h);
	heartbeat_close(&h);
}

/* What the filter does not want is neither queued nor counted; what it wants stands under the
 * heartbeat as before. */
static void test_filter_comes_first(void)
{
	static const struct {
		const char *filter;
		uint32_t input, output, forward;
	} cases[] = {
		{ "udp", 1, 1, 1 },
		{ "tcp", 0, 0, 0 },
		{ "udp.DstPort == 53", 1, 1, 1 },
		{ "udp.SrcPort == 53", 0, 0, 0 },
		{ "inbound", 1, 0, 1 },
		{ "outbound and ip", 0, 1, 1 },
		{ "loopback", 0, 1, 1 },
		{ "processId == 4", 1, 1, 1 }, /* the kernel cannot know */
	};

	if (cannot())
		SKIP("needs CAP_BPF");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct weir_error err = { 0 };
		struct heartbeat_counts c;
		struct filter *f = NULL;
		struct heartbeat h;

		CHECK_EQ(filter_compile(&f, cases[i].filter, FILTER_NETWORK, 0, NULL), 0);
		CHECK_EQ(heartbeat_open(&h, STALL_NS, f, &err), 0);
		CHECK(h.has_filter);
		heartbeat_beat(&h, port_monotonic_ns() + NS_PER_S);
		CHECK_EQ(run_side(&h, HEARTBEAT_INPUT), cases[i].input);
		CHECK_EQ(run_side(&h, HEARTBEAT_OUTPUT), cases[i].output);
		CHECK_EQ(run_side(&h, HEARTBEAT_FORWARD), cases[i].forward);
		heartbeat_counts(&h, &c);
		CHECK_EQ(c.matched_packets,
			 cases[i].input + cases[i].output + cases[i].forward);
		heartbeat_beat(&h, 1);
		CHECK_EQ(run_side(&h, HEARTBEAT_INPUT), 0);
		heartbeat_counts(&h, &c);
		CHECK_EQ(c.passed_packets, cases[i].input);
		heartbeat_close(&h);
		filter_free(f);
	}
}

int main(void)
{
	RUN(test_fresh_matches_stale_passes);
	RUN(test_future_is_fresh);
	RUN(test_never_beaten_passes);
	RUN(test_strict_never_passes);
	RUN(test_filter_comes_first);
	return tap_done();
}
