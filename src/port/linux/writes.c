#include "port/writes.h"

#include "base/mem.h"
#include "base/time.h"
#include "port/linux/uring.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct writes {
	struct uring ring; /* without one each write is done when it is submitted */
	/* Without a ring: results that were not taken yet. */
	struct written done[WRITES_MAX];
	unsigned done_count;
	int wake_fd;
	char why[96];
};

static void fall_back(struct writes *w, int error)
{
	(void)snprintf(w->why, sizeof w->why, "io_uring: %s", strerror(error));
	uring_fini(&w->ring);
}

struct writes *writes_new(unsigned depth, bool with_ring)
{
	struct writes *w = mem_new(1, sizeof *w);

	if (!w)
		return NULL;
	w->ring.fd = w->wake_fd = -1;
	if (!with_ring)
		(void)snprintf(w->why, sizeof w->why, "io_uring: not asked for");
	else if (uring_init(&w->ring, depth))
		fall_back(w, errno);
	return w;
}

void writes_free(struct writes *w)
{
	if (!w)
		return;
	uring_fini(&w->ring);
	mem_free(w);
}

const char *writes_method(const struct writes *w)
{
	return w->ring.fd >= 0 ? "io_uring" : "pwrite";
}

const char *writes_why(const struct writes *w)
{
	return w->why;
}

void writes_begin(struct writes *w)
{
	if (w->ring.fd >= 0 && uring_enable(&w->ring))
		fall_back(w, errno);
}

static int write_now(struct writes *w, int fd, const void *bytes, size_t length, off_t at,
		     uint32_t tag)
{
	ssize_t n;

	if (w->done_count == WRITES_MAX) {
		errno = EAGAIN;
		return -1;
	}
	do
		n = pwrite(fd, bytes, length, at);
	while (n < 0 && errno == EINTR);
	w->done[w->done_count++] =
		(struct written){ .tag = tag, .result = n < 0 ? -errno : (int32_t)n };
	if (w->wake_fd >= 0) {
		uint64_t one = 1;

		/* A full counter wakes as well. */
		if (write(w->wake_fd, &one, sizeof one) < 0)
			return 0;
	}
	return 0;
}

int writes_submit(struct writes *w, int fd, const void *bytes, size_t length, off_t at,
		  uint32_t tag)
{
	struct io_uring_sqe e = {
		.opcode = IORING_OP_WRITE,
		.fd = fd,
		.addr = (uintptr_t)bytes,
		.len = (uint32_t)length,
		.off = (uint64_t)at,
		.user_data = tag,
	};
	int n;

	if (w->ring.fd < 0)
		return write_now(w, fd, bytes, length, at, tag);
	uring_put(&w->ring, &e);
	do
		n = uring_enter(&w->ring, 1, 0, IORING_ENTER_GETEVENTS, NULL, 0);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		return 0;
	uring_unput(&w->ring, 1);
	if (n == 0)
		errno = EAGAIN;
	return -1;
}

static unsigned take_done(struct writes *w, struct written *done, unsigned max)
{
	unsigned n = w->done_count < max ? w->done_count : max;

	memcpy(done, w->done, n * sizeof *done);
	w->done_count -= n;
	memmove(w->done, w->done + n, w->done_count * sizeof *done);
	return n;
}

unsigned writes_take(struct writes *w, struct written *done, unsigned max)
{
	unsigned n = 0;
	uint64_t tag;

	if (w->ring.fd < 0)
		return take_done(w, done, max);
	if (uring_must_ask(&w->ring))
		(void)uring_enter(&w->ring, 0, 0, IORING_ENTER_GETEVENTS, NULL, 0);
	for (; n < max && uring_take(&w->ring, &tag, &done[n].result); n++)
		done[n].tag = (uint32_t)tag;
	return n;
}

void writes_wait(struct writes *w, int64_t timeout_ns)
{
	struct __kernel_timespec t = { .tv_sec = timeout_ns / NS_PER_S,
				       .tv_nsec = timeout_ns % NS_PER_S };
	struct io_uring_getevents_arg arg = { .ts = (uintptr_t)&t };
	struct pollfd p = { .fd = w->ring.fd, .events = POLLIN };

	if (w->ring.fd < 0)
		return;
	if (w->ring.has_timeout)
		(void)uring_enter(&w->ring, 0, 1,
				  IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg,
				  sizeof arg);
	else if (uring_is_empty(&w->ring))
		(void)poll(&p, 1, (int)(timeout_ns / NS_PER_MS) + 1);
}

int writes_fd(const struct writes *w)
{
	return w->ring.fd;
}

void writes_wake(struct writes *w, int event_fd)
{
	w->wake_fd = event_fd;
	if (w->ring.fd >= 0)
		(void)syscall(__NR_io_uring_register, w->ring.fd, IORING_REGISTER_EVENTFD,
			      &event_fd, 1);
}
