/* Records as one pcapng section to one descriptor: a pipe with a live reader, or a file.
 *
 * A section counts its interfaces through all lanes, records count within theirs: where the two
 * differ the record's interface id is changed in the span. */
#include "store/internal.h"

#include "base/bytes.h"
#include "base/mem.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct stream {
	int fd;
	bool is_file, is_dead;
	bool is_reader_gone;                 /* why it is */
	unsigned described[LANE_MAX], total; /* interfaces */
	bool is_mapped[LANE_MAX]; /* ids of the lane differ from the section's */
	uint32_t ids[LANE_MAX][IFACE_MAX];
	struct process_set processes;
};

int stream_new(struct stream **out, int fd)
{
	struct stream *t = mem_new(1, sizeof *t);
	struct stat st;

	*out = t;
	if (!t)
		return WEIR_ERR_NO_MEMORY;
	t->fd = fd;
	t->is_file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	return 0;
}

void stream_free(struct stream *t)
{
	if (!t)
		return;
	(void)close(t->fd);
	mem_free(t);
}

int stream_fd(const struct stream *t)
{
	return t->fd;
}

bool stream_is_dead(const struct stream *t)
{
	return t->is_dead;
}

bool stream_is_reader_gone(const struct stream *t)
{
	return t->is_reader_gone;
}

/* All of it, also where the descriptor does not block.  *done: what was written. */
static int write_all(const struct stream *t, const uint8_t *bytes, size_t length,
		     size_t *done)
{
	for (*done = 0; *done < length;) {
		ssize_t n = write(t->fd, bytes + *done, length - *done);

		if (n >= 0) {
			*done += (size_t)n;
			continue;
		}
		if (errno == EAGAIN) {
			struct pollfd p = { .fd = t->fd, .events = POLLOUT };

			(void)poll(&p, 1, 1000);
		} else if (errno != EINTR) {
			return WEIR_ERR_SYSTEM;
		}
	}
	return 0;
}

/* Takes `excess` bytes back; only a file can.  A pipe's reader has half a block: the end. */
static void take_back(struct stream *t, size_t excess)
{
	off_t at;

	if (!excess)
		return;
	at = t->is_file ? lseek(t->fd, 0, SEEK_CUR) : -1;
	if (at < (off_t)excess || ftruncate(t->fd, at - (off_t)excess) ||
	    lseek(t->fd, at - (off_t)excess, SEEK_SET) < 0)
		t->is_dead = true;
}

/* Blocks of our own: all or nothing. */
static int put_blocks(struct store *s, size_t length)
{
	struct stream *t = s->stream;
	size_t done;
	int rc = write_all(t, s->blocks, length, &done), error = errno;

	if (rc) {
		take_back(t, done);
		t->is_reader_gone = t->is_reader_gone || error == EPIPE;
		t->is_dead = t->is_dead || t->is_reader_gone;
		errno = error;
	} else {
		counter_add(&s->progress.written_bytes, length);
	}
	return rc;
}

static int describe(struct store *s, unsigned lane, unsigned count)
{
	struct stream *t = s->stream;
	unsigned from = t->described[lane];

	if (count <= from)
		return 0;
	if (put_blocks(s, blocks_interfaces(s, lane, from, count)))
		return WEIR_ERR_SYSTEM;
	for (unsigned id = from; id < count; id++) {
		t->is_mapped[lane] = t->is_mapped[lane] || t->total != id;
		t->ids[lane][id] = t->total++;
	}
	t->described[lane] = count;
	return 0;
}

static void map_ids(const struct stream *t, struct span *span)
{
	uint8_t *records = span->data + span->lead;
	struct block b;

	if (!t->is_mapped[span->lane])
		return;
	for (size_t at = 0; at < span->length; at += b.length) {
		block_read(&b, records + at);
		if (b.is_record && b.iface_id < t->described[span->lane])
			(void)put_u32le(records + at + 8, t->ids[span->lane][b.iface_id]);
	}
}

int stream_begin(struct store *s, struct weir_error *err)
{
	if (put_blocks(s, pcapng_put_section(s->blocks, &s->section)))
		return err_sys(err, "cannot write '%s'", s->path);
	return 0;
}

static void lose(struct store *s, const struct piece *p, int error)
{
	loss_add(&s->losses, disk_is_full(error) ? LOSS_DISK_FULL : LOSS_WRITE,
		 p->packets, p->bytes);
	if (disk_is_full(error))
		s->was_suspended = true;
}

static void put_processes(struct store *s, bool is_last)
{
	struct process_set *set = &s->stream->processes;
	size_t length;

	process_set_begin(set);
	while (!s->stream->is_dead &&
	       (length = process_set_next(set, &s->config.processes, s->blocks,
					  is_last)) != 0)
		if (put_blocks(s, length))
			return;
}

static void write_span(struct store *s, struct span *span)
{
	struct stream *t = s->stream;
	struct piece kept, lost;
	size_t done;
	int error;

	piece_of_span(&kept, span);
	if (describe(s, span->lane, span->iface_count)) {
		lose(s, &kept, errno);
		return;
	}
	map_ids(t, span);
	if (write_all(t, span_records(span), span->length, &done)) {
		error = errno;
		piece_scan(&kept, span_records(span), done);
		piece_scan(&lost, span_records(span) + kept.length,
			   span->length - kept.length);
		if (error == EPIPE)
			t->is_dead = t->is_reader_gone = true;
		else
			take_back(t, done - kept.length);
		lose(s, &lost, error);
	}
	writer_count(s, span->lane, &kept);
	counter_add(&s->progress.written_bytes, kept.length);
	process_set_note(&t->processes, span);
	put_processes(s, false);
}

int stream_write(struct store *s, struct span *span)
{
	struct piece all;

	if (!s->stream->is_dead) {
		write_span(s, span);
	} else {
		/* It was captured, and nobody got it. */
		piece_of_span(&all, span);
		lose(s, &all, EPIPE);
	}
	return s->stream->is_dead ? WEIR_ERR_CLOSED : 0;
}

static int put_stats(struct store *s, unsigned lane)
{
	const struct stream *t = s->stream;
	struct segment_facts f = { .lane = lane,
				   .iface_count = t->described[lane],
				   .first_ns = s->first_ns,
				   .last_ns = s->last_ns };
	size_t n = blocks_stats(s, &f);

	for (unsigned id = 0; id < f.iface_count; id++)
		(void)put_u32le(s->blocks + id * (n / f.iface_count) + 8,
				t->ids[lane][id]);
	return n ? put_blocks(s, n) : 0;
}

int stream_finish(struct store *s)
{
	struct stream *t = s->stream;
	int rc = 0;

	/* Some readers refuse a section without an interface. */
	for (unsigned lane = 0; !rc && !t->total && lane < iface_lane_count(s->ifaces);
	     lane++)
		rc = describe(s, lane, iface_count_in_lane(s->ifaces, lane));
	put_processes(s, true);
	for (unsigned lane = 0; !rc && lane < LANE_MAX; lane++)
		rc = put_stats(s, lane);
	if (t->is_file && fdatasync(t->fd) && errno != EINVAL && errno != EROFS)
		rc = WEIR_ERR_SYSTEM;
	return t->is_dead ? 0 : rc;
}
