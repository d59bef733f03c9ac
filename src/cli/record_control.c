#include "cli/record_control.h"

#include "base/mem.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <unistd.h>

enum {
	LINE_BYTES = 16 * 1024,
	LOOK_MS = 100
};

enum ending {
	NOT_YET,
	REQUEST,
	OWNER_GONE
};

struct control {
	int fd;
	struct session *session;
	struct port_thread *thread;
	struct port_event stop;
	atomic_int ending;
	char line[LINE_BYTES];
	size_t used;
};

static void on_line(struct control *c, const char *line, size_t length)
{
	json_t *members;

	if (length == 4 && !memcmp(line, "stop", 4)) {
		atomic_store(&c->ending, REQUEST);
		return;
	}
	if (length < 5 || memcmp(line, "mark ", 5) != 0)
		return;
	members = json_loadb(line + 5, length - 5, 0, NULL);
	if (json_is_object(members))
		session_event(c->session, "mark", members);
	else
		json_decref(members);
}

static void take_lines(struct control *c)
{
	char *begin = c->line, *end;

	while ((end = memchr(begin, '\n', c->used - (size_t)(begin - c->line))) != NULL) {
		on_line(c, begin, (size_t)(end - begin));
		begin = end + 1;
	}
	c->used -= (size_t)(begin - c->line);
	memmove(c->line, begin, c->used);
	/* A line that does not fit is none of ours. */
	if (c->used == sizeof c->line)
		c->used = 0;
}

static void *run(void *arg)
{
	struct control *c = arg;
	struct pollfd fds[2] = { { .fd = c->fd, .events = POLLIN },
				 { .fd = c->stop.fd, .events = POLLIN } };

	for (;;) {
		ssize_t n;

		/* An event without a descriptor is looked at in between. */
		if (poll(fds, 2, c->stop.fd < 0 ? LOOK_MS : -1) < 0 && errno != EINTR)
			break;
		if (port_event_wait(&c->stop, 0))
			return NULL;
		if (!fds[0].revents)
			continue;
		n = read(c->fd, c->line + c->used, sizeof c->line - c->used);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			break;
		c->used += (size_t)n;
		take_lines(c);
	}
	atomic_store(&c->ending, OWNER_GONE);
	return NULL;
}

int control_start(struct control **out, int fd, struct session *s, struct weir_error *err)
{
	struct control *c = mem_new(1, sizeof *c);
	int rc;

	*out = NULL;
	if (!c)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for requests");
	c->fd = fd;
	c->session = s;
	rc = port_event_init(&c->stop, err);
	if (!rc)
		rc = port_thread_start(&c->thread, "weir-control", run, c, err);
	if (rc) {
		mem_free(c);
		return rc;
	}
	*out = c;
	return 0;
}

const char *control_reason(const struct control *c)
{
	static const char *const reasons[] = { NULL, "request", "owner_gone" };

	return c ? reasons[atomic_load(&c->ending)] : NULL;
}

void control_stop(struct control *c)
{
	if (!c)
		return;
	port_event_set(&c->stop);
	port_thread_join(c->thread);
	port_event_fini(&c->stop);
	mem_free(c);
}
