#include "filesystem/dirent.h"

enum {
	HEADER = 19
};

static bool read_one(struct cursor *c, struct dirent_entry *e)
{
	const uint8_t *p = c->at, *end;
	uint16_t length;

	if (cur_left(c) < HEADER) {
		c->is_bad = cur_left(c) != 0;
		return false;
	}
	memcpy(&e->inode, p, 8);
	memcpy(&length, p + 16, 2);
	e->type = p[18];
	if (length < HEADER + 2 || !cur_bytes(c, length)) {
		c->is_bad = true;
		return false;
	}
	e->name = (const char *)p + HEADER;
	end = memchr(e->name, '\0', (size_t)length - HEADER);
	if (!end) {
		c->is_bad = true;
		return false;
	}
	e->length = (size_t)(end - (p + HEADER));
	return true;
}

bool dirent_next(struct cursor *c, struct dirent_entry *e)
{
	while (read_one(c, e)) {
		if (!e->length || memchr(e->name, '/', e->length)) {
			c->is_bad = true;
			return false;
		}
		if (e->name[0] != '.' ||
		    (e->length != 1 && (e->length != 2 || e->name[1] != '.')))
			return true;
	}
	return false;
}

bool dirent_self(const uint8_t *bytes, size_t length, uint64_t *inode)
{
	const uint8_t *p = bytes, *end = bytes + length;
	uint16_t size;

	while (end - p >= HEADER + 2) {
		memcpy(&size, p + 16, 2);
		if (size < HEADER + 2 || size > end - p)
			return false;
		if (p[HEADER] == '.' && !p[HEADER + 1]) {
			memcpy(inode, p, 8);
			return true;
		}
		p += size;
	}
	return false;
}

uint8_t *dirent_put(uint8_t *p, uint64_t inode, uint8_t type, const char *name,
		    size_t length)
{
	uint16_t size = (uint16_t)DIRENT_ROOM(length);

	memset(p, 0, size);
	memcpy(p, &inode, 8);
	memcpy(p + 16, &size, 2);
	p[18] = type;
	memcpy(p + HEADER, name, length);
	return p + size;
}
