#include "port/ntfs_forms.h"

#include "base/cursor.h"
#include "base/utf16.h"

/* 1601 to 1970. */
#define EPOCH_S INT64_C(11644473600)

enum {
	HEAD = 64, /* what all classes begin with */
	STREAM_HEAD = 24,
	TAG_MOUNT_POINT = (int)0xA0000003,
	TAG_SYMLINK = (int)0xA000000C,
	TAG_IS_LINK = 0x20000000, /* "name surrogate" */
};

void dir_form_init(struct dir_form *form, enum dir_class class, const void *bytes,
		   size_t length)
{
	*form = (struct dir_form){
		.bytes = bytes, .length = length, .class = class, .is_over = !length
	};
}

/* Where the name begins, and where the file's id and the reparse tag stand; 0: nowhere. */
static void offsets(enum dir_class class, size_t *name, size_t *id, size_t *tag)
{
	*id = *tag = 0;
	switch (class) {
	case DIR_FULL:
		*name = 68;
		break;
	case DIR_ID_BOTH:
		*name = 104;
		*id = 96;
		break;
	case DIR_ID_EXTD:
		*name = 88;
		*id = 72;
		*tag = 68;
		break;
	case DIR_ID_EXTD_BOTH:
	default:
		*name = 114;
		*id = 72;
		*tag = 68;
		break;
	}
}

static void read_head(const uint8_t *p, struct dir_entry *e)
{
	e->born = get_u64le(p + 8);
	e->accessed = get_u64le(p + 16);
	e->modified = get_u64le(p + 24);
	e->changed = get_u64le(p + 32);
	e->size_bytes = get_u64le(p + 40);
	e->allocated_bytes = get_u64le(p + 48);
	e->attributes = get_u32le(p + 56);
}

static bool read_name(const uint8_t *p, size_t bytes, struct dir_entry *e)
{
	int64_t n;

	if (!bytes || bytes % 2)
		return false;
	n = utf16_to_text(p, bytes / 2, e->name, sizeof e->name - 1);
	if (n < 0 || memchr(e->name, '\0', (size_t)n))
		return false;
	e->name[n] = '\0';
	e->length = (size_t)n;
	return true;
}

static bool fail(struct dir_form *form)
{
	form->is_bad = form->is_over = true;
	return false;
}

bool dir_form_next(struct dir_form *form, struct dir_entry *e)
{
	const uint8_t *p = form->bytes + form->at;
	size_t left = form->length - form->at, name, id, tag;
	uint32_t next, name_bytes;

	if (form->is_over)
		return false;
	offsets(form->class, &name, &id, &tag);
	if (left < name)
		return fail(form);
	next = get_u32le(p);
	name_bytes = get_u32le(p + 60);
	/* An entry ends before the next one begins, which is aligned. */
	if (name_bytes > left - name ||
	    (next && (next > left || next < name + name_bytes)))
		return fail(form);
	read_head(p, e);
	e->id = id ? get_u64le(p + id) : 0;
	e->id_high = id == 72 ? get_u64le(p + id + 8) : 0;
	/* Without a field of its own the tag stands where the size of the EAs does. */
	e->reparse_tag =
		e->attributes & NTFS_ATTR_REPARSE ? get_u32le(p + (tag ? tag : HEAD)) : 0;
	if (!read_name(p + name, name_bytes, e))
		return fail(form);
	form->at += next;
	form->is_over = !next;
	return true;
}

bool ntfs_tag_is_link(uint32_t tag)
{
	return tag & TAG_IS_LINK;
}

uint8_t ntfs_dirent_type(uint32_t attributes, uint32_t reparse_tag)
{
	/* wine shows a link with the tag 0. */
	if (attributes & NTFS_ATTR_REPARSE &&
	    (!reparse_tag || ntfs_tag_is_link(reparse_tag)))
		return 10;
	return attributes & NTFS_ATTR_DIRECTORY ? 4 : 8;
}

const char *ntfs_tag_name(uint32_t tag)
{
	static const struct {
		uint32_t tag;
		const char *name;
	} names[] = {
		{ 0xA0000003, "mount_point" },   { 0xA000000C, "symlink" },
		{ 0x80000013, "deduplicated" },  { 0x80000017, "compressed_by_wof" },
		{ 0x8000001B, "app_exec_link" }, { 0x80000023, "unix_socket" },
		{ 0xA000001D, "wsl_symlink" },   { 0x80000024, "wsl_fifo" },
		{ 0x9000001A, "cloud" },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].tag == tag)
			return names[i].name;
	return NULL;
}

bool ntfs_time(int64_t units, struct file_time *t)
{
	if (units <= 0)
		return false;
	*t = (struct file_time){ .s = units / 10000000 - EPOCH_S,
				 .ns = (uint32_t)(units % 10000000) * 100 };
	return true;
}

/* ":name:$DATA" without colons and kind; the length, 0 for the file's own content. */
static size_t stream_name(const char **text, size_t length)
{
	const char *p = *text, *end;

	if (!length || p[0] != ':')
		return 0;
	end = memchr(p + 1, ':', length - 1);
	*text = p + 1;
	return end ? (size_t)(end - p) - 1 : length - 1;
}

/* Puts prefix, name and NUL; the bytes, 0 for what is no alternate stream, or a negative code. */
static int64_t put_stream(const uint8_t *units, size_t bytes, const char *prefix,
			  char *out, size_t room)
{
	char text[NTFS_NAME_BYTES];
	const char *name = text;
	int64_t n = utf16_to_text(units, bytes / 2, text, sizeof text);
	size_t length;

	if (n < 0 || memchr(text, '\0', (size_t)n))
		return WEIR_ERR_FORMAT;
	length = stream_name(&name, (size_t)n);
	if (!length)
		return 0;
	if (strlen(prefix) + length + 1 > room)
		return WEIR_ERR_LIMIT;
	return snprintf(out, room, "%s%.*s", prefix, (int)length, name) + 1;
}

int64_t ntfs_stream_names(const void *bytes, size_t length, const char *prefix,
			  char *names, size_t room)
{
	const uint8_t *p = bytes;
	size_t used = 0;

	while (length) {
		uint32_t next, name_bytes;
		int64_t n;

		if (length < STREAM_HEAD)
			return WEIR_ERR_FORMAT;
		next = get_u32le(p);
		name_bytes = get_u32le(p + 4);
		if (name_bytes > length - STREAM_HEAD || name_bytes % 2 ||
		    next > length || (next && next < STREAM_HEAD + name_bytes))
			return WEIR_ERR_FORMAT;
		n = put_stream(p + STREAM_HEAD, name_bytes, prefix, names + used,
			       room - used);
		if (n < 0)
			return n;
		used += (size_t)n;
		if (!next)
			break;
		p += next;
		length -= next;
	}
	return (int64_t)used;
}

/* The text at an offset of the path buffer; cut, never in front. */
static int64_t path_text(const uint8_t *path, size_t left, uint16_t off, uint16_t bytes,
			 char *target, size_t room)
{
	char text[4096];
	int64_t n;

	if (off > left || bytes > left - off || bytes % 2)
		return WEIR_ERR_FORMAT;
	n = utf16_to_text(path + off, bytes / 2, text, sizeof text);
	if (n < 0)
		return WEIR_ERR_FORMAT;
	if ((size_t)n > room)
		n = (int64_t)room;
	memcpy(target, text, (size_t)n);
	return n;
}

int64_t ntfs_reparse_target(const void *bytes, size_t length, uint32_t *tag, char *target,
			    size_t room)
{
	uint16_t sub_off, sub_bytes, print_off, print_bytes;
	struct cursor c;

	cur_init(&c, bytes, length);
	*tag = cur_u32le(&c);
	cur_skip(&c, 4);
	if (c.is_bad)
		return WEIR_ERR_FORMAT;
	if (*tag != (uint32_t)TAG_SYMLINK && *tag != (uint32_t)TAG_MOUNT_POINT)
		return 0;
	sub_off = cur_u16le(&c);
	sub_bytes = cur_u16le(&c);
	print_off = cur_u16le(&c);
	print_bytes = cur_u16le(&c);
	if (*tag == (uint32_t)TAG_SYMLINK)
		cur_skip(&c, 4);
	if (c.is_bad)
		return WEIR_ERR_FORMAT;
	/* The name that is shown, where there is one; else the one that is used. */
	if (print_bytes)
		return path_text(c.at, cur_left(&c), print_off, print_bytes, target,
				 room);
	return path_text(c.at, cur_left(&c), sub_off, sub_bytes, target, room);
}
