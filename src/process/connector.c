#include "process/connector.h"

#include <errno.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGE_BYTES 256
#define SOCKET_BYTES  (1024 * 1024)

/* Up to what each kind of event says of itself. */
static struct cursor cursor_of(const struct nl_message *m, uint32_t *what, uint64_t *ns)
{
	struct cursor c = m->body;
	uint32_t idx = cur_u32le(&c), val = cur_u32le(&c), low, high;

	cur_skip(&c, sizeof(struct cn_msg) - 2 * sizeof(uint32_t));
	*what = cur_u32le(&c);
	cur_skip(&c, 4); /* the processor */
	low = cur_u32le(&c);
	high = cur_u32le(&c);
	*ns = (uint64_t)high << 32 | low;
	if (idx != CN_IDX_PROC || val != CN_VAL_PROC)
		c.is_bad = true;
	return c;
}

bool connector_parse(const struct nl_message *m, struct connector_event *e)
{
	uint32_t what, thread, process, parent = 0;
	struct cursor c = cursor_of(m, &what, &e->ns);

	if (what == PROC_EVENT_FORK) {
		cur_skip(&c, 4); /* the parent's thread */
		parent = cur_u32le(&c);
	}
	thread = cur_u32le(&c);
	process = cur_u32le(&c);
	e->kind = what == PROC_EVENT_FORK   ? PROCESS_FORK
		  : what == PROC_EVENT_EXEC ? PROCESS_EXEC
					    : PROCESS_EXIT;
	e->pid = process;
	e->parent_pid = parent;
	if (c.is_bad || !process ||
	    (what != PROC_EVENT_FORK && what != PROC_EVENT_EXEC &&
	     what != (uint32_t)PROC_EVENT_EXIT))
		return false;
	/* Threads come and go by the same events; a program may be started by any of them. */
	return what == PROC_EVENT_EXEC || thread == process;
}

/* The kernel answers before the request's send() returns. */
static int read_answer(int fd, struct weir_error *err)
{
	_Alignas(struct nlmsghdr) uint8_t bytes[MESSAGE_BYTES];
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
		struct nl_message m;
		struct cursor c, body;
		uint32_t what, code;
		uint64_t ns;

		cur_init(&c, bytes, (size_t)n);
		if (!nl_next_message(&c, &m))
			continue;
		body = cursor_of(&m, &what, &ns);
		code = cur_u32le(&body);
		if (body.is_bad || what != PROC_EVENT_NONE)
			continue;
		errno = (int)code;
		return code ? err_sys(err, "the process connector refuses") : 0;
	}
	return err_set(
		err, WEIR_ERR_UNSUPPORTED,
		"the process connector does not answer: not in the kernel, or not for "
		"this namespace");
}

static int ask(int fd, struct weir_error *err)
{
	const struct cn_msg head = { .id = { CN_IDX_PROC, CN_VAL_PROC },
				     .len = sizeof(uint32_t) };
	const uint32_t op = PROC_CN_MCAST_LISTEN;
	uint8_t bytes[MESSAGE_BYTES];
	struct nl_builder b;

	nl_build(&b, bytes, sizeof bytes, 0);
	nl_begin(&b, NLMSG_DONE, 0);
	nl_raw(&b, &head, sizeof head);
	nl_raw(&b, &op, sizeof op);
	nl_end(&b);
	if (b.is_full || send(fd, b.bytes, b.length, 0) != (ssize_t)b.length)
		return err_sys(err,
			       "the process connector cannot be asked: it is the first "
			       "network namespace's");
	return read_answer(fd, err);
}

int connector_open(int *fd, struct weir_error *err)
{
	struct sockaddr_nl me = { .nl_family = AF_NETLINK, .nl_groups = CN_IDX_PROC };
	int bytes = SOCKET_BYTES, rc = 0;

	*fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_CONNECTOR);
	if (*fd < 0)
		return err_sys(err, "no process connector");
	(void)setsockopt(*fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
	if (bind(*fd, (struct sockaddr *)&me, sizeof me))
		rc = err_sys(err, "cannot listen to the process connector");
	if (!rc)
		rc = ask(*fd, err);
	if (rc) {
		(void)close(*fd);
		*fd = -1;
	}
	return rc;
}

unsigned connector_read(int fd, connector_on on, void *arg)
{
	_Alignas(struct nlmsghdr) uint8_t bytes[MESSAGE_BYTES];
	unsigned lost = 0;
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT)) >= 0 ||
	       errno == ENOBUFS || errno == EINTR) {
		struct connector_event e;
		struct nl_message m;
		struct cursor c;

		if (n < 0) {
			lost += errno == ENOBUFS;
			continue;
		}
		cur_init(&c, bytes, (size_t)n);
		while (nl_next_message(&c, &m))
			if (connector_parse(&m, &e))
				on(arg, &e);
	}
	return lost;
}
