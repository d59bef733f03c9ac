#include "plugins/file_path.h"

#include "base/base64.h"
#include "base/hash.h"
#include "base/mem.h"
#include "port/places.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	CHUNK = 96 * 1024
};

struct reading {
	struct serve_call *call;
	struct hash *hash;
	int fd;
	uint64_t offset, left, bytes;
	uint8_t data[CHUNK];
	char text[BASE64_ROOM(CHUNK)];
};

static int open_regular(struct reading *r, const char *path, struct stat *st)
{
	r->fd = port_open_regular(path);
	if (r->fd >= 0 && !fstat(r->fd, st))
		return 0;
	if (errno == EINVAL)
		serve_fail(r->call, CALL_FAILED, "'%.200s' is no regular file", path);
	else
		serve_fail(r->call, CALL_FAILED, "cannot open '%.200s': %s", path,
			   strerror(errno));
	return WEIR_ERR_SYSTEM;
}

static bool send_chunk(struct reading *r, size_t n)
{
	size_t length = base64_encode(r->text, r->data, n);

	return serve_item(r->call,
			  json_pack("{s:I,s:s%}", "offset", (json_int_t)r->offset, "data",
				    r->text, length));
}

/* 0 at the end. */
static int read_chunk(struct reading *r, size_t *got)
{
	size_t want = r->left < CHUNK ? (size_t)r->left : CHUNK;
	ssize_t n = want ? pread(r->fd, r->data, want, (off_t)r->offset) : 0;

	*got = n > 0 ? (size_t)n : 0;
	if (n < 0)
		return WEIR_ERR_SYSTEM;
	return n ? hash_update(r->hash, r->data, *got) : 0;
}

static int read_range(struct reading *r)
{
	size_t got;
	int rc;

	while (!(rc = read_chunk(r, &got)) && got) {
		if (!send_chunk(r, got))
			return WEIR_ERR_CLOSED;
		r->offset += got;
		r->bytes += got;
		r->left -= got;
	}
	return rc;
}

static void finish(struct reading *r, const struct stat *before)
{
	uint8_t digest[HASH_BYTES];
	char hex[HASH_HEX];
	struct stat now;
	bool has_changed = fstat(r->fd, &now) || now.st_size != before->st_size ||
			   now.st_mtim.tv_sec != before->st_mtim.tv_sec ||
			   now.st_mtim.tv_nsec != before->st_mtim.tv_nsec;

	if (hash_finish(r->hash, digest)) {
		serve_fail(r->call, CALL_INTERNAL, "cannot hash what was read");
		return;
	}
	hash_hex(digest, hex);
	serve_result(r->call,
		     json_pack("{s:I,s:I,s:s,s:b}", "bytes", (json_int_t)r->bytes,
			       "size_bytes", (json_int_t)now.st_size, "sha256", hex,
			       "has_changed_while_read", has_changed));
}

void file_read(struct serve_call *c, const char *path, const json_t *offset,
	       const json_t *length)
{
	struct reading *r = mem_new(1, sizeof *r);
	struct stat st;

	if (!r) {
		serve_fail(c, CALL_INTERNAL, "no memory");
		return;
	}
	r->call = c;
	r->fd = -1;
	r->hash = hash_new();
	r->offset = (uint64_t)json_integer_value(offset);
	r->left = length ? (uint64_t)json_integer_value(length) : UINT64_MAX;
	if (!r->hash)
		serve_fail(c, CALL_INTERNAL, "no memory");
	else if (!open_regular(r, path, &st)) {
		if (read_range(r))
			serve_fail(c, CALL_FAILED, "cannot read '%.200s': %s", path,
				   serve_is_cancelled(c) ? "cancelled" : strerror(errno));
		else
			finish(r, &st);
	}
	if (r->fd >= 0)
		(void)close(r->fd);
	hash_free(r->hash);
	mem_free(r);
}
