/* Layouts files and pairs: each packet a file of its own, named by its capture time, and a line in
 * the list segment that vouches for it (docs/store-format.md, section 4).
 *
 * A packet's file is written first, its line after it: what a list names is there. */
#include "store/internal.h"

#include "base/cursor.h"
#include "base/mem.h"
#include "store/record.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum {
	BATCH = 64, /* lines written to the list at once */
	RECENT_TIMES = 64,
	LINE_MAX = 512,
	STEM_MAX = 40,
	SUFFIX_MAX = 1000000000
};

enum {
	OPTION_FLAGS_CODE = 2,
	OPTION_DROPS_CODE = 4,
	OPTION_ID_CODE = 5,
	OPTION_QUEUE_CODE = 6
};

struct entry {
	char stem[STEM_MAX];
	size_t line_end;  /* in lines */
	size_t piece_end; /* in the piece: the byte behind the record */
	uint64_t beside_bytes;
};

/* A time that was met lately.  With the last one alone, times that come in turn would have every name
 * tried again from the first one on. */
struct recent {
	int64_t ns;
	uint32_t next_suffix; /* for another packet of that time */
};

struct packets {
	struct store *store;
	bool is_pairs;
	struct hash *hash;
	struct recent recent[RECENT_TIMES];
	unsigned oldest; /* of them: the next to be forgotten */
	struct entry batch[BATCH];
	unsigned count;
	char lines[BATCH * LINE_MAX];
};

int packets_new(struct packets **out, struct store *s)
{
	struct packets *p = mem_new(1, sizeof *p);

	*out = p;
	if (!p)
		return WEIR_ERR_NO_MEMORY;
	p->store = s;
	p->is_pairs = s->config.layout == STORE_PAIRS;
	for (unsigned i = 0; i < RECENT_TIMES; i++)
		p->recent[i].ns = -1;
	p->hash = hash_new();
	return p->hash ? 0 : WEIR_ERR_NO_MEMORY;
}

void packets_free(struct packets *p)
{
	if (!p)
		return;
	hash_free(p->hash);
	mem_free(p);
}

uint32_t packets_cost(const struct packets *p)
{
	return p->is_pairs ? 2 * LINE_MAX : LINE_MAX;
}

/* The record's options; the record is our own, so what is missing is 0. */
static void read_meta(struct record_meta *m, const struct block *b, const uint8_t *record)
{
	size_t at = RECORD_DATA + ALIGN_UP((size_t)b->caplen, (size_t)4);
	struct cursor c;

	*m = (struct record_meta){ .ns = b->ns,
				   .iface_id = b->iface_id,
				   .caplen = b->caplen,
				   .len = b->wire_length };
	cur_init(&c, record + at, b->length - 4 - at);
	while (cur_left(&c) >= 4) {
		uint16_t code = cur_u16le(&c), size = cur_u16le(&c);
		const uint8_t *v = cur_bytes(&c, ALIGN_UP((size_t)size, (size_t)4));

		if (!v)
			return;
		if (code == OPTION_FLAGS_CODE && size == 4)
			m->flags = get_u32le(v);
		else if (code == OPTION_ID_CODE && size == 8)
			m->id = get_u64le(v);
		else if (code == OPTION_DROPS_CODE && size == 8)
			m->drops = get_u64le(v);
		else if (code == OPTION_QUEUE_CODE && size == 4) {
			m->queue = get_u32le(v);
			m->has_queue = true;
		}
	}
}

static int hash_packet(struct packets *p, const uint8_t *bytes, size_t length,
		       char hex[HASH_HEX])
{
	uint8_t digest[HASH_BYTES];

	if (hash_update(p->hash, bytes, length) || hash_finish(p->hash, digest))
		return WEIR_ERR_NO_MEMORY;
	hash_hex(digest, hex);
	return 0;
}

/* The packet's line; its length. */
static size_t put_line(char *line, const struct packets *p, const char *stem,
		       const struct record_meta *m, uint16_t linktype, const char *sha256)
{
	int n = snprintf(line, LINE_MAX,
			 "{\"file\":\"%s.%s\",\"ns\":%" PRId64 ",\"bytes\":%" PRIu32
			 ",\"wire_bytes\":%" PRIu32
			 ",\"linktype\":%u,\"interface\":%" PRIu32 ",\"flags\":%" PRIu32
			 ",\"packet_id\":%" PRIu64,
			 stem, p->is_pairs ? "bin" : "pkt", m->ns, m->caplen, m->len,
			 linktype, m->iface_id, m->flags, m->id);

	if (m->drops)
		n += snprintf(line + n, LINE_MAX - (size_t)n, ",\"drops\":%" PRIu64,
			      m->drops);
	if (m->has_queue)
		n += snprintf(line + n, LINE_MAX - (size_t)n, ",\"queue\":%" PRIu32,
			      m->queue);
	n += snprintf(line + n, LINE_MAX - (size_t)n, ",\"sha256\":\"%s\"}\n", sha256);
	return (size_t)n;
}

static void remove_named(const struct packets *p, const char *stem, const char *suffix)
{
	char name[STEM_MAX + 8];

	(void)snprintf(name, sizeof name, "%s.%s", stem, suffix);
	(void)p->store->disk->remove(p->store->dir_fd, name);
}

/* A whole file or none. */
static int write_file(const struct packets *p, const char *stem, const char *suffix,
		      const void *bytes, size_t length, struct weir_error *err)
{
	const struct disk *disk = p->store->disk;
	char name[STEM_MAX + 8];
	int fd, rc = 0;

	(void)snprintf(name, sizeof name, "%s.%s", stem, suffix);
	fd = disk->make(p->store->dir_fd, name);
	if (fd < 0)
		return err_sys(err, "cannot make '%s'", name);
	if (disk_write(disk, fd, bytes, length, 0, NULL)) {
		rc = err_sys(err, "cannot write '%s'", name);
		(void)disk->remove(p->store->dir_fd, name);
	}
	(void)close(fd);
	return rc;
}

static struct recent *find_recent(struct packets *p, int64_t ns)
{
	struct recent *r;

	for (unsigned i = 0; i < RECENT_TIMES; i++)
		if (p->recent[i].ns == ns)
			return &p->recent[i];
	r = &p->recent[p->oldest];
	p->oldest = (p->oldest + 1) % RECENT_TIMES;
	*r = (struct recent){ .ns = ns };
	return r;
}

/* Packets of one time are told apart by a number; the first one has none. */
static void next_stem(struct recent *r, char stem[STEM_MAX])
{
	if (r->next_suffix)
		(void)snprintf(stem, STEM_MAX, "%" PRId64 "-%" PRIu32, r->ns,
			       r->next_suffix);
	else
		(void)snprintf(stem, STEM_MAX, "%" PRId64, r->ns);
	r->next_suffix++;
}

/* The files of one packet under a name that nothing has yet.  Its line is in `line`. */
static int write_packet(struct packets *p, const struct segment *list,
			const struct record_meta *m, const uint8_t *bytes,
			struct entry *e, char *line, struct weir_error *err)
{
	struct recent *r = find_recent(p, m->ns);
	char sha256[HASH_HEX];
	size_t n;
	int rc;

	if (hash_packet(p, bytes, m->caplen, sha256))
		return err_set(err, WEIR_ERR_NO_MEMORY,
			       "cannot hash a packet: no memory");
	do {
		next_stem(r, e->stem);
		n = put_line(line, p, e->stem, m, list->facts.linktype, sha256);
		rc = write_file(p, e->stem, p->is_pairs ? "bin" : "pkt", bytes, m->caplen,
				err);
		if (rc || !p->is_pairs)
			continue;
		rc = write_file(p, e->stem, "json", line, n, err);
		if (rc)
			remove_named(p, e->stem, "bin");
	} while (rc == WEIR_ERR_EXISTS && r->next_suffix < SUFFIX_MAX);
	e->line_end = (size_t)(line - p->lines) + n;
	e->beside_bytes = m->caplen + (p->is_pairs ? n : 0);
	return rc;
}

/* Whole lines among the first `written` bytes of the batch. */
static unsigned whole_lines(const struct packets *p, size_t written)
{
	unsigned n = 0;

	while (n < p->count && p->batch[n].line_end <= written)
		n++;
	return n;
}

/* The batch's lines to the list.  Packets whose lines could not be written are taken back. */
static int flush(struct packets *p, struct segment *list, size_t *done,
		 struct weir_error *err)
{
	size_t written = 0, length = p->count ? p->batch[p->count - 1].line_end : 0;
	unsigned listed = p->count;
	int rc = length ? segment_append(list, p->lines, length, &written, err) : 0;

	if (rc) {
		listed = whole_lines(p, written);
		length = listed ? p->batch[listed - 1].line_end : 0;
		segment_keep(list, p->lines, length);
	}
	for (unsigned i = 0; i < listed; i++) {
		list->facts.beside_bytes += p->batch[i].beside_bytes;
		length += p->batch[i].beside_bytes;
		*done = p->batch[i].piece_end;
	}
	counter_add(&p->store->progress.written_bytes, length);
	for (unsigned i = listed; i < p->count; i++) {
		remove_named(p, p->batch[i].stem, p->is_pairs ? "bin" : "pkt");
		if (p->is_pairs)
			remove_named(p, p->batch[i].stem, "json");
	}
	p->count = 0;
	return rc;
}

static int add_record(struct packets *p, struct segment *list, const struct block *b,
		      const uint8_t *record, size_t piece_end, struct weir_error *err)
{
	size_t used = p->count ? p->batch[p->count - 1].line_end : 0;
	struct entry *e = &p->batch[p->count];
	struct record_meta m;
	int rc;

	read_meta(&m, b, record);
	e->piece_end = piece_end;
	rc = write_packet(p, list, &m, record + RECORD_DATA, e, p->lines + used, err);
	if (!rc)
		p->count++;
	return rc;
}

int packets_append(struct packets *p, struct segment *list, const struct piece *piece,
		   size_t *done, struct weir_error *err)
{
	struct block b;
	int rc = 0;

	*done = 0;
	for (size_t at = 0; !rc && at < piece->length; at += b.length) {
		block_read(&b, piece->data + at);
		if (b.is_record)
			rc = add_record(p, list, &b, piece->data + at, at + b.length,
					err);
		if (!rc && p->count == BATCH)
			rc = flush(p, list, done, err);
	}
	if (!rc)
		return flush(p, list, done, err);
	/* The first failure is the one that is told. */
	(void)flush(p, list, done, NULL);
	return rc;
}
