/* Stores as a dead recorder or a power cut leaves them: a copy of a store's files, taken while it is
 * still being written, and then damaged.  Include after lib/store-driver.h, once in a test. */
#ifndef TESTS_BROKEN_STORE_H
#define TESTS_BROKEN_STORE_H

#include "lib/store-driver.h"
#include "store/open.h"
#include "weir/reader.h"

static inline void write_whole(const char *dir, const char *name, const void *bytes,
			       size_t length)
{
	char path[1024];
	int fd;

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, bytes, length) != (ssize_t)length)
		abort();
	(void)close(fd);
}

/* Copies every file; `to` is made anew. */
static inline void copy_store(const char *from, const char *to)
{
	DIR *all = opendir(from);
	struct dirent *e;

	driver_remove_all(to);
	if (!all || mkdir(to, 0700))
		abort();
	while ((e = readdir(all)) != NULL) {
		struct bytes b;

		if (e->d_name[0] == '.')
			continue;
		b = read_whole(from, e->d_name);
		if (!b.at)
			abort();
		write_whole(to, e->d_name, b.at, b.length);
		free(b.at);
	}
	(void)closedir(all);
}

/* Waits, at most 5 s, until the manifest has `count` lines of a type. */
static inline bool wait_lines(const char *path, const char *type, unsigned count)
{
	for (unsigned i = 0; i < 1000; i++) {
		if (count_lines(path, type) >= count)
			return true;
		(void)usleep(5000);
	}
	return false;
}

/* A store of one interface and `packets` packets that is still being written, copied to d->dir
 * "/dead".  The one it was copied from is closed. */
static UNUSED inline void make_dead(struct driver *d, char dead[128], unsigned packets,
				    uint32_t size)
{
	(void)snprintf(dead, 128, "%s/dead", d->dir);
	if (!driver_iface(d, "eth0", LINKTYPE_ETHERNET) || driver_start(d, NULL) ||
	    driver_write(d, packets, T0, size) || !wait_lines(d->path, "segment_open", 1))
		abort();
	copy_store(d->path, dead);
	if (driver_close(d, NULL))
		abort();
}

/* Reads a whole source: packets, or a negative code.  Times must not go back, and ids, where the
 * store was written by driver_write() alone, count from 1. */
static UNUSED inline int read_all(const char *path, bool is_counted,
				  struct weir_error *err)
{
	struct reader *r;
	struct packet p;
	int64_t before = INT64_MIN;
	int count = 0, rc = reader_open(&r, path, err);

	if (rc)
		return rc;
	while ((rc = reader_next(r, &p, err)) > 0) {
		count++;
		CHECK(p.ns >= before);
		before = p.ns;
		if (is_counted) {
			CHECK_EQ(p.id, count);
			CHECK(!p.caplen || p.data[p.caplen - 1] == (uint8_t)count);
		}
	}
	reader_free(r);
	return rc ? rc : count;
}

/* Opens, and says whether all is as it should be after a repair: `packets` survive (-1: any
 * number), it is repaired once only, it reads (is_counted: as read_all()), and it verifies.  Returns
 * the packets. */
static UNUSED inline int check_repaired(const char *path, int packets, bool is_counted)
{
	struct weir_error err = { 0 };
	struct store_check check;
	struct store_view *v;
	int found = 0, rc = store_open(&v, path, &err);

	CHECK_EQ(rc, 0);
	if (rc) {
		printf("# %s\n", err.text);
		return -1;
	}
	CHECK(v->was_repaired && !v->is_live && v->end);
	for (size_t i = 0; i < v->segment_count; i++)
		found += (int)v->segments[i].packets;
	if (packets >= 0)
		CHECK_EQ(found, packets);
	CHECK_EQ(member(v->end, "packets"), found);
	CHECK_STR(json_string_value(json_object_get(v->end, "grade")), "incomplete");
	store_view_free(v);
	CHECK_EQ(store_open(&v, path, &err), 0);
	CHECK(!v->was_repaired);
	store_view_free(v);
	CHECK_EQ(read_all(path, is_counted, &err), found);
	if (store_verify(path, &check, &err))
		printf("# %s\n", check.fault);
	CHECK_EQ(check.fault[0], 0);
	CHECK(check.is_repaired);
	CHECK_EQ(check.packets, found);
	return found;
}

#endif
