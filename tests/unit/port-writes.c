/* Writes in flight, by io_uring and without: every one comes back once, with its own result. */
#include "port/writes.h"

#include "base/time.h"
#include "lib/tap.h"
#include "port/port.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
	DEPTH = 8,
	PART = 4096
};

static int make_file(void)
{
	char path[] = "/tmp/weir-unit-XXXXXX";
	int fd = mkstemp(path);

	(void)unlink(path);
	return fd;
}

static struct writes *begin(bool with_ring)
{
	struct writes *w = writes_new(DEPTH, with_ring);

	CHECK(w != NULL);
	writes_begin(w);
	return w;
}

/* Waits for `count` results, five seconds at most. */
static unsigned collect(struct writes *w, struct written *done, unsigned count)
{
	int64_t until = port_monotonic_ns() + 5 * NS_PER_S;
	unsigned n = 0;

	while (n < count && port_monotonic_ns() < until) {
		n += writes_take(w, done + n, count - n);
		if (n < count)
			writes_wait(w, 100 * NS_PER_MS);
	}
	return n;
}

static void fills_a_file(bool with_ring)
{
	struct writes *w = begin(with_ring);
	struct written done[DEPTH];
	uint8_t *bytes = malloc(DEPTH * PART), back[PART];
	unsigned seen = 0;
	int fd = make_file();

	for (unsigned i = 0; i < DEPTH; i++) {
		memset(bytes + i * PART, 'a' + (int)i, PART);
		CHECK_EQ(writes_submit(w, fd, bytes + i * PART, PART, (off_t)i * PART,
				       100 + i),
			 0);
	}
	CHECK_EQ(collect(w, done, DEPTH), DEPTH);
	for (unsigned i = 0; i < DEPTH; i++) {
		CHECK_EQ(done[i].result, PART);
		seen |= 1u << (done[i].tag - 100);
	}
	CHECK_EQ(seen, (1u << DEPTH) - 1);
	for (unsigned i = 0; i < DEPTH; i++) {
		CHECK_EQ(pread(fd, back, PART, (off_t)i * PART), PART);
		CHECK(!memcmp(back, bytes + i * PART, PART));
	}
	CHECK_EQ(writes_take(w, done, DEPTH), 0);
	writes_free(w);
	free(bytes);
	(void)close(fd);
}

static void tells_of_errors(bool with_ring)
{
	struct writes *w = begin(with_ring);
	struct written done[2];
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	CHECK_EQ(writes_submit(w, fd, "weir", 4, 0, 7), 0);
	CHECK_EQ(collect(w, done, 1), 1);
	CHECK_EQ(done[0].tag, 7);
	CHECK_EQ(done[0].result, -EBADF);
	(void)close(fd);
	writes_free(w);
}

/* The event is up when a result is there; without a ring too. */
static void wakes(bool with_ring)
{
	struct writes *w = begin(with_ring);
	struct written done[1];
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), fd = make_file();
	struct pollfd p = { .fd = event, .events = POLLIN };

	writes_wake(w, event);
	CHECK_EQ(writes_submit(w, fd, "weir", 4, 0, 1), 0);
	CHECK_EQ(poll(&p, 1, 5000), 1);
	CHECK_EQ(collect(w, done, 1), 1);
	CHECK_EQ(done[0].result, 4);
	(void)close(event);
	(void)close(fd);
	writes_free(w);
}

static bool has_ring(void)
{
	struct writes *w = begin(true);
	bool is = writes_fd(w) >= 0;

	CHECK_STR(writes_method(w), is ? "io_uring" : "pwrite");
	CHECK_EQ(writes_why(w)[0] == '\0', is);
	writes_free(w);
	return is;
}

static void test_without_ring(void)
{
	struct writes *w = begin(false);

	CHECK_STR(writes_method(w), "pwrite");
	CHECK(writes_why(w)[0] != '\0');
	CHECK_EQ(writes_fd(w), -1);
	writes_free(w);
	fills_a_file(false);
	tells_of_errors(false);
	wakes(false);
}

static void test_ring(void)
{
	if (!has_ring())
		SKIP("io_uring cannot be had");
	for (unsigned i = 0; i < 50; i++)
		fills_a_file(true);
	tells_of_errors(true);
	wakes(true);
}

/* Waiting for nothing ends when it should. */
static void test_timeout(void)
{
	struct writes *w = begin(true);
	int64_t start = port_monotonic_ns();

	writes_wait(w, 20 * NS_PER_MS);
	CHECK(port_monotonic_ns() - start < 5 * NS_PER_S);
	writes_free(w);
}

int main(void)
{
	RUN(test_without_ring);
	RUN(test_ring);
	RUN(test_timeout);
	return tap_done();
}
