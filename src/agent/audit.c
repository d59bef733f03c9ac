#include "agent/audit.h"

#include "agent/audit_names.h"
#include "base/mem.h"
#include "port/port.h"
#include "store/chain.h"
#include "store/disk.h"

#include "weir_version.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TAIL_NAME AUDIT_NAME ".tail"

struct audit {
	struct chain chain;
	int dir_fd, fd;
	uint64_t size;
	uint64_t first_seq; /* of this file */
	bool is_dirty;
	char line[AUDIT_LINE_MAX];
};

static int open_file(struct audit *a, struct weir_error *err)
{
	a->fd = openat(a->dir_fd, AUDIT_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
		       0600);
	if (a->fd < 0)
		return err_sys(err, "cannot open '" AUDIT_NAME "'");
	if (flock(a->fd, LOCK_EX | LOCK_NB)) {
		if (errno == EWOULDBLOCK)
			return err_set(err, WEIR_ERR_BUSY,
				       "another agent writes '" AUDIT_NAME "'");
		return err_sys(err, "cannot lock '" AUDIT_NAME "'");
	}
	return 0;
}

/* The seq of the file's first line, which tells how it is named once it is set aside. */
static void read_first(struct audit *a)
{
	char text[32] = "";
	unsigned long long seq;

	a->first_seq = a->chain.seq + 1;
	if (pread(a->fd, text, sizeof text - 1, 0) > 0 &&
	    sscanf(text, "{\"seq\":%20llu,", &seq) == 1)
		a->first_seq = seq;
}

/* Copies what is from `at` on to a file beside the log. */
static int keep_tail(struct audit *a, int fd, uint64_t at)
{
	ssize_t n;

	while ((n = pread(a->fd, a->line, sizeof a->line, (off_t)at)) > 0) {
		if (write(fd, a->line, (size_t)n) != n)
			return -1;
		at += (uint64_t)n;
	}
	return (int)n;
}

/* What a crash left behind the last newline is kept beside the log and cut off. */
static int cut_tail(struct audit *a, uint64_t good, struct weir_error *err)
{
	int fd = openat(a->dir_fd, TAIL_NAME,
			O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc = fd < 0 ? -1 : keep_tail(a, fd, good);

	if (fd >= 0)
		(void)close(fd);
	if (rc || ftruncate(a->fd, (off_t)good))
		return err_sys(err, "cannot repair '" AUDIT_NAME "'");
	return 0;
}

/* A log to be read from its end: the one that is written, or one that was set aside. */
struct ended {
	int fd;
	const char *name;
};

static int take_last(struct audit *a, const char *name, size_t length,
		     struct weir_error *err)
{
	const char *line = a->line;
	json_t *o = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
	uint64_t seq = 0;
	bool is_good = json_get_u64(o, "seq", &seq) && seq > 0;

	json_decref(o);
	if (!is_good)
		return err_set(
			err, WEIR_ERR_FORMAT,
			"the last line of '%s' is no line of an audit log: keep the file and "
			"move it away",
			name);
	a->chain.seq = seq - 1;
	if (chain_advance(&a->chain, line, length))
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a hash");
	return 0;
}

/* Where the line begins that has not ended at `end`.  A power cut can leave more zeros behind the last newline
 * than any line has. */
static int find_begin(struct audit *a, struct ended log, uint64_t end, uint64_t *begin,
		      struct weir_error *err)
{
	size_t n = 0;

	while (end && !n) {
		size_t length = end < sizeof a->line ? (size_t)end : sizeof a->line;

		end -= length;
		if (pread(log.fd, a->line, length, (off_t)end) != (ssize_t)length)
			return err_sys(err, "cannot read '%s'", log.name);
		for (n = length; n && a->line[n - 1] != '\n'; n--)
			;
	}
	*begin = end + n;
	return 0;
}

/* The chain goes on behind the line that ends at `end`. */
static int read_last(struct audit *a, struct ended log, uint64_t end,
		     struct weir_error *err)
{
	uint64_t begin = 0;
	int rc = find_begin(a, log, end - 1, &begin, err);
	size_t length = (size_t)(end - begin);

	if (rc)
		return rc;
	if (length > sizeof a->line)
		return err_set(err, WEIR_ERR_FORMAT,
			       "the last line of '%s' is longer than %d bytes", log.name,
			       AUDIT_LINE_MAX);
	if (pread(log.fd, a->line, length, (off_t)begin) != (ssize_t)length)
		return err_sys(err, "cannot read '%s'", log.name);
	return take_last(a, log.name, length - 1, err);
}

static int read_aside(struct audit *a, const char *name, struct weir_error *err)
{
	struct ended log = { .name = name };
	struct stat st = { .st_size = 0 };
	uint64_t end = 0;
	int rc = 0;

	log.fd = openat(a->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (log.fd < 0 || fstat(log.fd, &st))
		rc = err_sys(err, "cannot read '%s'", name);
	if (!rc)
		rc = find_begin(a, log, (uint64_t)st.st_size, &end, err);
	if (!rc)
		rc = end ? read_last(a, log, end, err)
			 : err_set(err, WEIR_ERR_FORMAT,
				   "'%s' has no line of an audit log: keep the file and "
				   "move it away",
				   name);
	if (log.fd >= 0)
		(void)close(log.fd);
	return rc;
}

/* An agent that ended right behind a rotation has left a log without a line: what is before it is in the newest
 * of those set aside. */
static int go_on_behind_aside(struct audit *a, struct weir_error *err)
{
	struct audit_names n;
	int rc = audit_names_list(&n, a->dir_fd, err);

	if (!rc && n.count)
		rc = read_aside(a, n.at[n.count - 1], err);
	audit_names_fini(&n);
	return rc;
}

/* Finds the last whole line; *cut is how much was behind it. */
static int find_end(struct audit *a, uint64_t *cut, struct weir_error *err)
{
	struct ended log = { a->fd, AUDIT_NAME };
	struct stat st;
	int rc;

	*cut = 0;
	if (fstat(a->fd, &st))
		return err_sys(err, "cannot read '" AUDIT_NAME "'");
	rc = find_begin(a, log, (uint64_t)st.st_size, &a->size, err);
	if (rc)
		return rc;
	*cut = (uint64_t)st.st_size - a->size;
	if (*cut)
		rc = cut_tail(a, a->size, err);
	if (rc)
		return rc;
	return a->size ? read_last(a, log, a->size, err) : go_on_behind_aside(a, err);
}

static int append(struct audit *a, const char *type, json_t *members,
		  struct weir_error *err)
{
	struct chain next = a->chain;
	size_t n = chain_dump(&a->chain, type, port_realtime_ns(), members, a->line,
			      sizeof a->line);

	if (!n)
		return err_set(err, WEIR_ERR_LIMIT,
			       "an audit line of type '%s' is longer than %d bytes", type,
			       AUDIT_LINE_MAX);
	if (chain_advance(&next, a->line, n - 1))
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a hash");
	if (disk_write(&disk_system, a->fd, a->line, n, a->size, NULL)) {
		int rc = err_sys(err, "cannot write the audit log");

		/* Harmless where it fails: the next line goes to the same place. */
		if (ftruncate(a->fd, (off_t)a->size))
			return rc;
		return rc;
	}
	a->chain = next;
	a->size += n;
	a->is_dirty = true;
	return 0;
}

/* Sets the full file aside.  Where that fails the log simply grows on. */
static void rotate(struct audit *a)
{
	char name[64];
	int old = a->fd;
	struct weir_error err;

	(void)snprintf(name, sizeof name, "audit-%012llu.jsonl",
		       (unsigned long long)a->first_seq);
	audit_sync(a);
	if (faccessat(a->dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
	    renameat(a->dir_fd, AUDIT_NAME, a->dir_fd, name))
		return;
	if (open_file(a, &err)) {
		if (a->fd >= 0)
			(void)close(a->fd);
		a->fd = old;
		(void)renameat(a->dir_fd, name, a->dir_fd, AUDIT_NAME);
		return;
	}
	(void)close(old);
	a->size = 0;
	a->first_seq = a->chain.seq + 1;
	(void)fsync(a->dir_fd);
}

int audit_write(struct audit *a, const char *type, json_t *members, uint64_t *seq,
		struct weir_error *err)
{
	/* A line without its members would say nothing, and look as if there was nothing to say. */
	int rc = members ? append(a, type, members, err)
			 : err_set(err, WEIR_ERR_NO_MEMORY,
				   "an audit line of type '%s' cannot be made", type);

	json_decref(members);
	if (!rc && seq)
		*seq = a->chain.seq;
	if (!rc && a->size >= AUDIT_FILE_MAX)
		rotate(a);
	return rc;
}

static int write_start(struct audit *a, json_t *start, uint64_t cut,
		       struct weir_error *err)
{
	struct port_identity id;
	json_t *members;

	port_identity(&id);
	members =
		json_pack("{s:i,s:s,s:s,s:s,s:s,s:s,s:i,s:i,s:I}", "format", 1, "tool",
			  "weir", "version", WEIR_VERSION, "host", id.host, "machine_id",
			  id.machine_id, "boot_id", id.boot_id, "pid", (int)id.pid, "uid",
			  (int)id.uid, "cut_bytes", (json_int_t)cut);
	if (!members)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for an audit line");
	if (start)
		json_object_update_missing(members, start);
	return audit_write(a, "start", members, NULL, err);
}

int audit_open(struct audit **out, int dir_fd, json_t *start, struct weir_error *err)
{
	struct audit *a = mem_new(1, sizeof *a);
	uint64_t cut = 0;
	int rc;

	*out = NULL;
	if (!a)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for an audit log");
	a->fd = -1;
	chain_init(&a->chain);
	a->dir_fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 3);
	rc = a->dir_fd < 0 ? err_sys(err, "cannot open the audit log's directory")
			   : open_file(a, err);
	if (!rc)
		rc = find_end(a, &cut, err);
	if (!rc) {
		read_first(a);
		rc = write_start(a, start, cut, err);
	}
	if (!rc) {
		audit_sync(a);
		(void)fsync(a->dir_fd);
		*out = a;
		return 0;
	}
	if (a->fd >= 0)
		(void)close(a->fd);
	if (a->dir_fd >= 0)
		(void)close(a->dir_fd);
	mem_free(a);
	return rc;
}

void audit_sync(struct audit *a)
{
	if (a->is_dirty && fdatasync(a->fd) == 0)
		a->is_dirty = false;
}

void audit_close(struct audit *a)
{
	struct weir_error err;

	if (!a)
		return;
	/* Where the disk is full the log ends without its last line, and verify says so. */
	if (audit_write(a, "stop", json_object(), NULL, &err) == 0)
		audit_sync(a);
	(void)close(a->fd);
	(void)close(a->dir_fd);
	mem_free(a);
}
