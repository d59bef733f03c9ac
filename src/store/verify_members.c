#include "store/verify_members.h"

#include "base/mem.h"
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

static int add_stated(struct verify_member *m, const struct verify_stated *stated,
		      struct weir_error *err)
{
	void *array = m->stated;
	int rc = mem_room(&array, &m->room, m->count, sizeof *m->stated);

	if (rc)
		return err_set(err, rc, "no memory for %zu sessions", m->count + 1);
	m->stated = array;
	m->stated[m->count++] = *stated;
	return 0;
}

int verify_members_state(struct verify *v, const json_t *end, unsigned long long number,
			 struct weir_error *err)
{
	for (unsigned i = 0; i < VERIFY_MEMBERS; i++) {
		const json_t *m = json_object_get(end, known[i].member);
		const char *name = json_get_text(m, "name");
		const char *hash = json_get_text(m, "sha256");
		struct verify_stated stated;
		int rc;

		if (!json_is_object(m))
			continue;
		if (!name || strcmp(name, known[i].file) != 0 || !is_hash(hash) ||
		    !json_get_u64(m, "bytes", &stated.bytes))
			return verify_fault(
				v,
				"manifest line %llu: '%s' does not state the name, size "
				"and hash of '%s'",
				number, known[i].member, known[i].file);
		memcpy(stated.sha256, hash, sizeof stated.sha256);
		rc = add_stated(&v->members[i], &stated, err);
		if (rc)
			return rc;
	}
	return 0;
}

/* The file's beginning, up to each place that a line states. */
static int check_beginnings(struct verify *v, int fd, struct hash *h, unsigned i,
			    struct weir_error *err)
{
	const struct verify_member *m = &v->members[i];
	uint8_t digest[HASH_BYTES];
	char hex[HASH_HEX];
	uint64_t done = 0;

	for (size_t k = 0; k < m->count; k++) {
		const struct verify_stated *s = &m->stated[k];
		int rc;

		if (s->bytes < done)
			return verify_fault(v,
					    "'%s' has %llu bytes in one line of the "
					    "manifest, %llu in a later one",
					    known[i].file, (unsigned long long)done,
					    (unsigned long long)s->bytes);
		rc = scan_hash_part(h, fd, done, s->bytes, err);
		if (!rc && hash_so_far(h, digest))
			rc = err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a hash");
		if (rc)
			return rc;
		hash_hex(digest, hex);
		if (strcmp(hex, s->sha256) != 0)
			return verify_fault(
				v,
				"'%s' has SHA-256 %s in its first %llu bytes, the "
				"manifest says %s",
				known[i].file, hex, (unsigned long long)s->bytes,
				s->sha256);
		done = s->bytes;
	}
	return 0;
}

static int check_file(struct verify *v, int fd, unsigned i, struct weir_error *err)
{
	const struct verify_member *m = &v->members[i];
	uint64_t stated = m->stated[m->count - 1].bytes;
	struct hash *h;
	struct stat st;
	int rc;

	if (fstat(fd, &st))
		return err_sys(err, "cannot look at '%s'", known[i].file);
	/* It grows only while it is recorded: whoever lets it states it. */
	if ((uint64_t)st.st_size < stated ||
	    (v->has_end && (uint64_t)st.st_size != stated))
		return verify_fault(v, "'%s' has %lld bytes, the manifest says %llu",
				    known[i].file, (long long)st.st_size,
				    (unsigned long long)stated);
	h = hash_new();
	rc = h ? check_beginnings(v, fd, h, i, err)
	       : err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a hash");
	hash_free(h);
	return rc;
}

int verify_members_check(struct verify *v, struct weir_error *err)
{
	for (unsigned i = 0; i < VERIFY_MEMBERS; i++) {
		int fd, rc;

		if (!v->members[i].count)
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

bool verify_members_are_silent(const struct verify *v, const char *name)
{
	/* A recorder that dies states nothing; of processes its repair does. */
	for (unsigned i = 0; i < VERIFY_MEMBERS; i++)
		if (!strcmp(name, known[i].file))
			return v->has_end && !v->members[i].count &&
			       (!v->has_recovered || !strcmp(name, STORE_PROCESSES));
	return false;
}

void verify_members_fini(struct verify *v)
{
	for (unsigned i = 0; i < VERIFY_MEMBERS; i++)
		mem_free(v->members[i].stated);
}
