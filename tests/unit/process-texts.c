/* Texts of /proc, cgroup paths, events as they lie in a ring: read as they are, refused where they are
 * not. */
#include "lib/tap.h"
#include "process/events.h"
#include "process/facts.h"
#include "process/scan.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

static bool stat_of(struct proc_stat *s, const char *text)
{
	return proc_stat_parse(s, text, strlen(text));
}

#define BEHIND " S 1 5 5 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 "

static void test_stat(void)
{
	struct proc_stat s;

	CHECK(stat_of(&s, "5 (bash)" BEHIND "987654 1000 2"));
	CHECK_STR(s.name, "bash");
	CHECK_EQ(s.parent_pid, 1);
	CHECK_EQ(s.start_ticks, 987654);
}

static void test_stat_of_hostile_names(void)
{
	struct proc_stat s;

	CHECK(stat_of(&s, "5 (a) S 7 (b)" BEHIND "42 0"));
	CHECK_STR(s.name, "a) S 7 (b");
	CHECK_EQ(s.start_ticks, 42);
	CHECK(stat_of(&s, "5 (0123456789abcdefXYZ)" BEHIND "42 0"));
	CHECK_STR(s.name, "0123456789abcde");
	CHECK(stat_of(&s, "5 ()" BEHIND "42 0"));
	CHECK_STR(s.name, "");
	CHECK(!stat_of(&s, ""));
	CHECK(!stat_of(&s, "5 (bash"));
	CHECK(!stat_of(&s, "5 (bash) S 1 5"));
	CHECK(!stat_of(&s, "5 (bash) S x 5 5 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 1"));
}

static void test_ids(void)
{
	static const char text[] =
		"Name:\tUid: 9\nUid:\t1000\t1001\t0\t0\nGid:\t100\t0\t0\t0\n";
	uint32_t uid = 1, gid = 1;

	CHECK(proc_ids_parse(text, strlen(text), &uid, &gid));
	CHECK_EQ(uid, 1000);
	CHECK_EQ(gid, 100);
	CHECK(!proc_ids_parse("Uid:\t", 5, &uid, &gid));
	CHECK(!proc_ids_parse("", 0, &uid, &gid));
}

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_container(void)
{
	char id[CONTAINER_ID];

	CHECK(cgroup_container("/system.slice/docker-" ID ".scope", id));
	CHECK_STR(id, ID);
	CHECK(cgroup_container("/docker/" ID, id));
	CHECK_STR(id, ID);
	CHECK(!cgroup_container("/user.slice/user-0.slice", id));
	CHECK_STR(id, "");
	CHECK(!cgroup_container("/" ID "0", id));
	CHECK(!cgroup_container("", id));
}

static void cgroup_of(const char *text, char path[64], char id[CONTAINER_ID])
{
	proc_cgroup_parse(text, strlen(text), path, 64, id);
}

static void test_cgroup(void)
{
	char path[64], id[CONTAINER_ID];

	cgroup_of("1:name=systemd:/a\n0::/b/c\n", path, id);
	CHECK_STR(path, "/b/c");
	CHECK_STR(id, "");
	cgroup_of("4:memory:/docker/" ID "\n1:cpu:/x\n", path, id);
	CHECK_STR(id, ID);
	cgroup_of("2:cpu:/only\n", path, id);
	CHECK_STR(path, "/only");
	cgroup_of("", path, id);
	CHECK_STR(path, "");
	cgroup_of("nothing at all", path, id);
	CHECK_STR(path, "");
}

static void test_socket_event(void)
{
	struct socket_event e = { .kind = SOCKET_SEND, .family = 4 }, got;

	memset(e.comm, 'x', sizeof e.comm);
	CHECK(socket_event_read(&got, &e, sizeof e));
	CHECK_EQ(strlen(got.comm), sizeof got.comm - 1);
	/* Without counts it is one all the same, and they are none. */
	e.packets_out = got.packets_out = 7;
	CHECK(socket_event_read(&got, &e, SOCKET_EVENT_BRIEF));
	CHECK_EQ(got.packets_out, 0);
	CHECK(!socket_event_read(&got, &e, SOCKET_EVENT_BRIEF - 1));
	CHECK(socket_event_read(&got, &e, sizeof e));
	CHECK_EQ(got.packets_out, 7);
	e.kind = 0;
	CHECK(!socket_event_read(&got, &e, sizeof e));
	e.kind = SOCKET_CLOSE + 1;
	CHECK(!socket_event_read(&got, &e, sizeof e));
	e.kind = SOCKET_CLOSE;
	e.family = 5;
	CHECK(!socket_event_read(&got, &e, sizeof e));
	CHECK_STR(socket_event_name(SOCKET_BIND), "bind");
	CHECK_STR(socket_event_name(SOCKET_CLOSE), "close");
	CHECK_STR(socket_event_name(77), "unknown");
}

static void test_process_event(void)
{
	struct process_event e = { .kind = PROCESS_EXEC, .pid = 7, .args_length = 60000 },
			     got;

	memset(e.path, 'p', sizeof e.path);
	CHECK(process_event_read(&got, &e, sizeof e));
	CHECK_EQ(strlen(got.path), sizeof got.path - 1);
	CHECK_EQ(got.args_length, sizeof got.args);
	e.pid = 0;
	CHECK(!process_event_read(&got, &e, sizeof e));
	e.pid = 7;
	e.kind = 9;
	CHECK(!process_event_read(&got, &e, sizeof e));
}

static void test_facts_of_event(void)
{
	struct process_event e = { .kind = PROCESS_EXEC,
				   .pid = 7,
				   .parent_pid = 1,
				   .start_ns = 1234567890,
				   .ns = 2234567890,
				   .uid = 4294967294U,
				   .args_length = 4,
				   .comm = "curl",
				   .path = "/usr/bin/curl",
				   .args = { 'a', 0, 'b', 0 } };
	struct process_facts f, of_child;

	facts_of_event(&f, &e);
	CHECK_EQ(f.start_ns, 1230000000);
	CHECK_STR(f.name, "curl");
	CHECK_STR(f.path, "/usr/bin/curl");
	CHECK_EQ(f.args_length, 4);
	CHECK(f.at_ns > f.started_ns);
	CHECK(f.reason[0] && !f.sha256[0]);
	e.kind = PROCESS_FORK;
	e.pid = 8;
	e.parent_pid = 7;
	facts_of_fork(&of_child, &f, &e);
	CHECK_EQ(of_child.pid, 8);
	CHECK_EQ(of_child.parent_pid, 7);
	CHECK_STR(of_child.path, "/usr/bin/curl");
	CHECK_EQ(of_child.seen, SEEN_FORK);
}

/* A feed that does not know the user says so; its name is not looked up. */
static void test_ids_not_known(void)
{
	struct process_event e = { .kind = PROCESS_FORK,
				   .pid = 8,
				   .parent_pid = 7,
				   .uid = ID_UNKNOWN,
				   .gid = ID_UNKNOWN };
	struct process_facts f, parent = { .pid = 7 };

	facts_of_fork(&f, &parent, &e);
	CHECK(!f.has_uid && !f.has_gid && f.has_parent);
	CHECK_STR(f.user, "");
	facts_of_event(&f, &e);
	CHECK(!f.has_uid && !f.has_gid && f.has_parent);
	CHECK_STR(f.user, "");
	/* Root's child of a parent of which nothing is known. */
	e.uid = e.gid = 0;
	facts_of_fork(&f, &parent, &e);
	CHECK(f.has_uid && f.has_gid);
	CHECK_STR(f.user, "root");
}

static void test_own_process(void)
{
	struct process_facts f;
	uint64_t start = proc_start((uint32_t)getpid());
	int exe = -1;

	CHECK(start > 0);
	CHECK_EQ(facts_read(&f, (uint32_t)getpid(), start, &exe), 0);
	CHECK(exe >= 0);
	(void)close(exe);
	CHECK(strstr(f.path, "process-texts") != NULL);
	CHECK(f.has_uid && f.uid == getuid());
	CHECK(f.has_gid && f.gid == getgid());
	CHECK(f.has_parent);
	CHECK_EQ(f.parent_pid, getppid());
	CHECK(f.args_length > 0 && f.netns > 0);
	/* Another start is another process. */
	CHECK(facts_read(&f, (uint32_t)getpid(), start + 10000000, &exe) < 0);
	CHECK_EQ(exe, -1);
	CHECK(facts_read(&f, 4194304 * 2, 0, &exe) < 0);
}

static void test_diag(void)
{
	struct inet_diag_msg d = { .idiag_family = AF_INET6, .idiag_inode = 77 };
	struct nl_message m = { .type = 20 };
	struct socket_seed seed;
	uint32_t inode;

	d.id.idiag_sport = __builtin_bswap16(443);
	d.id.idiag_dport = __builtin_bswap16(5000);
	d.id.idiag_src[2] = d.id.idiag_dst[2] = __builtin_bswap32(0xffff);
	d.id.idiag_src[3] = __builtin_bswap32(0x0a000001);
	d.id.idiag_cookie[0] = 5;
	d.id.idiag_cookie[1] = 1;
	cur_init(&m.body, &d, sizeof d);
	CHECK(scan_parse(&m, 6, &seed, &inode));
	CHECK_EQ(inode, 77);
	CHECK_EQ(seed.cookie, INT64_C(1) << 32 | 5);
	CHECK_EQ(seed.key.local_port, 443);
	CHECK_EQ(seed.key.remote_port, 5000);
	CHECK_EQ(seed.key.family, 4);
	CHECK_EQ(seed.key.local[12], 10);
	cur_init(&m.body, &d, sizeof d - 1);
	CHECK(!scan_parse(&m, 6, &seed, &inode));
	d.idiag_inode = 0;
	cur_init(&m.body, &d, sizeof d);
	CHECK(!scan_parse(&m, 6, &seed, &inode));
}

/* A socket of IPv6 that listens, with an attribute before the one that counts. */
static bool is_ipv6_only(uint8_t value, size_t cut)
{
	struct {
		struct inet_diag_msg d;
		struct nlattr other;
		uint8_t other_value[4];
		struct nlattr only;
		uint8_t only_value[4];
	} told = {
		.d = { .idiag_family = AF_INET6, .idiag_state = 10, .idiag_inode = 77 },
		.other = { .nla_len = 5, .nla_type = INET_DIAG_SHUTDOWN },
		.other_value = { 1 },
		.only = { .nla_len = 5, .nla_type = INET_DIAG_SKV6ONLY },
		.only_value = { value }
	};
	struct nl_message m = { .type = 20 };
	struct socket_seed seed;
	uint32_t inode;

	cur_init(&m.body, &told, sizeof told - cut);
	CHECK(scan_parse(&m, 6, &seed, &inode));
	CHECK_EQ(seed.key.family, 6);
	return seed.is_ipv6_only;
}

static void test_diag_ipv6_only(void)
{
	CHECK(is_ipv6_only(1, 0));
	CHECK(!is_ipv6_only(0, 0));
	CHECK(!is_ipv6_only(1, 4));
	CHECK(!is_ipv6_only(1, 8));
	CHECK(!is_ipv6_only(1, 16));
}

int main(void)
{
	RUN(test_stat);
	RUN(test_stat_of_hostile_names);
	RUN(test_ids);
	RUN(test_container);
	RUN(test_cgroup);
	RUN(test_socket_event);
	RUN(test_process_event);
	RUN(test_facts_of_event);
	RUN(test_ids_not_known);
	RUN(test_own_process);
	RUN(test_diag);
	RUN(test_diag_ipv6_only);
	return tap_done();
}
