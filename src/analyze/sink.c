#include "analyze/sink.h"

#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define SINK_BUFFER ((size_t)1 << 20)

struct sink {
	int fd;
	const char *path;
	char *hidden; /* the name until the end; NULL for streams */
	uint8_t *buffer;
	size_t capacity, fill;
	uint64_t passed; /* bytes that have left the buffer */
	int failed;      /* negative once a write has failed */
	struct weir_error failure;
};

static void free_sink(struct sink *s)
{
	if (s->fd >= 0)
		(void)close(s->fd);
	mem_free(s->hidden);
	mem_free(s->buffer);
	mem_free(s);
}

/* ".NAME.PID" beside the path; NULL without memory. */
static char *make_hidden(const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t folder = slash ? (size_t)(slash - path) + 1 : 0;
	size_t size = strlen(path) + 32;
	char *name = mem_new(size, 1);

	if (name)
		(void)snprintf(name, size, "%.*s.%s.%ld", (int)folder, path,
			       path + folder, (long)getpid());
	return name;
}

static int open_hidden(struct sink *s, struct weir_error *err)
{
	s->hidden = make_hidden(s->path);
	if (!s->hidden)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for '%s'", s->path);
	s->fd = open(s->hidden, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		     0666);
	if (s->fd < 0) {
		int rc = err_sys(err, "cannot make '%s'", s->path);

		mem_free(s->hidden);
		s->hidden = NULL;
		return rc;
	}
	return 0;
}

static int open_path(struct sink *s, struct weir_error *err)
{
	struct stat st;

	if (!strcmp(s->path, "-")) {
		s->fd = dup(STDOUT_FILENO);
		return s->fd < 0 ? err_sys(err, "cannot use standard output") : 0;
	}
	if (lstat(s->path, &st))
		return open_hidden(s, err);
	if (!S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode))
		return err_set(err, WEIR_ERR_EXISTS,
			       "'%s' is there already: not overwritten", s->path);
	s->fd = open(s->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	return s->fd < 0 ? err_sys(err, "cannot open '%s'", s->path) : 0;
}

int sink_open(struct sink **out, const char *path, struct weir_error *err)
{
	struct sink *s = mem_new(1, sizeof *s);
	int rc;

	if (!s)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for '%s'", path);
	s->fd = -1;
	s->path = path;
	s->capacity = SINK_BUFFER;
	s->buffer = mem_new(s->capacity, 1);
	if (s->buffer)
		rc = open_path(s, err);
	else
		rc = err_set(err, WEIR_ERR_NO_MEMORY, "no memory for '%s'", path);
	if (rc) {
		free_sink(s);
		return rc;
	}
	*out = s;
	return 0;
}

static void fail(struct sink *s)
{
	const char *name = strcmp(s->path, "-") ? s->path : "standard output";

	if (!s->failed)
		s->failed = err_sys(&s->failure, "cannot write '%s'", name);
}

void sink_flush(struct sink *s)
{
	size_t done = 0;

	while (done < s->fill && !s->failed) {
		ssize_t n = write(s->fd, s->buffer + done, s->fill - done);

		if (n > 0)
			done += (size_t)n;
		else if (n < 0 && errno != EINTR)
			fail(s);
	}
	s->passed += s->fill;
	s->fill = 0;
}

/* A record larger than the buffer: the buffer is empty and becomes large enough. */
static bool grow(struct sink *s, size_t n)
{
	uint8_t *p = mem_grow(s->buffer, n, 1);

	if (!p)
		return false;
	s->buffer = p;
	s->capacity = n;
	return true;
}

uint8_t *sink_room(struct sink *s, size_t n)
{
	if (n > s->capacity - s->fill) {
		sink_flush(s);
		/* Records are bounded by what a reader lends (16 MiB): an abort here means that
		 * the machine has no memory left at all. */
		if (n > s->capacity && !grow(s, n))
			abort();
	}
	return s->buffer + s->fill;
}

void sink_took(struct sink *s, size_t n)
{
	assert(n <= s->capacity - s->fill);
	s->fill += n;
}

void sink_put(struct sink *s, const void *bytes, size_t n)
{
	memcpy(sink_room(s, n), bytes, n);
	sink_took(s, n);
}

bool sink_failed(const struct sink *s)
{
	return s->failed != 0;
}

uint64_t sink_bytes(const struct sink *s)
{
	return s->passed + s->fill;
}

/* The final name, never over another file: a hard link cannot replace one.  File systems without
 * hard links (FAT) get a rename after a look. */
static int give_name(struct sink *s, struct weir_error *err)
{
	struct stat st;

	if (!link(s->hidden, s->path)) {
		(void)unlink(s->hidden);
		return 0;
	}
	if (errno != EEXIST && lstat(s->path, &st) && !rename(s->hidden, s->path))
		return 0;
	(void)err_sys(err, "cannot name '%s'", s->path);
	(void)unlink(s->hidden);
	return err ? (int)err->code : WEIR_ERR_SYSTEM;
}

int sink_close(struct sink *s, struct weir_error *err)
{
	int rc, fd = s->fd;

	sink_flush(s);
	s->fd = -1;
	if (close(fd) && !s->failed)
		fail(s);
	rc = s->failed;
	if (rc && err)
		*err = s->failure;
	if (s->hidden) {
		if (rc)
			(void)unlink(s->hidden);
		else
			rc = give_name(s, err);
	}
	free_sink(s);
	return rc;
}

void sink_discard(struct sink *s)
{
	if (!s)
		return;
	if (s->hidden)
		(void)unlink(s->hidden);
	free_sink(s);
}
