#include "process/scan.h"

#include "base/mem.h"
#include "packet/headers.h"
#include "port/port.h"
#include "process/facts.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOCKETS_MOST 65536
#define MESSAGE_BYTES \
 (2 * sizeof(uint64_t) + sizeof(struct nlmsghdr) + sizeof(struct inet_diag_req_v2))

struct found {
	struct socket_seed seed;
	uint32_t inode;
	bool is_shared;
};

struct scan {
	struct found *found;
	size_t count;
	uint8_t protocol; /* of the dump under way */
	bool has_unread;  /* descriptors of some process */
};

static void put_side(uint8_t out[16], uint8_t family, const uint8_t *bytes)
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff }, zeros[16];

	memset(out, 0, 16);
	if (family == 6)
		memcpy(out, bytes, 16);
	else if (memcmp(bytes, zeros, 4) != 0) {
		memcpy(out, prefix, sizeof prefix);
		memcpy(out + 12, bytes, 4);
	}
}

static bool is_mapped(const uint8_t address[16])
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	return !memcmp(address, prefix, sizeof prefix);
}

/* Told of every IPv6 socket that listens or is bound; behind the message. */
static bool is_ipv6_only(struct cursor *attrs)
{
	struct nl_attr a;

	while (nl_next_attr(attrs, &a))
		if (a.type == INET_DIAG_SKV6ONLY)
			return cur_u8(&a.body) != 0;
	return false;
}

/* struct inet_diag_msg: family, state, timer, retransmits; ports, addresses, interface, cookie. */
bool scan_parse(const struct nl_message *m, uint8_t protocol, struct socket_seed *seed,
		uint32_t *inode)
{
	struct cursor c = m->body;
	const uint8_t *local, *remote;
	uint32_t low, high;
	uint8_t family = cur_u8(&c);

	memset(seed, 0, sizeof *seed);
	seed->state = cur_u8(&c);
	cur_skip(&c, 2);
	seed->key.local_port = cur_u16be(&c);
	seed->key.remote_port = cur_u16be(&c);
	local = cur_bytes(&c, 16);
	remote = cur_bytes(&c, 16);
	cur_skip(&c, 4);
	low = cur_u32le(&c);
	high = cur_u32le(&c);
	cur_skip(&c, 16);
	*inode = cur_u32le(&c);
	if (c.is_bad || !*inode || (family != AF_INET && family != AF_INET6))
		return false;
	seed->cookie = (uint64_t)high << 32 | low;
	seed->key.protocol = protocol;
	seed->key.family = family == AF_INET6 ? 6 : 4;
	put_side(seed->key.local, seed->key.family, local);
	put_side(seed->key.remote, seed->key.family, remote);
	if (is_mapped(seed->key.local) || is_mapped(seed->key.remote))
		seed->key.family = 4;
	seed->is_ipv6_only = is_ipv6_only(&c);
	return true;
}

static void take_socket(void *arg, const struct nl_message *m)
{
	struct scan *s = arg;
	struct found *f = &s->found[s->count];

	if (s->count < SOCKETS_MOST && m->type == SOCK_DIAG_BY_FAMILY &&
	    scan_parse(m, s->protocol, &f->seed, &f->inode)) {
		f->is_shared = false;
		s->count++;
	}
}

static int dump(struct scan *s, int fd, uint8_t family, uint8_t protocol)
{
	struct inet_diag_req_v2 request = { .sdiag_family = family,
					    .sdiag_protocol = protocol,
					    .idiag_states = UINT32_MAX };
	uint8_t bytes[MESSAGE_BYTES];
	struct nl_builder b;

	s->protocol = protocol;
	nl_build(&b, bytes, sizeof bytes, protocol);
	nl_begin(&b, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP);
	nl_raw(&b, &request, sizeof request);
	nl_end(&b);
	return nl_transact(fd, &b, NULL, NULL, take_socket, s);
}

static int dump_all(struct scan *s, struct weir_error *err)
{
	static const struct {
		uint8_t family, protocol;
	} kinds[] = { { AF_INET, PROTOCOL_TCP },
		      { AF_INET6, PROTOCOL_TCP },
		      { AF_INET, PROTOCOL_UDP },
		      { AF_INET6, PROTOCOL_UDP } };

	int fd, rc = nl_open(NETLINK_SOCK_DIAG, &fd, err);
	unsigned good = 0;

	if (rc)
		return rc;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		good += dump(s, fd, kinds[i].family, kinds[i].protocol) == 0;
	(void)close(fd);
	return good ? 0
		    : err_set(err, WEIR_ERR_UNSUPPORTED,
			      "the kernel does not list its sockets (sock_diag)");
}

static int by_inode(const void *a, const void *b)
{
	uint32_t x = ((const struct found *)a)->inode,
		 y = ((const struct found *)b)->inode;

	return x < y ? -1 : x > y;
}

struct holder {
	uint32_t pid;
	uint64_t start_ns;
};

static void note_holder(struct scan *s, uint32_t inode, const struct holder *h)
{
	struct found key = { .inode = inode };
	struct found *f = bsearch(&key, s->found, s->count, sizeof *s->found, by_inode);

	if (!f || f->is_shared || f->seed.pid == h->pid)
		return;
	f->is_shared = f->seed.pid != 0;
	f->seed.pid = f->is_shared ? 0 : h->pid;
	f->seed.start_ns = f->is_shared ? 0 : h->start_ns;
}

/* A process that has gone meanwhile, and a descriptor that was closed, have nothing open. */
static void note_unread(struct scan *s)
{
	if (errno != ENOENT && errno != ESRCH)
		s->has_unread = true;
}

static void look_at_files(struct scan *s, int dir, uint32_t pid)
{
	struct holder h = { .pid = pid };
	DIR *d = fdopendir(dir);
	struct dirent *e;

	if (!d) {
		note_unread(s);
		(void)close(dir);
		return;
	}
	while ((e = readdir(d)) != NULL) {
		char text[64];
		uint32_t inode;
		ssize_t n;

		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		n = readlinkat(dirfd(d), e->d_name, text, sizeof text - 1);
		if (n < 0)
			note_unread(s);
		text[n > 0 ? n : 0] = '\0';
		if (sscanf(text, "socket:[%u]", &inode) != 1)
			continue;
		if (!h.start_ns)
			h.start_ns = proc_start(pid);
		note_holder(s, inode, &h);
	}
	(void)closedir(d);
}

static void find_holders(struct scan *s)
{
	DIR *d = opendir("/proc");
	struct dirent *e;

	while (d && (e = readdir(d)) != NULL) {
		char path[300];
		int dir;

		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		(void)snprintf(path, sizeof path, "%s/fd", e->d_name);
		dir = openat(dirfd(d), path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dir >= 0)
			look_at_files(s, dir, (uint32_t)strtoul(e->d_name, NULL, 10));
		else
			note_unread(s);
	}
	if (d)
		(void)closedir(d);
}

static void forget_holders(struct scan *s)
{
	for (size_t i = 0; i < s->count; i++)
		s->found[i].seed.pid = 0;
}

int scan_sockets(scan_visit visit, void *arg, struct weir_error *err)
{
	struct scan s = { .found = mem_new(SOCKETS_MOST + 1, sizeof *s.found) };
	int rc;

	if (!s.found)
		return err_set(err, WEIR_ERR_NO_MEMORY,
			       "no memory for a list of sockets");
	rc = dump_all(&s, err);
	if (!rc) {
		qsort(s.found, s.count, sizeof *s.found, by_inode);
		find_holders(&s);
		if (s.has_unread && !port_have_capability("sys_ptrace"))
			forget_holders(&s);
		for (size_t i = 0; i < s.count; i++)
			visit(arg, &s.found[i].seed);
	}
	mem_free(s.found);
	return rc;
}
