#include "store/window.h"

#include "base/hash.h"
#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

static void see(struct byte_tap *tap, const void *bytes, size_t length)
{
	if (!length)
		tap->is_whole = true;
	else if (hash_update(tap->hash, bytes, length))
		tap->has_failed = true;
}

static int read_fd(struct byte_source *s, void *into, size_t room, size_t *got,
		   struct weir_error *err)
{
	ssize_t n;

	if (room > s->left)
		room = (size_t)s->left;
	do
		n = room ? read(s->fd, into, room) : 0;
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(err, "read failed");
	s->left -= (uint64_t)n;
	*got = (size_t)n;
	if (s->tap)
		see(s->tap, into, (size_t)n);
	return 0;
}

static int read_memory(struct byte_source *s, void *into, size_t room, size_t *got,
		       struct weir_error *err)
{
	(void)err;
	if (room > s->left)
		room = (size_t)s->left;
	if (room)
		memcpy(into, s->memory, room);
	s->memory += room;
	s->left -= room;
	*got = room;
	return 0;
}

struct byte_source byte_source_fd(int fd, uint64_t limit, bool is_owner)
{
	struct byte_source s = {
		.read = read_fd, .left = limit, .fd = fd, .is_owner = is_owner
	};

	return s;
}

struct byte_source byte_source_memory(const void *bytes, size_t length)
{
	struct byte_source s = {
		.read = read_memory, .memory = bytes, .left = length, .fd = -1
	};

	return s;
}

void byte_source_close(struct byte_source *s)
{
	if (s->is_owner && s->fd >= 0)
		(void)close(s->fd);
	s->fd = -1;
}

int window_init(struct window *w, struct byte_source source, struct weir_error *err)
{
	memset(w, 0, sizeof *w);
	w->source = source;
	w->capacity = WINDOW_FIRST;
	w->bytes = mem_new(w->capacity, 1);
	if (w->bytes)
		return 0;
	byte_source_close(&w->source);
	return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a window of %u bytes",
		       WINDOW_FIRST);
}

void window_fini(struct window *w)
{
	byte_source_close(&w->source);
	mem_free(w->bytes);
	w->bytes = NULL;
}

/* Makes room for n bytes from start on. */
static int make_room(struct window *w, size_t n, struct weir_error *err)
{
	size_t capacity = w->capacity;
	uint8_t *grown;

	if (w->start + n <= capacity)
		return 0;
	memmove(w->bytes, w->bytes + w->start, window_left(w));
	w->end -= w->start;
	w->start = 0;
	while (capacity < n)
		capacity *= 2;
	if (capacity == w->capacity)
		return 0;
	grown = mem_grow(w->bytes, capacity, 1);
	if (!grown)
		return err_set(err, WEIR_ERR_NO_MEMORY,
			       "no memory for a window of %zu bytes", capacity);
	w->bytes = grown;
	w->capacity = capacity;
	return 0;
}

int window_want(struct window *w, size_t n, struct weir_error *err)
{
	int rc;

	assert(n <= WINDOW_MAX);
	if (window_left(w) >= n)
		return 1;
	rc = make_room(w, n, err);
	while (!rc && window_left(w) < n && !w->is_ended) {
		size_t got = 0;

		rc = w->source.read(&w->source, w->bytes + w->end, w->capacity - w->end,
				    &got, err);
		w->end += got;
		w->is_ended = !rc && !got;
	}
	if (rc)
		return rc;
	return window_left(w) >= n;
}

void window_pass(struct window *w, size_t n)
{
	assert(n <= window_left(w));
	w->start += n;
	w->offset += n;
}
