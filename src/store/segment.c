#include "store/segment.h"

#include "base/time.h"
#include "port/port.h"

#include <string.h>
#include <unistd.h>

int segment_init(struct segment *g, const struct disk *disk)
{
	memset(g, 0, sizeof *g);
	g->disk = disk;
	g->fd = -1;
	g->hash = hash_new();
	return g->hash ? 0 : WEIR_ERR_NO_MEMORY;
}

void segment_fini(struct segment *g)
{
	if (g->fd >= 0)
		(void)close(g->fd);
	g->fd = -1;
	hash_free(g->hash);
	g->hash = NULL;
}

int segment_open(struct segment *g, int dir_fd, bool is_hashed, struct weir_error *err)
{
	g->fd = g->disk->make(dir_fd, g->facts.name);
	if (g->fd < 0)
		return err_sys(err, "cannot make segment '%s'", g->facts.name);
	g->facts.is_hashed = is_hashed && !hash_reset(g->hash);
	g->facts.is_sorted = true;
	g->opened_ns = port_monotonic_ns();
	g->busy_ns = 0;
	g->told_errno = 0;
	return 0;
}

static void hash_bytes(struct segment *g, const void *bytes, size_t length)
{
	if (g->facts.is_hashed && hash_update(g->hash, bytes, length))
		g->facts.is_hashed = false;
}

/* Hashing stops where writing and hashing leave no time for anything else: the capture queue
 * would fill.  The file is hashed once it is closed. */
static void look_at_speed(struct segment *g, int64_t begin_ns)
{
	int64_t now = port_monotonic_ns(), passed = now - g->opened_ns;

	g->busy_ns += now - begin_ns;
	if (g->is_adaptive && passed > NS_PER_S && g->busy_ns > passed / 10 * 9)
		g->facts.is_hashed = false;
}

int segment_append(struct segment *g, const void *bytes, size_t length, size_t *done,
		   struct weir_error *err)
{
	int64_t begin_ns = port_monotonic_ns();
	int rc = disk_write(g->disk, g->fd, bytes, length, g->facts.file_bytes, done);

	if (rc)
		return err_sys(err, "cannot write segment '%s' at %llu", g->facts.name,
			       (unsigned long long)g->facts.file_bytes);
	hash_bytes(g, bytes, length);
	g->facts.file_bytes += length;
	look_at_speed(g, begin_ns);
	return 0;
}

void segment_keep(struct segment *g, const void *bytes, size_t length)
{
	hash_bytes(g, bytes, length);
	g->facts.file_bytes += length;
	/* The next append goes to the same place, so a failure matters only at the end. */
	g->facts.is_torn = g->disk->truncate(g->fd, (off_t)g->facts.file_bytes) != 0;
}

void segment_count(struct segment *g, const struct piece *p)
{
	struct segment_facts *f = &g->facts;

	if (!p->packets)
		return;
	if (!f->packets) {
		f->first_ns = p->first_ns;
		f->last_ns = p->last_ns;
		f->is_sorted = p->is_sorted;
	} else {
		f->is_sorted = f->is_sorted && p->is_sorted && p->first_ns >= f->last_ns;
		f->first_ns = p->first_ns < f->first_ns ? p->first_ns : f->first_ns;
		f->last_ns = p->last_ns > f->last_ns ? p->last_ns : f->last_ns;
	}
	f->packets += p->packets;
	f->bytes += p->bytes;
	f->wire_bytes += p->wire_bytes;
}

int segment_close(struct segment *g, const char *reason)
{
	int fd = g->fd;

	if (g->facts.is_torn)
		g->facts.is_torn = g->disk->truncate(fd, (off_t)g->facts.file_bytes) != 0;
	if (g->facts.is_hashed && hash_finish(g->hash, g->facts.sha256))
		g->facts.is_hashed = false;
	g->facts.reason = reason;
	g->fd = -1;
	return fd;
}
