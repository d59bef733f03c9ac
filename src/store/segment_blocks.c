/* A pcapng segment read in order of time: as it lies where it is sorted, else through an index. */
#include "base/bytes.h"
#include "base/mem.h"
#include "store/pcapng_reader.h"
#include "store/segment_reader.h"
#include "store/time_index.h"

#include <errno.h>
#include <unistd.h>

/* Most blocks come whole with the first read. */
enum {
	FIRST_READ = 4096
};

struct block_reader {
	struct segment_reader base;
	struct reader *r; /* owns the descriptor */
	int fd;
	struct time_index index;
	size_t at; /* in the index */
	uint8_t *block;
	size_t room;
};

/* As many of n bytes as the file has from offset on. */
static int read_at(int fd, uint64_t offset, uint8_t *into, size_t n, size_t *got,
		   struct weir_error *err)
{
	*got = 0;
	while (*got < n) {
		ssize_t rc = pread(fd, into + *got, n - *got, (off_t)(offset + *got));

		if (rc < 0 && errno == EINTR)
			continue;
		if (rc < 0)
			return err_sys(err, "read failed at offset %llu",
				       (unsigned long long)offset);
		if (!rc)
			break;
		*got += (size_t)rc;
	}
	return 0;
}

static int grow_block(struct block_reader *t, size_t length, struct weir_error *err)
{
	uint8_t *grown;

	if (length <= t->room)
		return 0;
	grown = mem_grow(t->block, length, 1);
	if (!grown)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a block");
	t->block = grown;
	t->room = length;
	return 0;
}

static int next_indexed(struct segment_reader *base, struct packet *p,
			struct weir_error *err)
{
	struct block_reader *t = (struct block_reader *)base;
	uint64_t offset;
	size_t got, length;
	int rc;

	if (t->at == t->index.count)
		return 0;
	offset = t->index.entries[t->at++].offset;
	rc = read_at(t->fd, offset, t->block, FIRST_READ, &got, err);
	if (rc)
		return rc;
	length = got >= 8 ? get_u32le(t->block + 4) : 0;
	if (length < 12 || length > WINDOW_MAX)
		return err_set(err, WEIR_ERR_FORMAT,
			       "at offset %llu: a block has changed since it was indexed",
			       (unsigned long long)offset);
	if (length > FIRST_READ) {
		rc = grow_block(t, length, err);
		if (!rc)
			rc = read_at(t->fd, offset, t->block, length, &got, err);
		if (rc)
			return rc;
	}
	if (got < length)
		return err_set(err, WEIR_ERR_FORMAT,
			       "at offset %llu: a block of %zu bytes is cut after %zu",
			       (unsigned long long)offset, length, got);
	return pcapng_reader_parse(t->r, t->block, length, offset, p, err);
}

static int next_in_file(struct segment_reader *base, struct packet *p,
			struct weir_error *err)
{
	struct block_reader *t = (struct block_reader *)base;

	memset(p, 0, sizeof *p);
	return t->r->ops->next(t->r, p, err);
}

static const struct iface_info *block_iface(const struct segment_reader *base,
					    unsigned index)
{
	return reader_iface(((const struct block_reader *)base)->r, index);
}

static void block_fini(struct segment_reader *base)
{
	struct block_reader *t = (struct block_reader *)base;

	reader_free(t->r);
	time_index_fini(&t->index);
	mem_free(t->block);
}

static const struct segment_reader_ops in_file_ops = { next_in_file, block_iface,
						       block_fini };
static const struct segment_reader_ops indexed_ops = { next_indexed, block_iface,
						       block_fini };

static int build_index(struct block_reader *t, struct weir_error *err)
{
	struct packet p;
	int rc;

	while ((rc = next_in_file(&t->base, &p, err)) > 0) {
		rc = time_index_add(&t->index, p.ns, pcapng_reader_offset(t->r), err);
		if (rc)
			break;
	}
	/* The interfaces of a section are known only while it is the present one. */
	if (!rc && pcapng_reader_sections(t->r) > 1)
		rc = err_set(err, WEIR_ERR_UNSUPPORTED,
			     "it has %u sections and its times go back",
			     pcapng_reader_sections(t->r));
	time_index_sort(&t->index);
	return rc ? rc : grow_block(t, FIRST_READ, err);
}

static int open_reader(struct block_reader *t, const struct store_segment *segment,
		       struct weir_error *err)
{
	struct window w;
	int rc = window_init(&w, byte_source_fd(t->fd, segment->file_bytes, true), err);

	if (rc)
		return rc;
	rc = window_want(&w, 4, err);
	if (rc > 0 && pcapng_is_magic(window_bytes(&w)))
		return pcapng_reader_new(&t->r, segment->name, &w, err);
	window_fini(&w);
	return rc < 0 ? rc
		      : err_set(err, WEIR_ERR_FORMAT, "at offset 0: no section header");
}

int block_reader_new(struct segment_reader **out, const struct store_segment *segment,
		     int fd, struct weir_error *err)
{
	struct block_reader *t = mem_new(1, sizeof *t);
	int rc;

	if (!t) {
		(void)close(fd);
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a segment");
	}
	t->base.ops = segment->is_sorted ? &in_file_ops : &indexed_ops;
	t->base.segment = segment;
	t->fd = fd;
	rc = open_reader(t, segment, err);
	if (!rc && !segment->is_sorted)
		rc = build_index(t, err);
	if (rc) {
		segment_reader_free(&t->base);
		return rc;
	}
	*out = &t->base;
	return 0;
}
