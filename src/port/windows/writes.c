/* Writes one after the other, each done when it is submitted: WriteFile() at an offset. */
#include "port/writes.h"

#include "base/mem.h"
#include "port/windows/win.h"

#include <errno.h>

struct writes {
	struct written done[WRITES_MAX];
	unsigned count, depth;
};

struct writes *writes_new(unsigned depth, bool with_ring)
{
	struct writes *w = mem_new(1, sizeof *w);

	(void)with_ring;
	if (w)
		w->depth = depth < WRITES_MAX ? depth : WRITES_MAX;
	return w;
}

void writes_free(struct writes *w)
{
	mem_free(w);
}

const char *writes_method(const struct writes *w)
{
	(void)w;
	return "WriteFile";
}

const char *writes_why(const struct writes *w)
{
	(void)w;
	return "";
}

void writes_begin(struct writes *w)
{
	(void)w;
}

int writes_submit(struct writes *w, int fd, const void *bytes, size_t length, off_t at,
		  uint32_t tag)
{
	ssize_t n;

	if (w->count == w->depth) {
		errno = EBUSY;
		return -1;
	}
	n = weir_pwrite(fd, bytes, length, at);
	w->done[w->count++] =
		(struct written){ .tag = tag, .result = n < 0 ? -errno : (int32_t)n };
	return 0;
}

unsigned writes_take(struct writes *w, struct written *done, unsigned max)
{
	unsigned n = w->count < max ? w->count : max;

	memcpy(done, w->done, n * sizeof *done);
	memmove(w->done, w->done + n, (w->count - n) * sizeof *done);
	w->count -= n;
	return n;
}

void writes_wait(struct writes *w, int64_t timeout_ns)
{
	(void)w;
	(void)timeout_ns;
}

int writes_fd(const struct writes *w)
{
	(void)w;
	return -1;
}

void writes_wake(struct writes *w, int event_fd)
{
	(void)w;
	(void)event_fd;
}
