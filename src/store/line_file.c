#include "store/line_file.h"

#include "base/hash.h"
#include "base/mem.h"
#include "store/disk.h"
#include "store/process_lines.h"
#include "store/regular.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define BUFFER ((size_t)64 << 10)

struct line_file {
	const char *name;
	int fd;
	struct hash *hash;
	uint64_t bytes, lines, lost;
	bool is_dirty;
	/* Whole lines that wait to be written. */
	char *buffer;
	size_t fill;
	uint64_t waiting;
};

static void free_file(struct line_file *f)
{
	hash_free(f->hash);
	if (f->fd >= 0)
		(void)close(f->fd);
	mem_free(f->buffer);
	mem_free(f);
}

static struct line_file *new_file(const char *name)
{
	struct line_file *f = mem_new(1, sizeof *f);

	if (!f)
		return NULL;
	f->name = name;
	f->fd = -1;
	f->hash = hash_new();
	f->buffer = mem_new(BUFFER, 1);
	if (f->hash && f->buffer)
		return f;
	free_file(f);
	return NULL;
}

/* Lines follow those that are there; what is no whole line is cut. */
static int go_on(struct line_file *f, int dir_fd, struct weir_error *err)
{
	struct process_lines p;
	int rc;

	f->fd = regular_open(dir_fd, f->name, O_RDWR, "file", err);
	if (f->fd < 0)
		return f->fd;
	rc = process_lines_measure(&p, f->fd, f->hash, err);
	if (rc)
		return rc;
	f->bytes = p.whole;
	f->lines = p.lines;
	if (p.bytes > p.whole && disk_system.truncate(f->fd, (off_t)p.whole))
		return err_sys(err, "cannot cut '%s'", f->name);
	return 0;
}

static int open_file(struct line_file **out, int dir_fd, const char *name, bool may_be,
		     struct weir_error *err)
{
	struct line_file *f = new_file(name);
	int rc = 0;

	*out = NULL;
	if (!f)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for '%s'", name);
	f->fd = disk_system.make(dir_fd, name);
	if (f->fd < 0)
		rc = may_be && errno == EEXIST ? go_on(f, dir_fd, err)
					       : err_sys(err, "cannot make '%s'", name);
	if (rc)
		free_file(f);
	else
		*out = f;
	return rc;
}

int line_file_open(struct line_file **f, int dir_fd, const char *name,
		   struct weir_error *err)
{
	return open_file(f, dir_fd, name, false, err);
}

int line_file_go_on(struct line_file **f, int dir_fd, const char *name,
		    struct weir_error *err)
{
	return open_file(f, dir_fd, name, true, err);
}

int line_file_own(struct line_file *f, const struct port_user *user,
		  struct weir_error *err)
{
	if (!fchown(f->fd, user->uid, user->gid))
		return 0;
	return err_sys(err, "cannot give '%s' to user '%s'", f->name, user->name);
}

/* What waits, as whole lines or not at all. */
static void write_out(struct line_file *f)
{
	if (!f->fill)
		return;
	if (disk_write(&disk_system, f->fd, f->buffer, f->fill, f->bytes, NULL) ||
	    hash_update(f->hash, f->buffer, f->fill)) {
		(void)disk_system.truncate(f->fd, (off_t)f->bytes);
		f->lost += f->waiting;
	} else {
		f->bytes += f->fill;
		f->lines += f->waiting;
		f->is_dirty = true;
	}
	f->fill = 0;
	f->waiting = 0;
}

void line_file_add(struct line_file *f, const void *bytes, size_t length)
{
	if (length > BUFFER - f->fill)
		write_out(f);
	if (length > BUFFER) {
		f->lost++;
		return;
	}
	memcpy(f->buffer + f->fill, bytes, length);
	f->fill += length;
	f->waiting++;
}

void line_file_add_json(struct line_file *f, json_t *line)
{
	size_t length = line ? json_dumpb(line, NULL, 0, JSON_COMPACT) : 0;
	char *text = length ? mem_new(1, length + 1) : NULL;

	if (text && json_dumpb(line, text, length, JSON_COMPACT) == length) {
		text[length] = '\n';
		line_file_add(f, text, length + 1);
		write_out(f);
	} else {
		f->lost++;
	}
	mem_free(text);
	json_decref(line);
}

void line_file_sync(struct line_file *f)
{
	write_out(f);
	if (f->is_dirty)
		f->is_dirty = disk_system.sync(f->fd) != 0;
}

json_t *line_file_end(struct line_file *f)
{
	uint8_t digest[HASH_BYTES];
	char hex[HASH_HEX] = "";
	json_t *j;

	line_file_sync(f);
	if (!hash_finish(f->hash, digest))
		hash_hex(digest, hex);
	j = json_pack("{s:s,s:I,s:I,s:s,s:I}", "name", f->name, "lines",
		      (json_int_t)f->lines, "bytes", (json_int_t)f->bytes, "sha256", hex,
		      "lost_lines", (json_int_t)f->lost);
	free_file(f);
	return j;
}
