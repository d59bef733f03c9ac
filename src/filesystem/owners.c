#include "filesystem/owners.h"

#include "base/mem.h"
#include "port/files.h"

#define FILE_LIMIT (16U << 20)

struct table {
	char *text;
	struct owner *rows; /* by id */
	size_t count;
};

struct owners {
	struct table users, groups;
};

static int by_id(const void *a, const void *b)
{
	const struct owner *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	/* Names stand in one text: the earlier line first. */
	return x->name < y->name ? -1 : x->name > y->name;
}

/* "name:password:id:..." */
static bool parse_line(char *line, struct owner *row)
{
	char *end = strchr(line, ':'), *id, *stop;
	unsigned long v;

	if (!end || end == line)
		return false;
	id = strchr(end + 1, ':');
	if (!id || id[1] < '0' || id[1] > '9')
		return false;
	v = strtoul(id + 1, &stop, 10);
	if ((*stop && *stop != ':') || v > UINT32_MAX)
		return false;
	*end = '\0';
	*row = (struct owner){ .id = (uint32_t)v, .name = line, .length = strlen(line) };
	return true;
}

static void load(struct table *t, const char *path)
{
	size_t length, lines = 1;
	char *line, *next;

	if (port_file_read(path, FILE_LIMIT, &t->text, &length, NULL))
		return;
	for (size_t i = 0; i < length; i++)
		lines += t->text[i] == '\n';
	t->rows = mem_new(lines, sizeof *t->rows);
	if (!t->rows)
		return;
	for (line = t->text; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (parse_line(line, &t->rows[t->count]))
			t->count++;
	}
	qsort(t->rows, t->count, sizeof *t->rows, by_id);
}

struct owners *owners_new(const char *passwd_path, const char *group_path)
{
	struct owners *o = mem_new(1, sizeof *o);

	if (o) {
		load(&o->users, passwd_path);
		load(&o->groups, group_path);
	}
	return o;
}

void owners_free(struct owners *o)
{
	if (!o)
		return;
	mem_free(o->users.text);
	mem_free(o->users.rows);
	mem_free(o->groups.text);
	mem_free(o->groups.rows);
	mem_free(o);
}

static const struct owner *find(const struct table *t, uint32_t id)
{
	size_t low = 0, high = t->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (t->rows[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < t->count && t->rows[low].id == id ? &t->rows[low] : NULL;
}

const struct owner *owners_user(const struct owners *o, uint32_t id)
{
	return find(&o->users, id);
}

const struct owner *owners_group(const struct owners *o, uint32_t id)
{
	return find(&o->groups, id);
}

static bool find_name(const struct table *t, const char *name, uint32_t *id)
{
	char *end;
	unsigned long v;

	for (size_t i = 0; i < t->count; i++) {
		if (!strcmp(t->rows[i].name, name)) {
			*id = t->rows[i].id;
			return true;
		}
	}
	if (name[0] < '0' || name[0] > '9')
		return false;
	v = strtoul(name, &end, 10);
	*id = (uint32_t)v;
	return !*end && v <= UINT32_MAX;
}

bool owners_find_user(const struct owners *o, const char *name, uint32_t *id)
{
	return find_name(&o->users, name, id);
}

bool owners_find_group(const struct owners *o, const char *name, uint32_t *id)
{
	return find_name(&o->groups, name, id);
}
