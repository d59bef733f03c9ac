/* A list segment read in order of time: each line names a packet file (layouts files and pairs). */
#include "base/mem.h"
#include "store/list_line.h"
#include "store/segment_reader.h"
#include "store/time_index.h"

#include <errno.h>
#include <unistd.h>

/* Longer than any line of a list. */
enum {
	LINE_ROOM = 4096
};

struct list_reader {
	struct segment_reader base;
	const struct store_view *view;
	struct window w; /* owns the descriptor */
	int fd;
	struct time_index index;
	size_t at;
	uint8_t *packet;
	char line[LINE_ROOM];
	struct iface_info unknown;
};

static int no_packet(uint64_t offset, struct weir_error *err)
{
	return err_set(err, WEIR_ERR_FORMAT, "at offset %llu: a line describes no packet",
		       (unsigned long long)offset);
}

static int fill(struct list_reader *t, const json_t *object, uint64_t offset,
		struct packet *p, struct weir_error *err)
{
	struct list_line l;
	int rc;

	memset(p, 0, sizeof *p);
	if (!object || !list_line_read(object, &l))
		return no_packet(offset, err);
	rc = list_line_load(&l, t->view->dir_fd, t->packet, err);
	if (rc)
		return rc;
	p->ns = l.ns;
	p->caplen = l.bytes;
	p->len = l.wire_bytes;
	p->data = t->packet;
	p->linktype = l.linktype;
	p->iface = l.iface < IFACE_MAX ? (unsigned)l.iface : IFACE_MAX - 1;
	p->flags = l.flags;
	p->has_flags = true;
	p->id = l.packet_id;
	p->drops = l.drops;
	p->queue = l.queue;
	p->has_queue = l.has_queue;
	return 1;
}

/* Each packet is a file of its own: one that is gone or was changed hides none of the others. */
static bool pass_over(struct list_reader *t, const struct weir_error *err)
{
	if (err->code == WEIR_ERR_NO_MEMORY)
		return false;
	if (!t->base.unread++)
		t->base.damage = *err;
	return true;
}

static int next_in_file(struct segment_reader *base, struct packet *p,
			struct weir_error *err)
{
	struct list_reader *t = (struct list_reader *)base;
	struct json_line line;
	int rc;

	do {
		rc = json_lines_next(&t->w, &line, err);
		if (rc <= 0)
			return rc;
		rc = fill(t, line.object, line.offset, p, err);
		json_decref(line.object);
	} while (rc < 0 && pass_over(t, err));
	return rc;
}

static int read_indexed(struct list_reader *t, struct packet *p, struct weir_error *err)
{
	uint64_t offset;
	const char *newline;
	json_t *object;
	ssize_t n;
	int rc;

	offset = t->index.entries[t->at++].offset;
	do
		n = pread(t->fd, t->line, sizeof t->line, (off_t)offset);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(err, "read failed at offset %llu",
			       (unsigned long long)offset);
	newline = memchr(t->line, '\n', (size_t)n);
	object = newline ? json_loadb(t->line, (size_t)(newline - t->line),
				      JSON_REJECT_DUPLICATES, NULL)
			 : NULL;
	rc = fill(t, object, offset, p, err);
	json_decref(object);
	return rc;
}

static int next_indexed(struct segment_reader *base, struct packet *p,
			struct weir_error *err)
{
	struct list_reader *t = (struct list_reader *)base;
	int rc;

	do {
		if (t->at == t->index.count)
			return 0;
		rc = read_indexed(t, p, err);
	} while (rc < 0 && pass_over(t, err));
	return rc;
}

static const struct iface_info *list_iface(const struct segment_reader *base,
					   unsigned index)
{
	const struct list_reader *t = (const struct list_reader *)base;
	const struct store_view *v = t->view;

	for (unsigned i = 0; i < v->iface_count; i++)
		if (v->iface_lane[i] == base->segment->lane && v->iface_id[i] == index)
			return &v->ifaces[i];
	return &t->unknown;
}

static void list_fini(struct segment_reader *base)
{
	struct list_reader *t = (struct list_reader *)base;

	window_fini(&t->w);
	time_index_fini(&t->index);
	mem_free(t->packet);
}

static const struct segment_reader_ops in_file_ops = { next_in_file, list_iface,
						       list_fini };
static const struct segment_reader_ops indexed_ops = { next_indexed, list_iface,
						       list_fini };

/* Only the lines are read here; the packet files when their turn comes. */
static int build_index(struct list_reader *t, struct weir_error *err)
{
	struct json_line line;
	struct list_line l;
	int rc;

	while ((rc = json_lines_next(&t->w, &line, err)) > 0) {
		if (line.object && list_line_read(line.object, &l))
			rc = time_index_add(&t->index, l.ns, line.offset, err);
		else
			rc = no_packet(line.offset, err);
		json_decref(line.object);
		if (rc && (rc == WEIR_ERR_NO_MEMORY || !pass_over(t, err)))
			break;
	}
	time_index_sort(&t->index);
	return rc;
}

int list_reader_new(struct segment_reader **out, const struct store_view *view,
		    const struct store_segment *segment, int fd, struct weir_error *err)
{
	struct list_reader *t = mem_new(1, sizeof *t);
	int rc;

	if (!t) {
		(void)close(fd);
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a list");
	}
	t->base.ops = segment->is_sorted ? &in_file_ops : &indexed_ops;
	t->base.segment = segment;
	t->view = view;
	t->fd = fd;
	t->unknown.linktype = segment->linktype;
	rc = window_init(&t->w, byte_source_fd(fd, segment->file_bytes, true), err);
	t->packet = mem_new(LIST_PACKET_MAX, 1);
	if (!rc && !t->packet)
		rc = err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a packet");
	if (!rc && !segment->is_sorted)
		rc = build_index(t, err);
	if (rc) {
		segment_reader_free(&t->base);
		return rc;
	}
	*out = &t->base;
	return 0;
}
