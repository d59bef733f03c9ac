#include "filesystem/attributes.h"

#include "base/mem.h"
#include "port/ntfs_forms.h"

#include <errno.h>

#define NAMES_BYTES (64U << 10)
/* The kernel allocates as much as it is offered, for each call: most files have few or none. */
#define NAMES_FEW 512U
#define VALUE_FEW 1024U
/* A list of rights of 64 KiB at its largest; most take some hundred letters. */
#define SDDL_BYTES (256U << 10)

struct attributes *attributes_new(void)
{
	struct attributes *a = mem_new(1, sizeof *a);

	if (!a)
		return NULL;
	a->rows = mem_new(ATTRIBUTES_MAX, sizeof *a->rows);
	a->names = mem_new(NAMES_BYTES + 1, 1);
	a->values = mem_new(ATTRIBUTES_BYTES, 1);
	a->sddl_text = mem_new(SDDL_BYTES, 1);
	if (a->rows && a->names && a->values && a->sddl_text)
		return a;
	attributes_free(a);
	return NULL;
}

void attributes_free(struct attributes *a)
{
	if (!a)
		return;
	mem_free(a->rows);
	mem_free(a->names);
	mem_free(a->values);
	mem_free(a->sddl_text);
	mem_free(a);
}

/* Names end in NUL each; the last one is made to. */
static void split_names(struct attributes *a, size_t length)
{
	const char *p = a->names, *end = p + length;

	a->names[length] = '\0';
	while (p < end) {
		if (a->count == ATTRIBUTES_MAX) {
			a->is_cut = true;
			return;
		}
		if (*p)
			a->rows[a->count++] = (struct attribute){ .name = p };
		p += strlen(p) + 1;
	}
}

static void notice(struct attributes *a, const struct attribute *row)
{
	if (!strcmp(row->name, "system.ntfs_sddl")) {
		a->sddl = (const char *)row->value;
		a->sddl_length = row->length;
	}
	if (!strcmp(row->name, "system.posix_acl_access"))
		a->access_acl = row;
	else if (!strcmp(row->name, "system.posix_acl_default"))
		a->default_acl = row;
	else if (!strcmp(row->name, "security.capability"))
		a->capability = row;
}

static void read_ntfs(struct ntfs *n, const struct file_calls *calls, void *state,
		      int dir, const char *name)
{
	uint8_t b[64];
	int64_t got = calls->xattr(state, dir, name, "system.ntfs_times_be", b, sizeof b);

	if (got > 0 && !ntfs_decode_times(b, (size_t)got, n))
		n->has_times = false;
	got = calls->xattr(state, dir, name, "system.ntfs_attrib_be", b, sizeof b);
	if (got > 0 && ntfs_decode_attributes(b, (size_t)got, true, n))
		return;
	got = calls->xattr(state, dir, name, "system.ntfs_attrib", b, sizeof b);
	if (got > 0 && !ntfs_decode_attributes(b, (size_t)got, false, n))
		n->has_attributes = false;
}

/* ntfs-3g gives the descriptor as it stands on the disk; Windows' back end has made a text of it. */
static void read_sddl(struct attributes *a, const struct file_calls *calls, void *state,
		      int dir, const char *name, size_t used)
{
	uint8_t *b = a->values + used;
	size_t room = ATTRIBUTES_BYTES - used;
	int64_t n = room ? calls->xattr(state, dir, name, "system.ntfs_acl", b, room) : 0;

	if (n > 0)
		n = ntfs_sddl(b, (size_t)n, a->sddl_text, SDDL_BYTES);
	if (n > 0) {
		a->sddl = a->sddl_text;
		a->sddl_length = (size_t)n;
	}
}

/* With little room first, then with all there is. */
static int64_t ask(const struct file_calls *calls, void *state, int dir, const char *name,
		   const char *xattr, void *buffer, size_t size)
{
	size_t few = xattr ? VALUE_FEW : NAMES_FEW;
	int64_t n =
		calls->xattr(state, dir, name, xattr, buffer, few < size ? few : size);

	return n == -ERANGE && few < size
		       ? calls->xattr(state, dir, name, xattr, buffer, size)
		       : n;
}

int attributes_read(struct attributes *a, const struct file_calls *calls, void *state,
		    int dir, const char *name, bool is_ntfs)
{
	int64_t n = ask(calls, state, dir, name, NULL, a->names, NAMES_BYTES);
	size_t used = 0;

	a->count = 0;
	a->is_cut = false;
	a->access_acl = a->default_acl = a->capability = NULL;
	a->ntfs = (struct ntfs){ .has_times = false };
	a->sddl = NULL;
	a->sddl_length = 0;
	if (n < 0)
		return (int)n;
	split_names(a, (size_t)n);
	for (size_t i = 0; i < a->count; i++) {
		struct attribute *row = &a->rows[i];

		/* Asked with no room, the system would answer with the size alone. */
		n = used == ATTRIBUTES_BYTES
			    ? -ERANGE
			    : ask(calls, state, dir, name, row->name, a->values + used,
				  ATTRIBUTES_BYTES - used);
		if (n < 0) {
			row->error = (int)-n;
			a->is_cut |= row->error == ERANGE;
			continue;
		}
		row->value = a->values + used;
		row->length = (size_t)n;
		used += (size_t)n;
		notice(a, row);
	}
	if (is_ntfs)
		read_ntfs(&a->ntfs, calls, state, dir, name);
	if (is_ntfs && !a->sddl)
		read_sddl(a, calls, state, dir, name, used);
	return 0;
}
