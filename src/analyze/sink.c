#include "analyze/sink.h"

#include "analyze/way.h"
#include "base/mem.h"
#include "port/port.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define SINK_BUFFER ((size_t)1 << 20)
#define PAGE        ((size_t)4096) /* past the page cache: of places, lengths and memory */

struct sink {
	int fd;
	const char *path;
	char *hidden; /* the name until the end; NULL for streams */
	void *memory;
	uint8_t *buffer; /* the first page in it */
	size_t capacity, fill;
	uint64_t passed; /* bytes that have left the buffer */
	struct way way;
	bool is_direct; /* what the descriptor is set to */
	int failed;     /* negative once a write has failed */
	bool has_lost_reader;
	struct weir_error failure;
};

static void free_sink(struct sink *s)
{
	if (s->fd >= 0)
		(void)close(s->fd);
	mem_free(s->hidden);
	mem_free(s->memory);
	mem_free(s);
}

/* What is in the buffer moves with it. */
static bool take_memory(struct sink *s, size_t capacity)
{
	void *memory = mem_new(capacity + PAGE, 1);
	size_t odd = (uintptr_t)memory % PAGE;
	uint8_t *buffer = (uint8_t *)memory + (odd ? PAGE - odd : 0);

	if (!memory)
		return false;
	if (s->fill)
		memcpy(buffer, s->buffer, s->fill);
	mem_free(s->memory);
	s->memory = memory;
	s->buffer = buffer;
	s->capacity = capacity;
	return true;
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

/* A file within a folder that is itself hidden until the end. */
static int open_piece(struct sink *s, bool is_again, struct weir_error *err)
{
	int flags = is_again ? O_APPEND : O_CREAT | O_EXCL;

	s->fd = open(s->path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | flags, 0666);
	return s->fd < 0 ? err_sys(err, "cannot open '%s'", s->path) : 0;
}

enum opening {
	OPEN_WHOLE,
	OPEN_PIECE,
	OPEN_PIECE_AGAIN,
	OPEN_TAKEN /* by the caller */
};

static int open_as(struct sink *s, enum opening how, struct weir_error *err)
{
	if (how == OPEN_WHOLE)
		return open_path(s, err);
	return how == OPEN_TAKEN ? 0 : open_piece(s, how == OPEN_PIECE_AGAIN, err);
}

static int open_sink(struct sink **out, const char *path, enum opening how,
		     struct weir_error *err)
{
	struct sink *s = mem_new(1, sizeof *s);
	int rc;

	if (!s)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for '%s'", path);
	s->fd = -1;
	s->path = path;
	if (take_memory(s, how == OPEN_WHOLE ? SINK_BUFFER : SINK_BUFFER / 16))
		rc = open_as(s, how, err);
	else
		rc = err_set(err, WEIR_ERR_NO_MEMORY, "no memory for '%s'", path);
	if (rc) {
		free_sink(s);
		return rc;
	}
	*out = s;
	return 0;
}

int sink_open(struct sink **s, const char *path, struct weir_error *err)
{
	return open_sink(s, path, OPEN_WHOLE, err);
}

int sink_open_fd(struct sink **s, const char *path, int fd, struct weir_error *err)
{
	int rc = open_sink(s, path, OPEN_TAKEN, err);

	if (rc)
		(void)close(fd);
	else
		(*s)->fd = fd;
	return rc;
}

int sink_open_piece(struct sink **s, const char *path, bool is_again,
		    struct weir_error *err)
{
	return open_sink(s, path, is_again ? OPEN_PIECE_AGAIN : OPEN_PIECE, err);
}

static void fail(struct sink *s)
{
	const char *name = strcmp(s->path, "-") ? s->path : "standard output";

	if (s->failed)
		return;
	s->has_lost_reader = errno == EPIPE;
	s->failed = err_sys(&s->failure, "cannot write '%s'", name);
}

static void set_direct(struct sink *s, bool is_direct)
{
	int flags = is_direct == s->is_direct ? -1 : fcntl(s->fd, F_GETFL);

	if (flags < 0)
		return;
	flags = is_direct ? flags | O_DIRECT : flags & ~O_DIRECT;
	if (!fcntl(s->fd, F_SETFL, flags))
		s->is_direct = is_direct;
	else
		way_never_direct(&s->way);
}

/* The first n bytes leave the buffer. */
static void write_out(struct sink *s, size_t n)
{
	size_t done = 0;

	while (done < n && !s->failed) {
		ssize_t written = write(s->fd, s->buffer + done, n - done);

		if (written > 0) {
			done += (size_t)written;
		} else if (written < 0 && errno == EINVAL && s->is_direct) {
			way_never_direct(&s->way);
			set_direct(s, false);
		} else if (written < 0 && errno != EINTR) {
			fail(s);
		}
	}
	s->passed += n;
	s->fill -= n;
	memmove(s->buffer, s->buffer + n, s->fill);
}

void sink_flush(struct sink *s)
{
	set_direct(s, false);
	write_out(s, s->fill);
}

/* A full buffer of a regular file leaves in whole pages, the way that is cheaper. */
static void drain(struct sink *s)
{
	size_t odd = (size_t)((s->passed + s->fill) % PAGE), n = s->fill - odd;
	int64_t begin;

	if (!s->hidden || s->fill < SINK_BUFFER / 2) {
		sink_flush(s);
		return;
	}
	set_direct(s, way_is_direct(&s->way) && s->passed % PAGE == 0);
	begin = port_monotonic_ns();
	write_out(s, n);
	way_took(&s->way, n, (uint64_t)(port_monotonic_ns() - begin));
}

uint8_t *sink_room(struct sink *s, size_t n)
{
	if (n > s->capacity - s->fill) {
		drain(s);
		/* Records are bounded by what a reader lends (16 MiB): an abort here means that
		 * the machine has no memory left at all. */
		if (n > s->capacity - s->fill && !take_memory(s, n + PAGE))
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

bool sink_lost_reader(const struct sink *s)
{
	return s->has_lost_reader;
}

uint64_t sink_bytes(const struct sink *s)
{
	return s->passed + s->fill;
}

struct way *sink_way(struct sink *s)
{
	return &s->way;
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
