#include "port/ntfs_files.h"

#include "base/bytes.h"
#include "base/mem.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define CHUNK       65536
#define SDDL_NAME   "system.ntfs_sddl"
#define TIMES_NAME  "system.ntfs_times_be"
#define ATTRIB_NAME "system.ntfs_attrib_be"
#define STREAM      "user."

enum {
	BASIC_BYTES = 36, /* without what pads it */
	STANDARD_BYTES = 20,
	HANDLE_BYTES = 52,
	TAG_BYTES = 8,
	REPARSE_BYTES = 16384,
	KIND_FOLDER = 4,
	KIND_LINK = 10,
};

/* The richest first: the first has all that there is, the last is as old as Windows NT. */
static const enum dir_class classes[] = { DIR_ID_EXTD_BOTH, DIR_ID_BOTH, DIR_FULL };

/* A structure of a fixed length, whole. */
static int fixed_fact(const struct ntfs_source *s, void *state, int handle,
		      enum ntfs_fact fact, uint8_t *bytes, size_t least, size_t room)
{
	int64_t n = s->fact(state, handle, fact, bytes, room);

	return n < 0 ? (int)n : (size_t)n < least ? -EBADMSG : 0;
}

static uint32_t tag_of(const struct ntfs_source *s, void *state, int handle,
		       uint32_t *attributes)
{
	uint8_t b[TAG_BYTES];

	if (fixed_fact(s, state, handle, NTFS_FACT_TAG, b, sizeof b, sizeof b))
		return 0;
	*attributes = get_u32le(b);
	return *attributes & NTFS_ATTR_REPARSE ? get_u32le(b + 4) : 0;
}

int ntfs_files_open(const struct ntfs_source *s, void *state, int dir, const char *name,
		    enum file_open how)
{
	enum ntfs_access access = how == FILE_OPEN_DIRECTORY ? NTFS_LIST : NTFS_READ;
	int h = s->open(state, dir, name, access);
	uint32_t attributes = 0, tag;

	if (h < 0 || !*name)
		return h;
	tag = tag_of(s, state, h, &attributes);
	if (ntfs_dirent_type(attributes, tag) == KIND_LINK) {
		s->close(state, h);
		return -ELOOP;
	}
	return h;
}

/* Linux's form: inode, offset, length, kind, name (filesystem/dirent.h). */
static size_t put_entry(uint8_t *out, const struct dir_entry *e)
{
	size_t room = ((size_t)19 + e->length + 1 + 7) & ~(size_t)7;
	uint16_t record = (uint16_t)room;

	memset(out, 0, room);
	memcpy(out, &e->id, 8);
	memcpy(out + 16, &record, 2);
	out[18] = ntfs_dirent_type(e->attributes, e->reparse_tag);
	memcpy(out + 19, e->name, e->length);
	return room;
}

/* The next buffer in the best class that is there. */
static int64_t next_entries(const struct ntfs_source *s, void *state, int dir,
			    const char *only, struct dir_form *form, void *buffer,
			    size_t size)
{
	int64_t n = -EINVAL;

	for (size_t i = 0; i < ARRAY_LEN(classes) && n == -EINVAL; i++) {
		n = s->entries(state, dir, classes[i], only, buffer, size);
		if (n > 0)
			dir_form_init(form, classes[i], buffer, (size_t)n);
	}
	return n;
}

/* Entries become at most (3 * 255 + 20) / (104 + 2 * 255) times as long: a quarter of the room is
 * asked for, so that what the system handed out always fits. */
int64_t ntfs_files_entries(const struct ntfs_source *s, void *state, int dir,
			   void *buffer, size_t size)
{
	size_t part = size / 4 < CHUNK ? size / 4 : CHUNK, used = 0;
	uint8_t *bytes = mem_new(part, 1), *out = buffer;
	struct dir_entry *e = mem_new(1, sizeof *e);
	int64_t rc = bytes && e ? 1 : -ENOMEM;
	struct dir_form form;

	while (rc > 0 && !used) {
		rc = next_entries(s, state, dir, NULL, &form, bytes, part);
		while (rc > 0 && dir_form_next(&form, e))
			if (!memchr(e->name, '/', e->length) &&
			    size - used >= 19 + 8 + e->length)
				used += put_entry(out + used, e);
		if (rc > 0 && form.is_bad)
			rc = -EBADMSG;
	}
	mem_free(e);
	mem_free(bytes);
	return rc < 0 ? rc : (int64_t)used;
}

static void set_time(struct file_meta *m, uint32_t have, uint64_t units,
		     struct file_time *t)
{
	if (ntfs_time((int64_t)units, t))
		m->have |= have;
}

static void set_times(struct file_meta *m, uint64_t born, uint64_t accessed,
		      uint64_t modified, uint64_t changed)
{
	set_time(m, FILE_HAVE_BTIME, born, &m->btime);
	set_time(m, FILE_HAVE_ATIME, accessed, &m->atime);
	set_time(m, FILE_HAVE_MTIME, modified, &m->mtime);
	set_time(m, FILE_HAVE_CTIME, changed, &m->ctime);
}

static uint32_t mode_of(uint8_t kind)
{
	return kind == KIND_LINK ? S_IFLNK : kind == KIND_FOLDER ? S_IFDIR : S_IFREG;
}

static int meta_of_handle(const struct ntfs_source *s, void *state, int handle,
			  struct file_meta *m)
{
	uint8_t basic[40], standard[24], h[HANDLE_BYTES];
	uint32_t attributes, tag = 0;
	int rc = fixed_fact(s, state, handle, NTFS_FACT_BASIC, basic, BASIC_BYTES,
			    sizeof basic);

	if (!rc)
		rc = fixed_fact(s, state, handle, NTFS_FACT_HANDLE, h, HANDLE_BYTES,
				sizeof h);
	if (rc)
		return rc;
	*m = (struct file_meta){
		.have = FILE_HAVE_LINKS | FILE_HAVE_INODE | FILE_HAVE_SIZE |
			FILE_HAVE_TYPE,
		.links = get_u32le(h + 40),
		.inode = (uint64_t)get_u32le(h + 44) << 32 | get_u32le(h + 48),
		.size_bytes = (uint64_t)get_u32le(h + 32) << 32 | get_u32le(h + 36),
		.dev_minor = get_u32le(h + 28)
	};
	attributes = get_u32le(basic + 32);
	if (attributes & NTFS_ATTR_REPARSE)
		tag = tag_of(s, state, handle, &attributes);
	m->mode = mode_of(ntfs_dirent_type(attributes, tag));
	set_times(m, get_u64le(basic), get_u64le(basic + 8), get_u64le(basic + 16),
		  get_u64le(basic + 24));
	if (!fixed_fact(s, state, handle, NTFS_FACT_STANDARD, standard, STANDARD_BYTES,
			sizeof standard)) {
		m->have |= FILE_HAVE_BLOCKS;
		m->blocks = get_u64le(standard) / 512;
	}
	return 0;
}

static void meta_of_entry(const struct dir_entry *e, uint32_t volume, struct file_meta *m)
{
	*m = (struct file_meta){
		.have = FILE_HAVE_SIZE | FILE_HAVE_TYPE | FILE_HAVE_BLOCKS,
		.mode = mode_of(ntfs_dirent_type(e->attributes, e->reparse_tag)),
		.size_bytes = e->size_bytes,
		.blocks = e->allocated_bytes / 512,
		.inode = e->id,
		.dev_minor = volume
	};
	if (e->id)
		m->have |= FILE_HAVE_INODE;
	set_times(m, e->born, e->accessed, e->modified, e->changed);
}

/* The entry of that name, by a handle of its own: the folder's may be in the middle of a listing. */
static int find_entry(const struct ntfs_source *s, void *state, int list,
		      const char *name, struct dir_entry *e)
{
	uint8_t *bytes = mem_new(CHUNK, 1);
	struct dir_form form;
	int64_t n = -ENOMEM;

	if (bytes)
		n = next_entries(s, state, list, name, &form, bytes, CHUNK);
	if (n > 0) {
		bool is_it = dir_form_next(&form, e);

		n = is_it && !strcmp(e->name, name) ? 1 : form.is_bad ? -EBADMSG : 0;
	}
	mem_free(bytes);
	return n < 0 ? (int)n : n ? 0 : -ENOENT;
}

static int meta_of_folder(const struct ntfs_source *s, void *state, int dir,
			  const char *name, struct file_meta *m)
{
	struct dir_entry *e = mem_new(1, sizeof *e);
	uint8_t h[HANDLE_BYTES] = { 0 };
	int list = e ? s->open(state, dir, "", NTFS_LIST) : -ENOMEM;
	int rc = list < 0 ? list : find_entry(s, state, list, name, e);

	if (!rc) {
		/* Of the same volume: what leads to another one is a link. */
		if (fixed_fact(s, state, list, NTFS_FACT_HANDLE, h, sizeof h, sizeof h))
			memset(h, 0, sizeof h);
		meta_of_entry(e, get_u32le(h + 28), m);
	}
	if (list >= 0)
		s->close(state, list);
	mem_free(e);
	return rc;
}

int ntfs_files_query(const struct ntfs_source *s, void *state, int dir, const char *name,
		     struct file_meta *m)
{
	int h, rc;

	if (!*name)
		return meta_of_handle(s, state, dir, m);
	h = s->open(state, dir, name, NTFS_LOOK);
	if (h >= 0) {
		rc = meta_of_handle(s, state, h, m);
		s->close(state, h);
		return rc;
	}
	if ((h == -EACCES || h == -EPERM || h == -EBUSY) && strcmp(name, ".") != 0 &&
	    !meta_of_folder(s, state, dir, name, m))
		return 0;
	return h;
}

int64_t ntfs_files_link(const struct ntfs_source *s, void *state, int dir,
			const char *name, char *buffer, size_t size)
{
	int h = s->open(state, dir, name, NTFS_LOOK);
	uint8_t *data;
	uint32_t tag;
	int64_t n;

	if (h < 0)
		return h;
	data = mem_new(REPARSE_BYTES, 1);
	n = data ? s->fact(state, h, NTFS_FACT_REPARSE, data, REPARSE_BYTES) : -ENOMEM;
	if (n >= 0) {
		n = ntfs_reparse_target(data, (size_t)n, &tag, buffer, size);
		n = n < 0 ? -EBADMSG : n;
	}
	mem_free(data);
	s->close(state, h);
	return n;
}

static void put_u64be(uint8_t *p, uint64_t n)
{
	for (unsigned i = 0; i < 8; i++)
		p[i] = (uint8_t)(n >> (56 - 8 * i));
}

/* In the order of ntfs-3g: creation, modification, access, change. */
static int64_t read_times(const struct ntfs_source *s, void *state, int h, uint8_t *out,
			  size_t size)
{
	uint8_t b[40];
	int rc = size < 32 ? -ERANGE
			   : fixed_fact(s, state, h, NTFS_FACT_BASIC, b, BASIC_BYTES,
					sizeof b);

	if (rc)
		return rc;
	put_u64be(out, get_u64le(b));
	put_u64be(out + 8, get_u64le(b + 16));
	put_u64be(out + 16, get_u64le(b + 8));
	put_u64be(out + 24, get_u64le(b + 24));
	return 32;
}

static int64_t read_attributes(const struct ntfs_source *s, void *state, int h,
			       uint8_t *out, size_t size)
{
	uint8_t b[40];
	int rc = size < 4 ? -ERANGE
			  : fixed_fact(s, state, h, NTFS_FACT_BASIC, b, BASIC_BYTES,
				       sizeof b);

	for (unsigned i = 0; i < 4 && !rc; i++)
		out[i] = b[32 + 3 - i];
	return rc ? rc : 4;
}

/* What a decoder found, as this table tells it. */
static int64_t decoded(int64_t n)
{
	return n == WEIR_ERR_LIMIT ? -ERANGE : n < 0 ? -EBADMSG : n;
}

static int64_t read_sddl(const struct ntfs_source *s, void *state, int dir,
			 const char *name, char *out, size_t size)
{
	int h = s->open(state, dir, name, NTFS_RIGHTS);
	uint8_t *sd;
	int64_t n;

	if (h < 0)
		return h;
	sd = mem_new(CHUNK, 1);
	n = sd ? s->fact(state, h, NTFS_FACT_SECURITY, sd, CHUNK) : -ENOMEM;
	if (n >= 0)
		n = decoded(ntfs_sddl(sd, (size_t)n, out, size));
	mem_free(sd);
	s->close(state, h);
	return n;
}

/* The names: those of the streams, and the one of the rights. */
static int64_t list_names(const struct ntfs_source *s, void *state, int h, char *names,
			  size_t size)
{
	uint8_t *data = mem_new(CHUNK, 1);
	int64_t n = data ? s->fact(state, h, NTFS_FACT_STREAMS, data, CHUNK) : -ENOMEM;

	if (n >= 0)
		n = decoded(ntfs_stream_names(data, (size_t)n, STREAM, names, size));
	mem_free(data);
	if (n < 0)
		return n;
	if (size - (size_t)n < sizeof SDDL_NAME)
		return -ERANGE;
	memcpy(names + n, SDDL_NAME, sizeof SDDL_NAME);
	return n + (int64_t)sizeof SDDL_NAME;
}

static int64_t read_stream(const struct ntfs_source *s, void *state, int dir,
			   const char *name, const char *stream, void *buffer,
			   size_t size)
{
	size_t room = strlen(name) + strlen(stream) + 2;
	char *whole = mem_new(room, 1);
	uint8_t standard[24];
	int64_t n;
	int h;

	if (!whole)
		return -ENOMEM;
	/* A stream of the folder itself has no name before its colon. */
	(void)snprintf(whole, room, "%s:%s", strcmp(name, ".") != 0 ? name : "", stream);
	h = s->open(state, dir, whole, NTFS_READ);
	mem_free(whole);
	if (h < 0)
		return h;
	n = fixed_fact(s, state, h, NTFS_FACT_STANDARD, standard, STANDARD_BYTES,
		       sizeof standard);
	if (!n && get_u64le(standard + 8) > size)
		n = -ERANGE;
	if (!n)
		n = s->read(state, h, buffer, (size_t)get_u64le(standard + 8), 0);
	s->close(state, h);
	return n;
}

int64_t ntfs_files_xattr(const struct ntfs_source *s, void *state, int dir,
			 const char *name, const char *xattr, void *buffer, size_t size)
{
	int64_t n = -ENODATA;
	int h;

	if (xattr && !strncmp(xattr, STREAM, sizeof STREAM - 1))
		return read_stream(s, state, dir, name, xattr + sizeof STREAM - 1, buffer,
				   size);
	if (xattr && !strcmp(xattr, SDDL_NAME))
		return read_sddl(s, state, dir, name, buffer, size);
	h = s->open(state, dir, name, NTFS_LOOK);
	if (h < 0)
		return h;
	if (!xattr)
		n = list_names(s, state, h, buffer, size);
	else if (!strcmp(xattr, TIMES_NAME))
		n = read_times(s, state, h, buffer, size);
	else if (!strcmp(xattr, ATTRIB_NAME))
		n = read_attributes(s, state, h, buffer, size);
	s->close(state, h);
	return n;
}
