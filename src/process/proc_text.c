/* Texts of /proc: pure parsers of what a hostile process may have a say in (its name, its cgroup's). */
#include "process/facts.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum {
	FIELD_PARENT = 4,
	FIELD_START = 22,
	NUMBER_TEXT = 24
};

static bool take_number(const char *at, const char *end, uint64_t *value)
{
	char text[NUMBER_TEXT];
	size_t n = 0;

	while (at + n < end && n < sizeof text - 1 && isdigit((unsigned char)at[n])) {
		text[n] = at[n];
		n++;
	}
	text[n] = '\0';
	*value = strtoull(text, NULL, 10);
	return n > 0;
}

/* The name may hold blanks and parentheses: the last one closes it. */
bool proc_stat_parse(struct proc_stat *s, const char *text, size_t length)
{
	const char *open = memchr(text, '(', length), *end = text + length, *close, *p;
	uint64_t parent = 0;
	size_t name;

	close = open ? memrchr(open, ')', (size_t)(end - open)) : NULL;
	if (!close)
		return false;
	name = (size_t)(close - open - 1);
	name = name < sizeof s->name ? name : sizeof s->name - 1;
	memcpy(s->name, open + 1, name);
	s->name[name] = '\0';
	p = close;
	/* Behind the name comes field 3. */
	for (unsigned field = 3; field <= FIELD_START; field++) {
		p = memchr(p, ' ', (size_t)(end - p));
		if (!p)
			return false;
		p++;
		if (field == FIELD_PARENT && !take_number(p, end, &parent))
			return false;
	}
	s->parent_pid = (uint32_t)parent;
	return take_number(p, end, &s->start_ticks);
}

/* The line that begins with `name`, behind it; NULL. */
static const char *find_line(const char *text, size_t length, const char *name,
			     size_t *left)
{
	size_t n = strlen(name);

	while (length) {
		const char *newline = memchr(text, '\n', length);
		size_t line = newline ? (size_t)(newline - text) : length;

		if (line >= n && !memcmp(text, name, n)) {
			*left = line - n;
			return text + n;
		}
		if (!newline)
			break;
		text += line + 1;
		length -= line + 1;
	}
	return NULL;
}

static bool take_id(const char *text, size_t length, const char *name, uint32_t *id)
{
	size_t left;
	const char *p = find_line(text, length, name, &left);
	uint64_t value = 0;

	while (p && left && (*p == '\t' || *p == ' ')) {
		p++;
		left--;
	}
	if (!p || !take_number(p, p + left, &value))
		return false;
	*id = (uint32_t)value;
	return true;
}

bool proc_ids_parse(const char *text, size_t length, uint32_t *uid, uint32_t *gid)
{
	return take_id(text, length, "Uid:", uid) && take_id(text, length, "Gid:", gid);
}

static void copy_text(char *out, size_t size, const char *text, size_t length)
{
	size_t n = length < size - 1 ? length : size - 1;

	memcpy(out, text, n);
	out[n] = '\0';
}

void proc_cgroup_parse(const char *text, size_t length, char *path, size_t size,
		       char container[CONTAINER_ID])
{
	size_t left;
	const char *second = find_line(text, length, "0::", &left);

	path[0] = container[0] = '\0';
	if (second)
		copy_text(path, size, second, left);
	while (length && !container[0]) {
		const char *newline = memchr(text, '\n', length);
		size_t line = newline ? (size_t)(newline - text) : length;
		const char *first = memchr(text, ':', line);
		const char *colon =
			first ? memchr(first + 1, ':', line - (size_t)(first + 1 - text))
			      : NULL;
		char one[4096];

		if (colon) {
			copy_text(one, sizeof one, colon + 1,
				  line - (size_t)(colon + 1 - text));
			if (cgroup_container(one, container) || !path[0])
				copy_text(path, size, one, strlen(one));
		}
		text += line + (newline != NULL);
		length -= line + (newline != NULL);
	}
}
