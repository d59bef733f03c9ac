#include "analyze/parent.h"

#include "analyze/facts.h"
#include "analyze/line.h"
#include "base/mem.h"
#include "store/regular.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANIFEST_NAME "manifest.jsonl"
#define MANIFEST_LINE ((size_t)1 << 20) /* the longest line there may be */

/* Hashes the last line that ends in a newline within the file's last bytes. */
static int hash_last_line(const uint8_t *tail, size_t length, bool is_whole,
			  const char *path, char hex[HASH_HEX], struct weir_error *err)
{
	uint8_t digest[HASH_BYTES];
	size_t end = length, start;

	while (end && tail[end - 1] != '\n')
		end--;
	if (!end)
		return err_set(err, WEIR_ERR_FORMAT,
			       "the manifest of '%s' has no whole line", path);
	for (start = --end; start && tail[start - 1] != '\n'; start--)
		;
	if (!start && !is_whole)
		return err_set(
			err, WEIR_ERR_LIMIT,
			"the manifest of '%s' ends in a line of more than %zu bytes",
			path, MANIFEST_LINE);
	if (hash_once(tail + start, end - start, digest))
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a hash");
	hash_hex(digest, hex);
	return 0;
}

static int hash_tail(int fd, const char *path, char hex[HASH_HEX], struct weir_error *err)
{
	size_t room = 2 * MANIFEST_LINE;
	uint8_t *tail;
	struct stat st;
	off_t from;
	ssize_t n;
	int rc;

	if (fstat(fd, &st))
		return err_sys(err, "cannot look at the manifest of '%s'", path);
	tail = mem_new(room, 1);
	if (!tail)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a manifest");
	from = st.st_size > (off_t)room ? st.st_size - (off_t)room : 0;
	n = pread(fd, tail, room, from);
	if (n < 0)
		rc = err_sys(err, "cannot read the manifest of '%s'", path);
	else
		rc = hash_last_line(tail, (size_t)n, !from, path, hex, err);
	mem_free(tail);
	return rc;
}

int parent_head(const char *path, char hex[HASH_HEX], struct weir_error *err)
{
	int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -1, rc;

	if (folder >= 0) {
		fd = regular_open(folder, MANIFEST_NAME, O_RDONLY, "file", NULL);
		(void)close(folder);
	}
	if (fd < 0)
		return err_set(err, WEIR_ERR_ABSENT, "'%s' is not a store", path);
	rc = hash_tail(fd, path, hex, err);
	(void)close(fd);
	return rc;
}

int parent_describe(const char *path, char text[PARENT_TEXT], struct weir_error *err)
{
	struct weir_error unread = { .code = WEIR_OK };
	char hex[HASH_HEX];
	struct line l;
	size_t length;
	const char *name = facts_base_name(path, &length);
	int rc = parent_head(path, hex, &unread);

	if (rc && rc != WEIR_ERR_ABSENT) {
		if (err)
			*err = unread;
		return rc;
	}
	line_init(&l, text, PARENT_TEXT - 1);
	if (!strcmp(path, "-")) {
		line_text(&l, "made from standard input");
	} else {
		line_text(&l, rc ? "made from file '" : "made from store '");
		line_printable(&l, name, length < 255 ? length : 255);
		line_char(&l, '\'');
	}
	if (!rc) {
		line_text(&l, ", manifest head sha256:");
		line_text(&l, hex);
	}
	*l.at = '\0';
	return 0;
}
