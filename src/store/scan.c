#include "store/scan.h"

#include "base/mem.h"
#include "store/list_line.h"
#include "store/pcapng_reader.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static int begin(int fd, uint64_t limit, struct scan *s, struct window *w,
		 struct weir_error *err)
{
	struct stat st;

	memset(s, 0, sizeof *s);
	s->is_sorted = true;
	if (fstat(fd, &st) || lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(err, "cannot read a segment");
	s->file_bytes = (uint64_t)st.st_size < limit ? (uint64_t)st.st_size : limit;
	return window_init(w, byte_source_fd(fd, s->file_bytes, false), err);
}

static void count(struct scan *s, int64_t ns, uint32_t bytes, uint32_t wire_bytes,
		  uint16_t linktype, int64_t *before)
{
	if (!s->packets || ns < s->first_ns)
		s->first_ns = ns;
	if (!s->packets || ns > s->last_ns)
		s->last_ns = ns;
	if (s->packets && ns < *before)
		s->is_sorted = false;
	if (s->has_linktype && s->linktype != linktype)
		s->is_mixed = true;
	*before = ns;
	s->linktype = linktype;
	s->has_linktype = true;
	s->packets++;
	s->bytes += bytes;
	s->wire_bytes += wire_bytes;
}

/* Damage is what the scan is there to find; anything else is our own trouble. */
static bool is_damage(int rc)
{
	return rc == WEIR_ERR_FORMAT || rc == WEIR_ERR_LIMIT || rc == WEIR_ERR_MISMATCH ||
	       rc == WEIR_ERR_ABSENT;
}

static void set_fault(struct scan *s, const char *text)
{
	(void)snprintf(s->fault, sizeof s->fault, "%s", text);
}

static int keep_ifaces(struct scan *s, const struct reader *r, struct weir_error *err)
{
	unsigned n = pcapng_reader_ids(r);

	s->ifaces = mem_new(n, sizeof *s->ifaces);
	if (!s->ifaces)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for %u interfaces", n);
	for (unsigned i = 0; i < n; i++)
		s->ifaces[i] = *pcapng_reader_by_id(r, i);
	s->iface_count = n;
	if (n && !s->has_linktype) {
		s->linktype = s->ifaces[0].linktype;
		s->has_linktype = true;
	}
	if (pcapng_reader_sections(r) > 1)
		s->is_mixed = true;
	return 0;
}

static int walk_segment(struct reader *r, struct scan *s, struct weir_error *err)
{
	struct weir_error found = { 0 };
	struct packet p;
	int64_t before = 0;
	int rc;

	for (;;) {
		memset(&p, 0, sizeof p);
		rc = r->ops->next(r, &p, &found);
		if (rc <= 0)
			break;
		count(s, p.ns, p.caplen, p.len, p.linktype, &before);
	}
	s->whole_bytes = pcapng_reader_whole(r);
	if (rc && !is_damage(rc)) {
		if (err)
			*err = found;
		return rc;
	}
	if (rc)
		set_fault(s, found.text);
	return keep_ifaces(s, r, err);
}

int scan_segment(int fd, uint64_t limit, struct scan *s, struct weir_error *err)
{
	struct reader *r = NULL;
	struct window w;
	int rc = begin(fd, limit, s, &w, err);

	if (rc)
		return rc;
	rc = window_want(&w, 4, err);
	if (rc <= 0 || !pcapng_is_magic(window_bytes(&w))) {
		set_fault(s, "at offset 0: no section header");
		window_fini(&w);
		return rc < 0 ? rc : 0;
	}
	rc = pcapng_reader_new(&r, "segment", &w, err);
	if (!rc)
		rc = walk_segment(r, s, err);
	reader_free(r);
	return rc;
}

/* 1: the line and its packet are whole. */
static int take_line(const struct json_line *line, int dir_fd, uint8_t *packet,
		     struct scan *s, int64_t *before, struct weir_error *found)
{
	struct list_line l;
	int rc;

	if (!line->is_ended)
		return err_set(found, WEIR_ERR_FORMAT,
			       "at offset %llu: the last line has no end",
			       (unsigned long long)line->offset);
	if (!line->object || !list_line_read(line->object, &l))
		return err_set(found, WEIR_ERR_FORMAT,
			       "at offset %llu: a line of %llu bytes describes no packet",
			       (unsigned long long)line->offset,
			       (unsigned long long)line->length);
	rc = list_line_load(&l, dir_fd, packet, found);
	if (!rc)
		rc = list_line_check_pair(&l, dir_fd, line, found);
	if (rc)
		return rc;
	count(s, l.ns, l.bytes, l.wire_bytes, l.linktype, before);
	return 1;
}

static int walk_list(struct window *w, int dir_fd, uint8_t *packet, struct scan *s,
		     struct weir_error *err)
{
	struct weir_error found = { 0 };
	struct json_line line;
	int64_t before = 0;
	int rc;

	while ((rc = json_lines_next(w, &line, err)) > 0) {
		rc = take_line(&line, dir_fd, packet, s, &before, &found);
		json_decref(line.object);
		if (rc <= 0)
			break;
		s->whole_bytes = w->offset;
	}
	if (rc < 0 && found.code) {
		if (!is_damage(rc)) {
			if (err)
				*err = found;
			return rc;
		}
		set_fault(s, found.text);
		return 0;
	}
	return rc;
}

int scan_list(int dir_fd, int fd, uint64_t limit, struct scan *s, struct weir_error *err)
{
	uint8_t *packet;
	struct window w;
	int rc = begin(fd, limit, s, &w, err);

	if (rc)
		return rc;
	packet = mem_new(LIST_PACKET_MAX, 1);
	rc = packet ? walk_list(&w, dir_fd, packet, s, err)
		    : err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a packet");
	mem_free(packet);
	window_fini(&w);
	return rc;
}

void scan_fini(struct scan *s)
{
	mem_free(s->ifaces);
	s->ifaces = NULL;
	s->iface_count = 0;
}

static int hash_file(struct hash *h, int fd, uint64_t done, uint64_t length,
		     uint8_t *buffer, size_t room, struct weir_error *err)
{
	while (done < length) {
		size_t want = length - done < room ? (size_t)(length - done) : room;
		ssize_t n = pread(fd, buffer, want, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "read failed at offset %llu",
				       (unsigned long long)done);
		if (!n)
			return err_set(err, WEIR_ERR_FORMAT,
				       "the file ends at %llu of %llu bytes",
				       (unsigned long long)done,
				       (unsigned long long)length);
		if (hash_update(h, buffer, (size_t)n))
			return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a hash");
		done += (uint64_t)n;
	}
	return 0;
}

int scan_hash_part(struct hash *h, int fd, uint64_t from, uint64_t to,
		   struct weir_error *err)
{
	const size_t room = 128 * 1024;
	uint8_t *buffer = mem_new(room, 1);
	int rc = buffer ? hash_file(h, fd, from, to, buffer, room, err)
			: err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a hash");

	mem_free(buffer);
	return rc;
}

int scan_hash(int fd, uint64_t length, char hex[HASH_HEX], struct weir_error *err)
{
	struct hash *h = hash_new();
	uint8_t digest[HASH_BYTES];
	int rc = h ? scan_hash_part(h, fd, 0, length, err)
		   : err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a hash");

	if (!rc && hash_finish(h, digest))
		rc = err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a hash");
	if (!rc)
		hash_hex(digest, hex);
	hash_free(h);
	return rc;
}
