#include "agent/audit.h"

#include "agent/audit_names.h"
#include "store/chain.h"
#include "store/form.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct verify {
	struct audit_check *check;
	struct chain chain;
	bool is_begun; /* the chain's place is known */
};

static int fault(struct verify *v, const char *name, const char *text)
{
	(void)snprintf(v->check->fault, sizeof v->check->fault, "%.30s%s%.250s", name,
		       *name ? ": " : "", text);
	return WEIR_ERR_MISMATCH;
}

/* A log that was set aside may stand alone: its first line's prev is taken on trust. */
static void begin(struct verify *v, const struct json_line *line)
{
	const char *prev = json_get_text(line->object, "prev");
	uint64_t seq;

	v->is_begun = true;
	v->check->is_whole = true;
	if (!json_get_u64(line->object, "seq", &seq) || seq < 2 || !prev ||
	    strlen(prev) != HASH_HEX - 1)
		return;
	v->chain.seq = seq - 1;
	memcpy(v->chain.prev, prev, HASH_HEX);
	v->check->is_whole = false;
}

/* A store's manifest has the same chain, and a first line of the same type. */
static int check_start(struct verify *v, const struct json_line *line, const char *name)
{
	uint64_t format;

	if (json_get_text(line->object, "layout"))
		return fault(v, name,
			     "it is the manifest of a store: name the store's directory");
	if (!json_get_text(line->object, "agent"))
		return fault(v, name, "a start line that names no agent");
	if (!json_get_u64(line->object, "format", &format) || format != 1)
		return fault(v, name, "a start line of an unknown format");
	return 0;
}

static int check_type(struct verify *v, const struct json_line *line, const char *name)
{
	const char *type = json_get_text(line->object, "type");
	uint64_t of;
	int rc = 0;

	if (!type)
		return fault(v, name, "a line without a type");
	if (v->chain.seq == 0 && strcmp(type, "start") != 0)
		return fault(v, name, "the first line is no start line");
	if (!strcmp(type, "start"))
		rc = check_start(v, line, name);
	if (rc)
		return rc;
	if (!strcmp(type, "outcome") &&
	    (!json_get_u64(line->object, "request_seq", &of) || of > v->chain.seq))
		return fault(v, name, "an outcome of a request that is not before it");
	if (!strcmp(type, "request")) {
		v->check->requests++;
		v->check->refused +=
			!json_is_true(json_object_get(line->object, "allowed"));
	}
	v->check->is_closed = !strcmp(type, "stop");
	return 0;
}

static int check_line(struct verify *v, const struct json_line *line, const char *name,
		      struct weir_error *err)
{
	char text[CHAIN_FAULT];
	int64_t ns = 0;
	int rc;

	if (!v->is_begun)
		begin(v, line);
	if (!chain_check(&v->chain, "audit", line, text))
		return fault(v, name, text);
	rc = check_type(v, line, name);
	if (rc)
		return rc;
	if (json_get_i64(line->object, "at_ns", &ns) && !v->check->lines)
		v->check->first_ns = ns;
	v->check->last_ns = ns;
	v->check->lines++;
	if (chain_advance(&v->chain, line->text, (size_t)line->length))
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a hash");
	return 0;
}

static int check_lines(struct verify *v, struct byte_source source, bool is_live,
		       const char *name, struct weir_error *err)
{
	struct json_line line;
	struct window w;
	int rc = window_init(&w, source, err);

	if (rc)
		return rc;
	while ((rc = json_lines_next(&w, &line, err)) > 0) {
		bool is_torn = is_live && !line.is_ended;

		rc = is_torn ? 0 : check_line(v, &line, name, err);
		json_decref(line.object);
		if (rc || is_torn)
			break;
	}
	window_fini(&w);
	return rc;
}

static bool is_capture(int fd)
{
	uint8_t first[4];

	return pread(fd, first, sizeof first, 0) == (ssize_t)sizeof first &&
	       (pcap_is_magic(first) || pcapng_is_magic(first));
}

static int check_file(struct verify *v, int dir_fd, const char *name, const char *shown,
		      struct weir_error *err)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	bool is_live;
	int rc;

	if (fd < 0)
		return err_sys(err, "cannot open '%.200s'", name);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		(void)close(fd);
		return fault(v, shown, "no regular file");
	}
	if (is_capture(fd)) {
		(void)close(fd);
		return fault(
			v, shown,
			"it is a capture file: there is nothing to check it against");
	}
	is_live = flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
	v->check->is_live |= is_live;
	v->check->files++;
	rc = check_lines(v, byte_source_fd(fd, UINT64_MAX, false), is_live, shown, err);
	(void)close(fd);
	return rc;
}

static int check_directory(struct verify *v, int dir_fd, struct weir_error *err)
{
	struct audit_names n;
	int rc = audit_names_list(&n, dir_fd, err);

	for (size_t i = 0; !rc && i < n.count; i++)
		rc = check_file(v, dir_fd, n.at[i], n.at[i], err);
	audit_names_fini(&n);
	return rc ? rc : check_file(v, dir_fd, AUDIT_NAME, AUDIT_NAME, err);
}

static int end_check(struct verify *v, int rc, struct weir_error *err)
{
	if (!rc && !v->check->lines && !v->check->is_live)
		rc = fault(v, "", "the audit log is empty");
	if (rc == WEIR_ERR_MISMATCH)
		(void)err_set(err, rc, "%s", v->check->fault);
	return rc;
}

int audit_verify_bytes(const void *bytes, size_t length, struct audit_check *check,
		       struct weir_error *err)
{
	struct verify v = { .check = check };

	memset(check, 0, sizeof *check);
	chain_init(&v.chain);
	check->files = 1;
	return end_check(
		&v, check_lines(&v, byte_source_memory(bytes, length), false, "", err),
		err);
}

int audit_verify(const char *path, struct audit_check *check, struct weir_error *err)
{
	struct verify v = { .check = check };
	int dir_fd, rc;

	memset(check, 0, sizeof *check);
	chain_init(&v.chain);
	dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd >= 0) {
		rc = check_directory(&v, dir_fd, err);
		(void)close(dir_fd);
	} else if (errno == ENOTDIR) {
		rc = check_file(&v, AT_FDCWD, path, "", err);
	} else {
		return err_sys(err, "cannot open '%.200s'", path);
	}
	rc = end_check(&v, rc, err);
	return rc ? err_prefix(err, "cannot vouch for '%.200s'", path) : 0;
}
