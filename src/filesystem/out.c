#include "filesystem/out.h"

#include "base/mem.h"

int out_sink_init(struct out_sink *s, int (*put)(void *, const void *, size_t), void *arg)
{
	*s = (struct out_sink){ .write = put, .arg = arg, .lock = port_monitor_new() };
	atomic_init(&s->is_over, false);
	return s->lock ? 0 : WEIR_ERR_NO_MEMORY;
}

void out_sink_fini(struct out_sink *s)
{
	port_monitor_free(s->lock);
	s->lock = NULL;
}

int out_init(struct out *o, struct out_sink *sink)
{
	*o = (struct out){ .sink = sink,
			   .size = OUT_BYTES,
			   .data = mem_new(OUT_BYTES, 1) };
	return o->data ? 0 : WEIR_ERR_NO_MEMORY;
}

void out_fini(struct out *o)
{
	mem_free(o->data);
	o->data = NULL;
}

/* The part of the bytes that the bound allows: whole lines. */
static size_t allowed(const struct out_sink *s, const char *bytes, size_t length)
{
	uint64_t left = s->max_bytes > s->bytes ? s->max_bytes - s->bytes : 0;

	if (!s->max_bytes || left >= length)
		return length;
	for (length = (size_t)left; length && bytes[length - 1] != '\n'; length--)
		;
	return length;
}

void out_flush(struct out *o)
{
	struct out_sink *s = o->sink;
	size_t n;

	if (!o->used && !o->lost_lines)
		return;
	port_monitor_lock(s->lock);
	if (!s->error) {
		n = allowed(s, o->data, o->used);
		s->error = n ? s->write(s->arg, o->data, n) : 0;
		s->bytes += s->error ? 0 : n;
		if (s->error || n < o->used)
			atomic_store(&s->is_over, true);
	}
	s->lost_lines += o->lost_lines;
	port_monitor_unlock(s->lock);
	o->used = 0;
	o->lost_lines = 0;
}

static bool grow(struct out *o, size_t need)
{
	size_t size = o->size;
	char *p;

	while (size < need)
		size *= 2;
	if (size == o->size)
		return true;
	p = mem_grow(o->data, size, 1);
	if (!p)
		return false;
	o->data = p;
	o->size = size;
	return true;
}

char *out_begin(struct out *o, size_t bound)
{
	o->is_line_lost = false;
	if (o->size - o->used < bound)
		out_flush(o);
	/* What one long line took is given back. */
	if (o->size > 4 * (size_t)OUT_BYTES && bound < OUT_BYTES && !o->used) {
		char *p = mem_grow(o->data, OUT_BYTES, 1);

		if (p) {
			o->data = p;
			o->size = OUT_BYTES;
		}
	}
	return out_room(o, o->data + o->used, bound);
}

char *out_room(struct out *o, char *p, size_t bound)
{
	size_t at;

	if (!p)
		return NULL;
	at = (size_t)(p - o->data);
	if (o->size - at >= bound)
		return p;
	if (!grow(o, at + bound)) {
		o->is_line_lost = true;
		return NULL;
	}
	return o->data + at;
}

void out_end(struct out *o, const char *p)
{
	if (!p || o->is_line_lost)
		o->lost_lines++;
	else
		o->used = (size_t)(p - o->data);
}
