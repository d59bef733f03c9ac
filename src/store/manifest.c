#include "store/manifest.h"

#include "base/mem.h"
#include "base/time.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum {
	RESERVE_STEP = 256 * 1024,
	RESERVE_LOW =
		128 * 1024 /* below this more is asked for, and stats are left out */
};

/* Room for the lines of a full disk.  A file system that cannot do it has none to give. */
static void reserve(struct manifest *m)
{
	if (m->reserved >= m->size + RESERVE_LOW)
		return;
	if (m->disk->reserve(m->fd, (off_t)m->size, RESERVE_STEP) == 0 ||
	    errno == EOPNOTSUPP)
		m->reserved = m->size + RESERVE_STEP;
}

bool manifest_has_reserve(const struct manifest *m)
{
	return m->reserved >= m->size + RESERVE_LOW / 2;
}

int manifest_make(struct manifest *m, const struct disk *disk, int dir_fd,
		  struct weir_error *err)
{
	*m = (struct manifest){ .disk = disk, .fd = -1 };
	memset(m->prev, '0', HASH_HEX - 1);
	m->line = mem_new(MANIFEST_LINE_MAX, 1);
	if (!m->line)
		return err_set(err, WEIR_ERR_NO_MEMORY,
			       "cannot make '" MANIFEST_NAME "': no memory");
	m->fd = disk->make(dir_fd, MANIFEST_NAME);
	if (m->fd < 0)
		return err_sys(err, "cannot make '" MANIFEST_NAME "'");
	if (flock(m->fd, LOCK_EX | LOCK_NB))
		return err_sys(err, "cannot lock '" MANIFEST_NAME "'");
	reserve(m);
	return 0;
}

void manifest_fini(struct manifest *m)
{
	if (m->fd >= 0)
		(void)close(m->fd);
	m->fd = -1;
	mem_free(m->line);
	m->line = NULL;
}

static json_t *make_line(const struct manifest *m, const char *type, int64_t ns,
			 json_t *members)
{
	char at[TIME_TEXT];
	json_t *line;

	time_format(ns, at);
	line = json_pack("{s:I,s:s,s:s,s:I}", "seq", (json_int_t)m->seq + 1, "type", type,
			 "at", at, "at_ns", (json_int_t)ns);
	if (members)
		json_object_update_missing(line, members);
	json_object_set_new(line, "prev", json_string(m->prev));
	return line;
}

/* The line's bytes with the newline in m->line; 0 where they do not fit. */
static size_t dump_line(struct manifest *m, const char *type, int64_t ns, json_t *members)
{
	json_t *line = make_line(m, type, ns, members);
	size_t n = json_dumpb(line, m->line, MANIFEST_LINE_MAX - 1, JSON_COMPACT);

	json_decref(line);
	if (!n || n >= MANIFEST_LINE_MAX)
		return 0;
	m->line[n] = '\n';
	return n + 1;
}

int manifest_append(struct manifest *m, const char *type, int64_t ns, json_t *members,
		    struct weir_error *err)
{
	size_t n = dump_line(m, type, ns, members);
	uint8_t digest[HASH_BYTES];

	if (!n)
		return err_set(err, WEIR_ERR_LIMIT,
			       "cannot write manifest line '%s': longer than %d bytes",
			       type, MANIFEST_LINE_MAX);
	if (hash_once(m->line, n - 1, digest))
		return err_set(err, WEIR_ERR_NO_MEMORY,
			       "cannot hash manifest line '%s': no memory", type);
	if (disk_write(m->disk, m->fd, m->line, n, m->size, NULL)) {
		int rc = err_sys(err, "cannot write manifest line '%s'", type);

		/* Harmless where it fails: the next line goes to the same place. */
		if (m->disk->truncate(m->fd, (off_t)m->size) == 0)
			m->reserved = 0;
		return rc;
	}
	hash_hex(digest, m->prev);
	m->size += n;
	m->seq++;
	reserve(m);
	return 0;
}

int manifest_sync(struct manifest *m)
{
	return m->disk->sync(m->fd) ? WEIR_ERR_SYSTEM : 0;
}

void manifest_trim(struct manifest *m)
{
	if (m->disk->truncate(m->fd, (off_t)m->size) == 0)
		m->reserved = 0;
}
