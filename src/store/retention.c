#include "store/retention.h"

#include "base/mem.h"
#include "store/regular.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

void retention_init(struct retention *r, const struct store_config *config)
{
	*r = (struct retention){ .keep_bytes = config->keep_bytes,
				 .keep_ns = config->keep_ns };
	if (r->keep_bytes || r->keep_ns)
		r->spare_bytes = config->rotate_bytes;
}

void retention_fini(struct retention *r)
{
	mem_free(r->all);
	r->all = NULL;
}

/* Room for one more: the space of those that went is used again first. */
static bool make_room(struct retention *r)
{
	struct retained *grown;

	if (r->first + r->count < r->capacity)
		return true;
	if (r->first > r->capacity / 2) {
		memmove(r->all, r->all + r->first, r->count * sizeof *r->all);
		r->first = 0;
		return true;
	}
	grown = mem_grow(r->all, r->capacity * 2 + 64, sizeof *r->all);
	if (!grown)
		return false;
	r->all = grown;
	r->capacity = r->capacity * 2 + 64;
	return true;
}

void retention_add(struct retention *r, const struct segment_facts *f,
		   const char sha256[HASH_HEX])
{
	struct retained *e;

	if ((!r->keep_bytes && !r->keep_ns) || !make_room(r))
		return;
	e = &r->all[r->first + r->count++];
	*e = (struct retained){ .number = f->number,
				.packets = f->packets,
				.file_bytes = f->file_bytes,
				.all_bytes = f->file_bytes + f->beside_bytes,
				.last_ns = f->last_ns };
	memcpy(e->name, f->name, sizeof e->name);
	memcpy(e->sha256, sha256, sizeof e->sha256);
	r->held_bytes += e->all_bytes;
}

const struct retained *retention_oldest(const struct retention *r)
{
	return r->count ? &r->all[r->first] : NULL;
}

const char *retention_reason(const struct retention *r, uint64_t open_bytes,
			     uint64_t free_bytes, int64_t now_ns)
{
	const struct retained *e = retention_oldest(r);

	if (!e)
		return NULL;
	if (r->keep_bytes && r->held_bytes + open_bytes > r->keep_bytes)
		return "keep_bytes";
	if (r->keep_ns && e->last_ns < now_ns - r->keep_ns)
		return "keep_age";
	if (free_bytes < r->spare_bytes)
		return "disk_full";
	return NULL;
}

void retention_pop(struct retention *r)
{
	r->held_bytes -= r->all[r->first].all_bytes;
	r->first++;
	r->count--;
	if (!r->count)
		r->first = 0;
}

/* As the functions below: 0, or why not, as an errno. */
static int remove_one(const struct disk *disk, int dir_fd, const char *name)
{
	if (!disk->remove(dir_fd, name) || errno == ENOENT)
		return 0;
	return errno ? errno : EIO;
}

/* One line of a list names a packet's file.  The list is ours, but lay open on the disk: only
 * names that we could have made are removed. */
static int remove_line(const struct disk *disk, int dir_fd, const char *line, size_t n,
		       bool is_pairs)
{
	json_t *one = json_loadb(line, n, JSON_REJECT_DUPLICATES, NULL);
	const char *file = json_string_value(json_object_get(one, "file"));
	size_t stem = file ? strspn(file, "0123456789-") : 0;
	int error = 0, second = 0;

	if (stem && stem < 40 && !strcmp(file + stem, is_pairs ? ".bin" : ".pkt")) {
		char other[64];

		error = remove_one(disk, dir_fd, file);
		(void)snprintf(other, sizeof other, "%.*s.json", (int)stem, file);
		if (is_pairs)
			second = remove_one(disk, dir_fd, other);
	}
	json_decref(one);
	return error ? error : second;
}

static int remove_listed(const struct disk *disk, int dir_fd, const char *list,
			 bool is_pairs)
{
	struct weir_error err = { .sys = 0 };
	int fd = regular_open(dir_fd, list, O_RDONLY, "list", &err), error = 0;
	FILE *f = fd >= 0 ? fdopen(fd, "r") : NULL;
	char line[1024];

	if (fd < 0)
		return err.sys ? err.sys : EINVAL; /* no regular file */
	if (!f) {
		error = errno;
		(void)close(fd);
		return error;
	}
	while (fgets(line, sizeof line, f)) {
		int one = remove_line(disk, dir_fd, line, strlen(line), is_pairs);

		error = error ? error : one;
	}
	(void)fclose(f);
	return error;
}

int retention_remove(const struct disk *disk, int dir_fd, const struct retained *e,
		     enum store_layout layout)
{
	int listed = 0, own;

	if (layout != STORE_SEGMENTS)
		listed = remove_listed(disk, dir_fd, e->name, layout == STORE_PAIRS);
	own = remove_one(disk, dir_fd, e->name);
	return own ? own : listed;
}
