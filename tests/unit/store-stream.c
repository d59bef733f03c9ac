/* One pcapng section to one descriptor. */
#include "lib/store-driver.h"

#include <pthread.h>
#include <signal.h>

static void start(struct driver *d, int fd)
{
	CHECK_EQ(store_create_stream(&d->store, &d->config, fd, d->ifaces, NULL), 0);
	CHECK_EQ(store_begin(d->store, NULL), 0);
}

static int make_file(const struct driver *d)
{
	char path[128];

	(void)snprintf(path, sizeof path, "%s/out.pcapng", d->dir);
	return open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

static void test_file(void)
{
	struct driver d;
	struct walk w;

	driver_init(&d);
	CHECK(driver_iface(&d, "eth0", LINKTYPE_ETHERNET) != NULL);
	start(&d, make_file(&d));
	CHECK_EQ(driver_write(&d, 3, T0, 60), 0);
	/* Nothing is held back: a live reader has it now. */
	CHECK_EQ(walk_file(d.dir, "out.pcapng").packets, 3);
	CHECK(driver_iface(&d, "eth1", LINKTYPE_ETHERNET) != NULL);
	CHECK_EQ(driver_write(&d, 2, T0, 60), 0);
	CHECK_EQ(driver_close(&d, NULL), 0);
	w = walk_file(d.dir, "out.pcapng");
	CHECK(w.is_whole);
	CHECK_EQ(w.packets, 5);
	CHECK_EQ(w.interfaces, 2);
	CHECK_EQ(w.stats, 2);
	CHECK_EQ(d.summary.packets, 5);
	CHECK_EQ(d.summary.grade, GRADE_COMPLETE);
	driver_fini(&d);
}

static void test_nothing_recorded_still_has_interfaces(void)
{
	struct driver d;

	driver_init(&d);
	CHECK(driver_iface(&d, "eth0", LINKTYPE_ETHERNET) != NULL);
	CHECK(driver_iface(&d, "tun0", LINKTYPE_RAW) != NULL);
	start(&d, make_file(&d));
	CHECK_EQ(driver_close(&d, NULL), 0);
	CHECK_EQ(walk_file(d.dir, "out.pcapng").interfaces, 1);
	CHECK(walk_file(d.dir, "out.pcapng").is_whole);
	driver_fini(&d);
}

/* Interface ids count through the section, not within the lane. */
static void test_lanes_share_a_section(void)
{
	struct driver d;
	struct span *span;
	struct bytes b;
	uint32_t ids[4] = { 9, 9, 9, 9 };
	unsigned n = 0;

	driver_init(&d);
	CHECK(driver_iface(&d, "tun0", LINKTYPE_RAW) != NULL);
	CHECK(driver_iface(&d, "eth0", LINKTYPE_ETHERNET) != NULL);
	CHECK(driver_iface(&d, "eth1", LINKTYPE_ETHERNET) != NULL);
	start(&d, make_file(&d));
	span = span_new(&d, 1, 1);
	span_add(span, 0, T0, 60);
	CHECK_EQ(store_write(d.store, span), 0);
	CHECK_EQ(driver_write(&d, 1, T0 + 1, 40), 0); /* lane 0 */
	span = span_new(&d, 1, 2);
	span_add(span, 1, T0 + 2, 60);
	span_add(span, 0, T0 + 3, 60);
	CHECK_EQ(store_write(d.store, span), 0);
	CHECK_EQ(driver_close(&d, NULL), 0);
	b = read_whole(d.dir, "out.pcapng");
	for (size_t at = 0; at + 12 <= b.length && n < 4; at += get_u32le(b.at + at + 4))
		if (get_u32le(b.at + at) == PCAPNG_EPB)
			ids[n++] = get_u32le(b.at + at + 8);
	free(b.at);
	CHECK_EQ(ids[0], 0);
	CHECK_EQ(ids[1], 1);
	CHECK_EQ(ids[2], 2);
	CHECK_EQ(ids[3], 0);
	driver_fini(&d);
}

static void test_reader_goes(void)
{
	struct driver d;
	int fds[2];

	driver_init(&d);
	CHECK(driver_iface(&d, "eth0", LINKTYPE_ETHERNET) != NULL);
	CHECK(pipe(fds) == 0);
	start(&d, fds[1]);
	CHECK_EQ(driver_write(&d, 1, T0, 60), 0);
	(void)close(fds[0]);
	CHECK_EQ(driver_write(&d, 1, T0, 60), WEIR_ERR_CLOSED);
	CHECK_EQ(driver_write(&d, 1, T0, 60), WEIR_ERR_CLOSED);
	CHECK_EQ(d.released, 3);
	CHECK_EQ(driver_close(&d, NULL), 0);
	CHECK_EQ(d.summary.packets, 1);
	/* Captured, and delivered to nobody. */
	CHECK_EQ(d.summary.losses.packets[LOSS_WRITE], 2);
	driver_fini(&d);
}

static void *read_slowly(void *arg)
{
	int fd = *(int *)arg;
	uint8_t some[1000];
	size_t total = 0;
	ssize_t n;

	while ((n = read(fd, some, sizeof some)) > 0)
		total += (size_t)n;
	return (void *)(uintptr_t)total;
}

/* A pipe that does not block and is smaller than a span: partial writes are completed. */
static void test_partial_writes(void)
{
	struct driver d;
	pthread_t reader;
	void *total;
	int fds[2];
	uint64_t written;

	driver_init(&d);
	CHECK(driver_iface(&d, "eth0", LINKTYPE_ETHERNET) != NULL);
	CHECK(pipe2(fds, O_NONBLOCK) == 0);
	CHECK(fcntl(fds[0], F_SETFL, 0) == 0);
	CHECK(pthread_create(&reader, NULL, read_slowly, &fds[0]) == 0);
	start(&d, fds[1]);
	CHECK_EQ(driver_write(&d, 600, T0, 1400), 0);
	written = counter_read(&store_progress(d.store)->written_bytes);
	CHECK(written > 600 * 1400);
	CHECK_EQ(driver_close(&d, NULL), 0);
	CHECK(pthread_join(reader, &total) == 0);
	CHECK_EQ((uintptr_t)total, written + PCAPNG_STATS_MAX - 12);
	CHECK_EQ(d.summary.packets, 600);
	(void)close(fds[0]);
	driver_fini(&d);
}

/* The device that is always full: losses, no failure. */
static void test_full(void)
{
	struct driver d;
	struct weir_error err = { 0 };
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	driver_init(&d);
	CHECK(driver_iface(&d, "eth0", LINKTYPE_ETHERNET) != NULL);
	CHECK_EQ(store_create_stream(&d.store, &d.config, fd, d.ifaces, NULL), 0);
	CHECK_EQ(store_begin(d.store, &err), WEIR_ERR_NO_SPACE);
	CHECK_EQ(driver_close(&d, NULL), 0);
	CHECK_EQ(d.summary.grade, GRADE_INCOMPLETE);
	driver_fini(&d);
}

int main(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	RUN(test_file);
	RUN(test_nothing_recorded_still_has_interfaces);
	RUN(test_lanes_share_a_section);
	RUN(test_reader_goes);
	RUN(test_partial_writes);
	RUN(test_full);
	return tap_done();
}
