/* How the passive source waits: for a stop, a change of the interfaces, blocks of its rings; and, where
 * its thread writes too and the disk has all that it can take, for the next write to be done.
 *
 * poll(2) on a packet socket returns at once while the block that was filled last is not given back,
 * and that is for as long as it is being written.  epoll's edges tell of new blocks only. */
#include "base/time.h"
#include "capture/sniff_ports.h"

#include <sys/epoll.h>
#include <unistd.h>

enum {
	BUSY_MS =
		20, /* while records wait for their span's seal, or writes for their end */
	WRITER_MS = 250, /* what the store needs its thread for */
	IDLE_MS = 500,
	FULL_MS = 2,
	TURNS_MOST = 32, /* blocks that are walked between two looks at everything else */
	EVENTS = 16
};

enum {
	WAIT_STOP,
	WAIT_LINKS,
	WAIT_PORTS /* and the port's number */
};

static int watch(struct source *s, int fd, uint32_t events, uint32_t what,
		 struct weir_error *err)
{
	struct epoll_event e = { .events = events, .data.u32 = what };

	if (epoll_ctl(s->wait_fd, EPOLL_CTL_ADD, fd, &e))
		return err_sys(err, "cannot watch a descriptor");
	return 0;
}

int sniff_wait_open(struct source *s, struct weir_error *err)
{
	int rc;

	s->wait_fd = epoll_create1(EPOLL_CLOEXEC);
	if (s->wait_fd < 0)
		return err_sys(err, "cannot make an epoll descriptor");
	rc = watch(s, s->context->stop->fd, EPOLLIN, WAIT_STOP, err);
	if (!rc)
		rc = watch(s, link_watch_fd(s->links), EPOLLIN, WAIT_LINKS, err);
	for (unsigned i = 0; i < s->port_count && !rc; i++)
		rc = watch(s, packet_ring_fd(s->ports[i].ring),
			   EPOLLIN | EPOLLERR | EPOLLET, WAIT_PORTS + i, err);
	return rc;
}

void sniff_wait_close(struct source *s)
{
	if (s->wait_fd >= 0)
		(void)close(s->wait_fd);
	s->wait_fd = -1;
}

static int time_to_wait(struct source *s, int state)
{
	if (state == WALK_MORE)
		return 0;
	if (state == WALK_FULL && s->context->write) {
		store_wait(s->context->store, FULL_MS * NS_PER_MS);
		return 0;
	}
	if (state == WALK_FULL)
		return FULL_MS;
	if (s->has_unflushed || (s->context->write && store_in_flight(s->context->store)))
		return BUSY_MS;
	return s->context->write ? WRITER_MS : IDLE_MS;
}

bool sniff_wait(struct source *s, int state)
{
	struct epoll_event events[EVENTS];
	bool is_stop = false;
	int n;

	if (state == WALK_MORE && ++s->turns < TURNS_MOST)
		return false;
	s->turns = 0;
	n = epoll_wait(s->wait_fd, events, EVENTS, time_to_wait(s, state));
	for (int i = 0; i < n; i++) {
		uint32_t what = events[i].data.u32;

		if (what == WAIT_STOP)
			is_stop = true;
		else if (what == WAIT_LINKS)
			s->has_changes = true;
		else if (what >= WAIT_PORTS && events[i].events & EPOLLERR)
			packet_ring_clear_error(s->ports[what - WAIT_PORTS].ring);
	}
	return is_stop;
}
