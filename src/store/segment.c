#include "store/segment.h"

#include "base/bytes.h"
#include "base/time.h"
#include "port/port.h"
#include "store/span.h"

#include <string.h>
#include <unistd.h>

int segment_init(struct segment *g, const struct disk *disk)
{
	memset(g, 0, sizeof *g);
	g->disk = disk;
	g->fd = g->direct_fd = -1;
	g->hash = hash_new();
	return g->hash ? 0 : WEIR_ERR_NO_MEMORY;
}

static void close_direct(struct segment *g)
{
	if (g->direct_fd >= 0)
		(void)close(g->direct_fd);
	g->direct_fd = -1;
}

void segment_fini(struct segment *g)
{
	close_direct(g);
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
	g->is_direct_refused = false;
	g->allocated = g->pending_bytes = g->pending_packets = 0;
	g->ending = NULL;
	return 0;
}

void segment_hash(struct segment *g, const void *bytes, size_t length)
{
	if (g->facts.is_hashed && hash_update(g->hash, bytes, length))
		g->facts.is_hashed = false;
}

/* Space for all that is to come, since taking it waits for what is in flight; on a disk that is
 * filling up only little, and near its end none: then a plain write finds out where it ends. */
static bool extend(struct segment *g, int dir_fd, uint64_t end, uint64_t ahead)
{
	const uint64_t little = UINT64_C(4) << 20, most = UINT64_C(1) << 30;
	uint64_t from = segment_end(g) > g->allocated ? segment_end(g) : g->allocated;
	uint64_t want = ahead < most ? ahead : most, disk_free;

	if (port_disk_free(dir_fd, &disk_free))
		return false;
	while (disk_free / 8 < want && want > little)
		want /= 2;
	want -= want % SPAN_ALIGNMENT;
	if (want < end - from)
		want = end - from;
	want = ALIGN_UP(want, (uint64_t)SPAN_ALIGNMENT);
	if (disk_free / 8 < want || g->disk->extend(g->fd, (off_t)from, (off_t)want))
		return false;
	g->allocated = from + want;
	g->facts.is_direct = true;
	return true;
}

bool segment_direct(struct segment *g, int dir_fd, uint64_t need, uint64_t ahead)
{
	uint64_t end = segment_end(g) + need;

	if (g->is_direct_refused)
		return false;
	if (g->direct_fd < 0)
		g->direct_fd = g->disk->open_direct(dir_fd, g->facts.name);
	g->is_direct_refused = g->direct_fd < 0 ||
			       (end > g->allocated && !extend(g, dir_fd, end, ahead));
	return !g->is_direct_refused;
}

static void hash_zeros(struct segment *g, uint64_t length)
{
	static const uint8_t zeros[SPAN_ALIGNMENT];

	for (uint64_t n; length; length -= n) {
		n = length < sizeof zeros ? length : sizeof zeros;
		segment_hash(g, zeros, n);
	}
}

/* Between its head and its end it is zero already: space that was never written reads so. */
int segment_pad(struct segment *g, struct weir_error *err)
{
	uint64_t at = g->facts.file_bytes;
	uint64_t length = g->allocated > at ? g->allocated - at : 0;
	uint8_t head[8], end[4];

	if (length < SPAN_PAD_LEAST || length > SEGMENT_PAD_MOST)
		return 0;
	(void)put_u32le(put_u32le(head, SPAN_PAD_TYPE), (uint32_t)length);
	(void)put_u32le(end, (uint32_t)length);
	if (disk_write(g->disk, g->fd, end, sizeof end, at + length - sizeof end, NULL) ||
	    disk_write(g->disk, g->fd, head, sizeof head, at, NULL))
		return err_sys(err, "cannot write segment '%s' at %llu", g->facts.name,
			       (unsigned long long)at);
	segment_hash(g, head, sizeof head);
	hash_zeros(g, length - sizeof head - sizeof end);
	segment_hash(g, end, sizeof end);
	g->facts.file_bytes += length;
	return 0;
}

/* The space behind its end goes when the segment is closed, and then not by this thread. */
static void cut_to_end(struct segment *g)
{
	/* The next append goes to the same place, so a failure matters only at the end. */
	g->facts.is_torn = g->disk->truncate(g->fd, (off_t)g->facts.file_bytes) != 0;
	g->allocated = 0;
}

void segment_plain(struct segment *g)
{
	close_direct(g);
	g->is_direct_refused = true;
	g->facts.is_hashed = false;
	cut_to_end(g);
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
	segment_hash(g, bytes, length);
	g->facts.file_bytes += length;
	look_at_speed(g, begin_ns);
	return 0;
}

void segment_keep(struct segment *g, const void *bytes, size_t length)
{
	segment_hash(g, bytes, length);
	g->facts.file_bytes += length;
	cut_to_end(g);
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

	close_direct(g);
	g->facts.is_long = g->allocated > g->facts.file_bytes;
	if (g->facts.is_torn)
		g->facts.is_torn = g->disk->truncate(fd, (off_t)g->facts.file_bytes) != 0;
	if (g->facts.is_hashed && hash_finish(g->hash, g->facts.sha256))
		g->facts.is_hashed = false;
	g->facts.reason = reason;
	g->fd = -1;
	return fd;
}
