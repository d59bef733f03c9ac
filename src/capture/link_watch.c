#include "capture/link_watch.h"

#include "base/mem.h"
#include "base/time.h"
#include "port/port.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_BYTES  (64 * 1024)
#define RECEIVE_BYTES (1024 * 1024)
#define FIRST_WAIT_MS 2000
#define ONE_BYTES     (16 * 1024)

struct link_watch {
	struct link_table table;
	link_change *change;
	void *arg;
	int fd, one_fd; /* one_fd: for questions of one interface */
	bool is_asking; /* an answer with all interfaces is under way */
	uint8_t buffer[BUFFER_BYTES], one_buffer[ONE_BYTES];
};

static void visit(void *arg, const struct net_link *link)
{
	struct link_watch *w = arg;
	struct net_link before;
	unsigned changes = link_table_update(&w->table, link, &before);
	/* The message may say less than the table knows. */
	const struct net_link *now = link_table_at(&w->table, link->index);

	if (changes && w->change)
		w->change(w->arg, changes, now ? now : link, &before);
}

static int ask(struct link_watch *w, struct weir_error *err)
{
	struct {
		struct nlmsghdr h;
		struct ifinfomsg i;
	} q = { .h = { .nlmsg_len = sizeof q,
		       .nlmsg_type = RTM_GETLINK,
		       .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP } };

	memset(w->table.seen, 0, sizeof w->table.seen);
	if (send(w->fd, &q, sizeof q, 0) < 0)
		return err_sys(err, "cannot ask for the list of interfaces");
	w->is_asking = true;
	return 0;
}

/* The answer is whole: what it did not name is gone. */
static void finish_answer(struct link_watch *w)
{
	w->is_asking = false;
	for (unsigned i = w->table.count; i-- > 0;) {
		struct net_link gone = w->table.links[i];

		if (w->table.seen[i])
			continue;
		gone.is_gone = true;
		visit(w, &gone);
	}
}

/* 1: a message was read; 0: there is none. */
static int read_one(struct link_watch *w, struct weir_error *err)
{
	bool is_done = false;
	ssize_t n = recv(w->fd, w->buffer, sizeof w->buffer, MSG_DONTWAIT);
	int rc;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0 && errno == ENOBUFS) {
		rc = ask(w, err);
		return rc ? rc : 1;
	}
	if (n < 0)
		return err_sys(err, "cannot read the interfaces' changes");
	rc = link_parse(w->buffer, (size_t)n, visit, w, &is_done, err);
	if (rc)
		return rc;
	if (is_done && w->is_asking)
		finish_answer(w);
	return 1;
}

int link_watch_read(struct link_watch *w, link_change *change, void *arg,
		    struct weir_error *err)
{
	int rc;

	w->change = change;
	w->arg = arg;
	do {
		rc = read_one(w, err);
	} while (rc > 0);
	w->change = NULL;
	return rc;
}

static int open_socket(struct link_watch *w, struct weir_error *err)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	int room = RECEIVE_BYTES;

	w->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	w->one_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (w->fd < 0 || w->one_fd < 0 ||
	    bind(w->fd, (const struct sockaddr *)&a, sizeof a))
		return err_sys(err, "cannot follow the interfaces by netlink");
	/* A small buffer only means that everything is asked for more often. */
	(void)setsockopt(w->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
	return ask(w, err);
}

struct asked {
	uint32_t index;
	bool is_found;
	uint64_t packets;
};

static void take_asked(void *arg, const struct net_link *link)
{
	struct asked *a = arg;

	if (link->index != a->index)
		return;
	a->is_found = true;
	a->packets = link->packets;
}

/* The kernel has put the answer into the socket when send() returns. */
int link_watch_packets(struct link_watch *w, uint32_t index, uint64_t *packets,
		       struct weir_error *err)
{
	struct {
		struct nlmsghdr h;
		struct ifinfomsg i;
	} q = { .h = { .nlmsg_len = sizeof q,
		       .nlmsg_type = RTM_GETLINK,
		       .nlmsg_flags = NLM_F_REQUEST },
		.i = { .ifi_index = (int)index } };
	struct asked a = { .index = index };
	bool is_done = false;
	ssize_t n;
	int rc;

	if (send(w->one_fd, &q, sizeof q, 0) < 0)
		return err_sys(err, "cannot ask for interface %u", (unsigned)index);
	n = recv(w->one_fd, w->one_buffer, sizeof w->one_buffer, MSG_DONTWAIT);
	if (n < 0)
		return err_sys(err, "cannot read the answer for interface %u",
			       (unsigned)index);
	rc = link_parse(w->one_buffer, (size_t)n, take_asked, &a, &is_done, err);
	if (rc)
		return rc;
	*packets = a.packets;
	return a.is_found ? 0
			  : err_set(err, WEIR_ERR_ABSENT, "there is no interface %u",
				    (unsigned)index);
}

static int read_first(struct link_watch *w, struct weir_error *err)
{
	int64_t until = port_monotonic_ns() + FIRST_WAIT_MS * NS_PER_MS;

	while (w->is_asking) {
		struct pollfd p = { .fd = w->fd, .events = POLLIN };
		int rc;

		if (port_monotonic_ns() > until)
			return err_set(
				err, WEIR_ERR_SYSTEM,
				"cannot list the interfaces: no answer within %d ms",
				FIRST_WAIT_MS);
		(void)poll(&p, 1, 100);
		rc = link_watch_read(w, NULL, NULL, err);
		if (rc)
			return rc;
	}
	return 0;
}

int link_watch_open(struct link_watch **out, struct weir_error *err)
{
	struct link_watch *w = mem_new(1, sizeof *w);
	int rc;

	*out = NULL;
	if (!w)
		return err_set(err, WEIR_ERR_NO_MEMORY,
			       "no memory for the list of interfaces");
	w->fd = w->one_fd = -1;
	rc = open_socket(w, err);
	if (!rc)
		rc = read_first(w, err);
	if (rc)
		link_watch_close(w);
	else
		*out = w;
	return rc;
}

void link_watch_close(struct link_watch *w)
{
	if (!w)
		return;
	if (w->fd >= 0)
		(void)close(w->fd);
	if (w->one_fd >= 0)
		(void)close(w->one_fd);
	mem_free(w);
}

int link_watch_fd(const struct link_watch *w)
{
	return w->fd;
}

bool link_watch_is_listing(const struct link_watch *w)
{
	return w->is_asking;
}

const struct link_table *link_watch_table(const struct link_watch *w)
{
	return &w->table;
}
