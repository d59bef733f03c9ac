/* An NTFS volume out of a table, for tests: it hands out what Windows would, byte by byte, and fails
 * where the table says so (port/ntfs_files.h).
 *
 * Calling sequence: fill an array of ntfs_item, item 0 being the root; set `now` to a struct ntfs_world
 * over it; list with ntfs_world_calls. */
#ifndef TESTS_NTFS_SOURCE_H
#define TESTS_NTFS_SOURCE_H

#include "base/compiler.h"
#include "base/utf16.h"
#include "port/ntfs_files.h"

#include <errno.h>
#include <string.h>

struct ntfs_item {
	unsigned parent;
	const char *name;
	uint32_t attributes, tag;
	uint64_t id, times[4]; /* born, accessed, modified, changed */
	uint64_t size, allocated;
	uint32_t links;
	const char *content;
	/* Pairs of stream and content, ended by NULL. */
	const char *const *streams;
	const uint8_t *reparse, *security;
	size_t reparse_bytes, security_bytes;
	/* errno: of looking at it, of opening it for its content, of its folder's entries. */
	int look_error, content_error, entries_error;
};

enum {
	NTFS_WORLD_HANDLES = 64,
	NTFS_WORLD_VOLUME = 0x1234abcd,
};

struct ntfs_world {
	const struct ntfs_item *items;
	unsigned count;
	enum dir_class best; /* richer ones are not there */
	unsigned per_call;   /* entries handed out at once */
	int damage;          /* cut off the end of each buffer of entries */
	unsigned open_count, opens, class_asked[64];

	struct {
		bool is_open;
		unsigned item, next;
		const char *stream; /* NULL: the file itself */
	} handles[NTFS_WORLD_HANDLES];
};

static inline void world_put(uint8_t *p, uint64_t n, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		p[i] = (uint8_t)(n >> 8 * i);
}

/* ASCII and beyond, two bytes a letter; the bytes. */
static inline size_t world_put_text(uint8_t *p, const char *text)
{
	size_t n = 0;

	for (; *text; text++, n += 2) {
		unsigned c = (unsigned char)*text;

		if (c >= 0xe0) { /* three bytes of UTF-8 */
			c = (c & 15) << 12 | ((unsigned char)text[1] & 63U) << 6 |
			    ((unsigned char)text[2] & 63U);
			text += 2;
		}
		world_put(p + n, c, 2);
	}
	return n;
}

static inline int world_find(const struct ntfs_world *w, int dir, const char *name,
			     const char **stream)
{
	unsigned parent = w->handles[dir].item;
	const char *colon = strchr(name, ':');
	size_t n = colon ? (size_t)(colon - name) : strlen(name);

	*stream = colon ? colon + 1 : NULL;
	/* "." means nothing to NTFS: Windows opens the folder by its handle, and so a stream of it. */
	if (!n || (n == 1 && *name == '.' && !colon))
		return (int)parent;
	for (unsigned i = 1; i < w->count; i++)
		if (w->items[i].parent == parent && strlen(w->items[i].name) == n &&
		    !memcmp(w->items[i].name, name, n))
			return (int)i;
	return -ENOENT;
}

/* The content of a handle's stream. */
static inline const char *world_content(const struct ntfs_world *w, int handle)
{
	const struct ntfs_item *t = &w->items[w->handles[handle].item];

	if (!w->handles[handle].stream)
		return t->content;
	for (const char *const *s = t->streams; s && *s; s += 2)
		if (!strcmp(*s, w->handles[handle].stream))
			return s[1];
	return NULL;
}

static inline int world_open(void *state, int dir, const char *name,
			     enum ntfs_access access)
{
	struct ntfs_world *w = state;
	const char *stream;
	int i = world_find(w, dir, name, &stream);
	bool is_look = access == NTFS_LOOK || access == NTFS_RIGHTS;
	const struct ntfs_item *t;

	if (i < 0)
		return i;
	t = &w->items[i];
	w->opens++;
	if (is_look ? t->look_error : t->content_error)
		return -(is_look ? t->look_error : t->content_error);
	if (access == NTFS_LIST && !(t->attributes & NTFS_ATTR_DIRECTORY))
		return -ENOTDIR;
	if (access == NTFS_READ && !stream && t->attributes & NTFS_ATTR_DIRECTORY)
		return -EISDIR;
	for (int h = 1; h < NTFS_WORLD_HANDLES; h++) {
		if (w->handles[h].is_open)
			continue;
		w->handles[h].is_open = true;
		w->handles[h].item = (unsigned)i;
		w->handles[h].next = 1;
		w->handles[h].stream = NULL;
		w->open_count++;
		if (!stream)
			return h;
		for (const char *const *s = t->streams; s && *s; s += 2)
			if (!strcmp(*s, stream))
				w->handles[h].stream = *s;
		if (w->handles[h].stream)
			return h;
		w->handles[h].is_open = false;
		w->open_count--;
		return -ENOENT;
	}
	return -EMFILE;
}

static inline void world_close(void *state, int handle)
{
	struct ntfs_world *w = state;

	if (handle <= 0)
		return;
	w->handles[handle].is_open = false;
	w->open_count--;
}

/* One entry in a class's form; its bytes, padded to the next one's place. */
static inline size_t world_put_entry(uint8_t *p, enum dir_class class,
				     const struct ntfs_item *t)
{
	size_t name_at = class == DIR_FULL ? 68 : class == DIR_ID_BOTH ? 104 : 114;
	size_t bytes, whole;

	memset(p, 0, name_at + 600);
	bytes = world_put_text(p + name_at, t->name);
	for (unsigned i = 0; i < 4; i++)
		world_put(p + 8 + (size_t)8 * i, t->times[i], 8);
	world_put(p + 40, t->size, 8);
	world_put(p + 48, t->allocated, 8);
	world_put(p + 56, t->attributes, 4);
	world_put(p + 60, bytes, 4);
	world_put(p + (class == DIR_ID_EXTD_BOTH ? 68 : 64), t->tag, 4);
	if (class != DIR_FULL)
		world_put(p + (class == DIR_ID_BOTH ? 96 : 72), t->id, 8);
	whole = (name_at + bytes + 7) & ~(size_t)7;
	world_put(p, whole, 4);
	return whole;
}

static inline int64_t world_entries(void *state, int dir, enum dir_class class,
				    const char *only, void *buffer, size_t size)
{
	struct ntfs_world *w = state;
	unsigned parent = w->handles[dir].item, made = 0, i;
	uint8_t *p = buffer, *last = NULL;

	w->class_asked[class]++;
	if (class > w->best)
		return -EINVAL;
	if (w->items[parent].entries_error)
		return -w->items[parent].entries_error;
	for (i = w->handles[dir].next; i < w->count && made < w->per_call; i++) {
		const struct ntfs_item *t = &w->items[i];

		if (t->parent != parent || (only && strcmp(only, t->name) != 0))
			continue;
		if ((size_t)(p - (uint8_t *)buffer) + 900 > size)
			break;
		last = p;
		p += world_put_entry(p, class, t);
		made++;
	}
	w->handles[dir].next = i;
	if (last)
		world_put(last, 0, 4);
	return last ? p - (uint8_t *)buffer - w->damage : 0;
}

static inline int64_t world_streams(const struct ntfs_item *t, uint8_t *p)
{
	uint8_t *begin = p, *last = p;

	memset(p, 0, 512);
	world_put(p + 4, world_put_text(p + 24, "::$DATA"), 4);
	p += 40;
	for (const char *const *s = t->streams; s && *s; s += 2) {
		char name[200];
		size_t n;

		(void)snprintf(name, sizeof name, ":%s:$DATA", *s);
		world_put(last, (uint64_t)(p - last), 4);
		last = p;
		memset(p, 0, 512);
		n = world_put_text(p + 24, name);
		world_put(p + 4, n, 4);
		world_put(p + 8, strlen(s[1]), 8);
		p += (24 + n + 7) & ~(size_t)7;
	}
	return p - begin;
}

static inline int64_t world_copy(void *buffer, size_t size, const uint8_t *bytes,
				 size_t n)
{
	if (!bytes)
		return -EINVAL;
	if (n > size)
		return -ERANGE;
	memcpy(buffer, bytes, n);
	return (int64_t)n;
}

static inline int64_t world_fact(void *state, int handle, enum ntfs_fact fact,
				 void *buffer, size_t size)
{
	const struct ntfs_world *w = state;
	const struct ntfs_item *t = &w->items[w->handles[handle].item];
	const char *content = world_content(w, handle);
	uint8_t *p = buffer;

	if (fact == NTFS_FACT_REPARSE)
		return world_copy(buffer, size, t->reparse, t->reparse_bytes);
	if (fact == NTFS_FACT_SECURITY)
		return world_copy(buffer, size, t->security, t->security_bytes);
	if (fact == NTFS_FACT_STREAMS)
		return t->attributes & NTFS_ATTR_DIRECTORY && !t->streams
			       ? 0
			       : world_streams(t, p);
	memset(p, 0, size);
	if (fact == NTFS_FACT_BASIC) {
		for (unsigned i = 0; i < 4; i++)
			world_put(p + (size_t)8 * i, t->times[i], 8);
		world_put(p + 32, t->attributes, 4);
		return 40;
	}
	if (fact == NTFS_FACT_STANDARD) {
		world_put(p, t->allocated, 8);
		world_put(p + 8, content ? strlen(content) : t->size, 8);
		world_put(p + 16, t->links, 4);
		return 24;
	}
	if (fact == NTFS_FACT_TAG) {
		world_put(p, t->attributes, 4);
		world_put(p + 4, t->tag, 4);
		return 8;
	}
	world_put(p + 28, NTFS_WORLD_VOLUME, 4);
	world_put(p + 32, t->size >> 32, 4);
	world_put(p + 36, t->size, 4);
	world_put(p + 40, t->links, 4);
	world_put(p + 44, t->id >> 32, 4);
	world_put(p + 48, t->id, 4);
	return 52;
}

static inline int64_t world_read(void *state, int file, void *buffer, size_t size,
				 uint64_t off)
{
	const char *content = world_content(state, file);
	size_t n = content ? strlen(content) : 0;

	n = off < n ? n - (size_t)off : 0;
	n = n < size ? n : size;
	if (n)
		memcpy(buffer, content + off, n);
	return (int64_t)n;
}

static const struct ntfs_source world_source = {
	.open = world_open,
	.entries = world_entries,
	.fact = world_fact,
	.read = world_read,
	.close = world_close,
};

static int world_call_open(void *w, int dir, const char *name, enum file_open how)
{
	return ntfs_files_open(&world_source, w, dir, name, how);
}

static int64_t world_call_entries(void *w, int dir, void *buffer, size_t size)
{
	return ntfs_files_entries(&world_source, w, dir, buffer, size);
}

static int world_call_query(void *w, int dir, const char *name, struct file_meta *m)
{
	return ntfs_files_query(&world_source, w, dir, name, m);
}

static int64_t world_call_link(void *w, int dir, const char *name, char *buffer,
			       size_t size)
{
	return ntfs_files_link(&world_source, w, dir, name, buffer, size);
}

static int64_t world_call_xattr(void *w, int dir, const char *name, const char *xattr,
				void *buffer, size_t size)
{
	return ntfs_files_xattr(&world_source, w, dir, name, xattr, buffer, size);
}

static int world_call_flags(void *w, int dir, const char *name, struct file_flags *f)
{
	(void)w;
	(void)dir;
	(void)name;
	(void)f;
	return -EOPNOTSUPP;
}

static const struct file_calls ntfs_world_calls = {
	.open = world_call_open,
	.entries = world_call_entries,
	.query = world_call_query,
	.link = world_call_link,
	.xattr = world_call_xattr,
	.flags = world_call_flags,
	.read = world_read,
	.close = world_close,
};

#endif
