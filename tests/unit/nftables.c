/* Our table in the kernel: in a network namespace of the test's own, where there is nothing else. */
#include "capture/nftables.h"
#include "capture/nft_leftover.h"
#include "capture/nft_rule.h"
#include "lib/tap.h"
#include "port/port.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_alone; /* set once by main() */

static struct nft_rules rules_of(const char *table, const struct nft_abilities *a)
{
	struct nft_rules r = { .priority = 300,
			       .way = a->has_native_queue ? NFT_QUEUE_NATIVE
							  : NFT_QUEUE_COMPAT,
			       .queue = 100,
			       .queue_count = 1,
			       .is_bypass = true,
			       .has_comment = true,
			       .has_counter = true,
			       .program_fd = -1,
			       .output_program_fd = -1 };

	(void)snprintf(r.table, sizeof r.table, "%s", table);
	return r;
}

static size_t list(struct nft_leftover *l, size_t room)
{
	struct weir_error err = { 0 };
	size_t count = 99;

	CHECK_EQ(nft_list_leftovers(l, room, &count, &err), 0);
	return count;
}

static void test_probe_leaves_nothing(void)
{
	struct nft_abilities a;
	struct nft_leftover l[4];
	struct weir_error err = { 0 };

	if (!is_alone)
		SKIP("needs CAP_SYS_ADMIN for a network namespace");
	CHECK_EQ(nft_probe(&a, &err), 0);
	CHECK(a.has_tables);
	CHECK(a.has_native_queue || a.has_compat_queue);
	printf("# owner %d comment %d counter %d native %d compat %d bpf %d\n",
	       a.has_owner, a.has_comment, a.has_counter, a.has_native_queue,
	       a.has_compat_queue, a.has_bpf_match);
	CHECK_EQ(list(l, 4), 0);
}

static void test_life_of_a_table(void)
{
	struct nft_abilities a;
	struct nft_leftover l[4];
	struct weir_error err = { 0 };
	uint64_t packets = 9, bytes = 9;
	struct nft_rules r;
	struct nft *n;

	if (!is_alone)
		SKIP("needs CAP_SYS_ADMIN for a network namespace");
	CHECK_EQ(nft_probe(&a, &err), 0);
	CHECK_EQ(nft_open(&n, &err), 0);
	r = rules_of("weir_1_1", &a);
	r.interfaces[0] = "eth0";
	r.interfaces[1] = "eth1";
	r.interface_count = 2;
	CHECK_EQ(nft_install(n, &r, &err), 0);
	CHECK(nft_install(n, &r, &err) < 0); /* never into a table that is there */
	CHECK_EQ(nft_count(n, r.table, &packets, &bytes, &err), 0);
	CHECK_EQ(packets, 0);
	CHECK_EQ(list(l, 4), 1);
	CHECK_STR(l[0].table, "weir_1_1");
	CHECK_EQ(l[0].pid, getpid());
	CHECK(l[0].is_alive);
	CHECK(nft_remove_leftover(&l[0], &err) == WEIR_ERR_BUSY);
	CHECK_EQ(nft_withdraw(n, &r, &err), 0);
	CHECK_EQ(nft_refill(n, &r, &err), 0);
	CHECK_EQ(nft_remove(n, r.table, &err), 0);
	CHECK(nft_remove(n, r.table, &err) < 0);
	CHECK_EQ(list(l, 4), 0);
	nft_close(n);
}

/* Another program takes rules of a table without an owner, all of them or some, or the table. */
static void test_what_is_whole(void)
{
	struct nft_look look = { 0 };
	struct weir_error err = { 0 };
	struct nft_abilities a;
	struct nft_rules r, half;
	struct nft *n, *other;

	if (!is_alone)
		SKIP("needs CAP_SYS_ADMIN for a network namespace");
	CHECK_EQ(nft_probe(&a, &err), 0);
	CHECK_EQ(nft_open(&n, &err), 0);
	CHECK_EQ(nft_open(&other, &err), 0);
	r = half = rules_of("weir_1_4", &a);
	r.interfaces[0] = half.interfaces[0] = "eth0";
	r.interfaces[1] = "eth1";
	r.indexes[1] = 7;
	r.interface_count = 2;
	half.interface_count = 1;
	CHECK(!nft_is_whole(n, &r, &look));
	CHECK_EQ(nft_install(n, &r, &err), 0);
	for (unsigned i = 0; i < 4; i++)
		CHECK(nft_is_whole(n, &r, &look));
	CHECK_EQ(nft_refill(other, &half, &err), 0);
	CHECK(!nft_is_whole(n, &r, &look));
	CHECK_EQ(nft_refill(n, &r, &err), 0);
	CHECK(nft_is_whole(n, &r, &look));
	CHECK_EQ(nft_withdraw(other, &r, &err), 0);
	CHECK(!nft_is_whole(n, &r, &look));
	CHECK_EQ(nft_refill(n, &r, &err), 0);
	CHECK(nft_is_whole(n, &r, &look));
	CHECK_EQ(nft_remove(other, r.table, &err), 0);
	CHECK(!nft_is_whole(n, &r, &look));
	r.is_forward = true;
	CHECK_EQ(nft_install(n, &r, &err), 0);
	CHECK(nft_is_whole(n, &r, &look));
	CHECK_EQ(nft_remove(n, r.table, &err), 0);
	nft_close(other);
	nft_close(n);
}

static void test_owned_table_goes_with_its_socket(void)
{
	struct nft_abilities a;
	struct nft_leftover l[4];
	struct weir_error err = { 0 };
	struct nft *n, *other;
	struct nft_rules r;

	if (!is_alone)
		SKIP("needs CAP_SYS_ADMIN for a network namespace");
	CHECK_EQ(nft_probe(&a, &err), 0);
	if (!a.has_owner)
		SKIP("this kernel has no owner flag");
	r = rules_of("weir_1_2", &a);
	r.is_owned = true;
	CHECK_EQ(nft_open(&n, &err), 0);
	CHECK_EQ(nft_open(&other, &err), 0);
	CHECK_EQ(nft_install(n, &r, &err), 0);
	CHECK_EQ(list(l, 4), 1);
	CHECK(l[0].is_owned);
	CHECK(nft_remove(other, r.table, &err) < 0);
	nft_close(n);
	CHECK_EQ(list(l, 4), 0);
	nft_close(other);
}

/* Installed by a child that is dead when we look. */
static void test_leftover_of_the_dead(void)
{
	struct nft_abilities a;
	struct nft_leftover l[4];
	struct weir_error err = { 0 };
	struct nft_rules r;
	struct nft *n;
	pid_t child;

	if (!is_alone)
		SKIP("needs CAP_SYS_ADMIN for a network namespace");
	CHECK_EQ(nft_probe(&a, &err), 0);
	r = rules_of("weir_1_3", &a);
	child = fork();
	if (!child)
		_exit(nft_open(&n, &err) || nft_install(n, &r, &err) ? 1 : 0);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	CHECK_EQ(list(l, 4), 1);
	CHECK(!l[0].is_alive);
	CHECK_EQ(l[0].pid, child);
	CHECK_EQ(nft_remove_leftover(&l[0], &err), 0);
	CHECK_EQ(list(l, 4), 0);
	CHECK_EQ(nft_remove_leftover(&l[0], &err), WEIR_ERR_ABSENT);
}

static void test_every_interface_fits(void)
{
	struct nft_abilities a = { .has_compat_queue = true };
	struct nft_rules r = rules_of("weir_1234567890_4294967", &a);
	static uint8_t bytes[NFT_BATCH_BYTES];
	struct nl_builder b;

	for (unsigned i = 0; i < NFT_INTERFACES; i++) {
		r.interfaces[i] = "fifteen-letters";
		r.indexes[i] = i + 1;
	}
	r.interface_count = NFT_INTERFACES;
	r.program_fd = r.output_program_fd = 3;
	nl_build(&b, bytes, sizeof bytes, 0);
	nft_batch(&b);
	nft_put_rules(&b, &r);
	nft_batch_end(&b);
	CHECK(!b.is_full);
	CHECK(b.length < sizeof bytes - 4096);
}

static void test_names_and_comments(void)
{
	struct nft_owner o;
	char text[NFT_COMMENT];
	uint16_t queue = 0;

	CHECK_EQ(nft_name_parse("weir_123_4", &queue), 123);
	CHECK_EQ(queue, 4);
	CHECK_EQ(nft_name_parse("weir_123_4x", &queue), 0);
	CHECK_EQ(nft_name_parse("weir_123", &queue), 0);
	CHECK_EQ(nft_name_parse("weird_1_2", &queue), 0);
	CHECK_EQ(nft_name_parse("filter", &queue), 0);
	nft_comment_write(text, sizeof text);
	CHECK(nft_comment_parse(text, &o));
	CHECK_EQ(o.pid, getpid());
	CHECK(o.start > 0);
	CHECK(!nft_comment_parse("weir pid=1", &o));
}

int main(void)
{
	is_alone = !unshare(CLONE_NEWNET);
	RUN(test_probe_leaves_nothing);
	RUN(test_life_of_a_table);
	RUN(test_what_is_whole);
	RUN(test_owned_table_goes_with_its_socket);
	RUN(test_leftover_of_the_dead);
	RUN(test_every_interface_fits);
	RUN(test_names_and_comments);
	return tap_done();
}
