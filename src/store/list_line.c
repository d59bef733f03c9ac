#include "store/list_line.h"

#include "base/hash.h"
#include "store/names.h"
#include "store/regular.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static bool get_u32(const json_t *object, const char *name, uint32_t *value)
{
	uint64_t v;
	bool is_good = json_get_u64(object, name, &v) && v <= UINT32_MAX;

	*value = is_good ? (uint32_t)v : 0;
	return is_good;
}

bool list_line_read(const json_t *object, struct list_line *l)
{
	uint32_t linktype;

	memset(l, 0, sizeof *l);
	l->file = json_get_text(object, "file");
	l->sha256 = json_get_text(object, "sha256");
	if (!l->file || !l->sha256 || name_kind(l->file) != NAME_PACKET)
		return false;
	if (!json_get_i64(object, "ns", &l->ns) || !get_u32(object, "bytes", &l->bytes) ||
	    !get_u32(object, "wire_bytes", &l->wire_bytes) ||
	    !get_u32(object, "flags", &l->flags) ||
	    !get_u32(object, "linktype", &linktype) ||
	    !json_get_u64(object, "interface", &l->iface) ||
	    !json_get_u64(object, "packet_id", &l->packet_id))
		return false;
	if (!json_get_u64(object, "drops", &l->drops))
		l->drops = 0;
	l->has_queue = get_u32(object, "queue", &l->queue);
	l->linktype = (uint16_t)linktype;
	return linktype <= UINT16_MAX && l->bytes <= LIST_PACKET_MAX;
}

static int read_whole(int fd, const struct list_line *l, uint8_t *into,
		      struct weir_error *err)
{
	struct stat st;
	size_t done = 0;

	if (fstat(fd, &st))
		return err_sys(err, "cannot read '%s'", l->file);
	if ((uint64_t)st.st_size != l->bytes)
		return err_set(err, WEIR_ERR_MISMATCH,
			       "packet file '%s' has %lld bytes, its line says %u",
			       l->file, (long long)st.st_size, l->bytes);
	while (done < l->bytes) {
		ssize_t n = read(fd, into + done, l->bytes - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "cannot read '%s'", l->file);
		if (!n)
			return err_set(err, WEIR_ERR_MISMATCH,
				       "packet file '%s' ends at byte %zu of %u", l->file,
				       done, l->bytes);
		done += (size_t)n;
	}
	return 0;
}

int list_line_load(const struct list_line *l, int dir_fd, uint8_t *into,
		   struct weir_error *err)
{
	uint8_t digest[HASH_BYTES];
	char hex[HASH_HEX];
	int fd = regular_open(dir_fd, l->file, O_RDONLY, "packet file", err), rc;

	if (fd < 0)
		return fd;
	rc = read_whole(fd, l, into, err);
	(void)close(fd);
	if (rc)
		return rc;
	if (hash_once(into, l->bytes, digest))
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a hash");
	hash_hex(digest, hex);
	if (strcmp(hex, l->sha256) != 0)
		return err_set(err, WEIR_ERR_MISMATCH,
			       "packet file '%s' has the sha256 %.16s..., its line says "
			       "%.16s...",
			       l->file, hex, l->sha256);
	return 0;
}

int list_line_check_pair(const struct list_line *l, int dir_fd,
			 const struct json_line *line, struct weir_error *err)
{
	size_t stem = strlen(l->file) - 4;
	char name[64], text[LIST_LINE_MAX + 1];
	ssize_t n;
	int fd;

	if (strcmp(l->file + stem, ".bin") != 0)
		return 0;
	(void)snprintf(name, sizeof name, "%.*s.json", (int)stem, l->file);
	fd = regular_open(dir_fd, name, O_RDONLY, "metadata file", err);
	if (fd < 0)
		return fd;
	do
		n = read(fd, text, sizeof text);
	while (n < 0 && errno == EINTR);
	(void)close(fd);
	if (n < 0)
		return err_sys(err, "cannot read metadata file '%s'", name);
	if ((uint64_t)n == line->length + 1 && text[n - 1] == '\n' &&
	    !memcmp(text, line->text, (size_t)line->length))
		return 0;
	return err_set(err, WEIR_ERR_MISMATCH,
		       "metadata file '%s' is not the packet's line of the list", name);
}
