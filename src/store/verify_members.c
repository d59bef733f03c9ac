#include "store/verify_members.h"

#include "store/json_lines.h"
#include "store/line_file.h"
#include "store/processes.h"
#include "store/regular.h"
#include "store/scan.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* The last line's name for each, and the file's. */
static const struct {
	const char *member, *file;
} known[VERIFY_MEMBERS] = { { "processes", STORE_PROCESSES },
			    { "events", STORE_EVENTS } };

static bool is_hash(const char *text)
{
	return text && strlen(text) == HASH_HEX - 1 &&
	       strspn(text, "0123456789abcdef") == HASH_HEX - 1;
}

int verify_members_state(struct verify *v, const json_t *end, unsigned long long number)
{
	for (unsigned i = 0; i < VERIFY_MEMBERS; i++) {
		const json_t *m = json_object_get(end, known[i].member);
		const char *name = json_get_text(m, "name");
		const char *hash = json_get_text(m, "sha256");
		struct verify_member *stated = &v->members[i];

		if (!json_is_object(m))
			continue;
		stated->is_stated = name && !strcmp(name, known[i].file) &&
				    is_hash(hash) &&
				    json_get_u64(m, "bytes", &stated->bytes);
		if (!stated->is_stated)
			return verify_fault(
				v,
				"manifest line %llu: '%s' does not state the name, size "
				"and hash of '%s'",
				number, known[i].member, known[i].file);
		memcpy(stated->sha256, hash, sizeof stated->sha256);
	}
	return 0;
}

static int check_file(struct verify *v, int fd, unsigned i, struct weir_error *err)
{
	const struct verify_member *stated = &v->members[i];
	char hex[HASH_HEX];
	struct stat st;
	int rc;

	if (fstat(fd, &st))
		return err_sys(err, "cannot look at '%s'", known[i].file);
	if ((uint64_t)st.st_size != stated->bytes)
		return verify_fault(v, "'%s' has %lld bytes, the manifest says %llu",
				    known[i].file, (long long)st.st_size,
				    (unsigned long long)stated->bytes);
	rc = scan_hash(fd, stated->bytes, hex, err);
	if (!rc && strcmp(hex, stated->sha256) != 0)
		return verify_fault(v, "'%s' has SHA-256 %s, the manifest says %s",
				    known[i].file, hex, stated->sha256);
	return rc;
}

int verify_members_check(struct verify *v, struct weir_error *err)
{
	for (unsigned i = 0; i < VERIFY_MEMBERS; i++) {
		int fd, rc;

		if (!v->members[i].is_stated)
			continue;
		fd = regular_open(v->dir_fd, known[i].file, O_RDONLY, "file", err);
		if (fd == WEIR_ERR_ABSENT || fd == WEIR_ERR_MISMATCH)
			return verify_fault(v, "'%s' is not there", known[i].file);
		if (fd < 0)
			return fd;
		rc = check_file(v, fd, i, err);
		(void)close(fd);
		if (rc)
			return rc;
	}
	return 0;
}
