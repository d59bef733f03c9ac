#include "base/cursor.h"
#include "port/ntfs_forms.h"

#include <inttypes.h>
#include <stdarg.h>

enum {
	SID_TEXT = 200,
	SELF_RELATIVE = 0x8000,
	DACL_PRESENT = 0x4,
	INHERIT_ONLY = 0x8, /* of an entry: it says nothing of what it stands at */
};

/* Rights to files and folders. */
enum {
	READ_DATA = 0x1,
	WRITE_DATA = 0x2, /* of a folder: to add a file */
	APPEND = 0x4,     /* of a folder: to add a folder */
	WRITE_EXTENDED = 0x10,
	REMOVE_WITHIN = 0x40,
	WRITE_ATTRIBUTES = 0x100, /* makes a link of it */
	REMOVE = 0x10000,         /* or rename */
	WRITE_RIGHTS = 0x40000,
	WRITE_OWNER = 0x80000,
	ALL = 0x10000000,
	WRITE = 0x40000000,
	CHANGE = REMOVE_WITHIN | WRITE_RIGHTS | WRITE_OWNER | ALL | REMOVE | WRITE_DATA |
		 APPEND | WRITE_EXTENDED | WRITE_ATTRIBUTES | WRITE,
};

#define READ    0x80000000U
#define CREATOR "S-1-3-0" /* stands for whoever makes what inherits the entry */

static uint32_t forbidden(enum ntfs_hold hold)
{
	switch (hold) {
	case NTFS_HOLD_ROOT:
		return REMOVE_WITHIN | WRITE_RIGHTS | WRITE_OWNER | ALL;
	case NTFS_HOLD_ABOVE:
		return REMOVE_WITHIN | WRITE_RIGHTS | WRITE_OWNER | ALL | REMOVE;
	case NTFS_HOLD_SECRET:
		return CHANGE | READ_DATA | READ;
	case NTFS_HOLD_ALL:
	default:
		return CHANGE;
	}
}

static bool PRINTF_LIKE(3, 4) fail(char *why, size_t size, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(why, size, format, ap);
	va_end(ap);
	return false;
}

static bool is_one_of(const char *const *all, const char *sid)
{
	for (; *all; all++)
		if (!strcmp(*all, sid))
			return true;
	return false;
}

/* What takes rights away; whatever else there is gives some. */
static bool is_denial(uint8_t type)
{
	return type == 1 || type == 6 || type == 10 || type == 12;
}

/* Behind the mask stands the SID, and at most a condition behind that. */
static bool has_plain_sid(uint8_t type)
{
	return type == 0 || type == 9;
}

/* What an entry says only of what is made in a folder matters where that is to be secret. */
static bool counts(enum ntfs_hold hold, uint8_t type, uint8_t flags)
{
	return !is_denial(type) && (hold == NTFS_HOLD_SECRET || !(flags & INHERIT_ONLY));
}

static bool check_entry(struct cursor *list, enum ntfs_hold hold,
			const char *const *trusted, char *why, size_t size)
{
	uint8_t type = cur_u8(list), flags = cur_u8(list);
	uint16_t length = cur_u16le(list);
	const uint8_t *body = length < 8 ? NULL : cur_bytes(list, length - 4U);
	char sid[SID_TEXT];
	const char *what;
	uint32_t mask;
	struct cursor c;

	if (!body || list->is_bad)
		return fail(why, size, "has a list of rights that cannot be read");
	cur_init(&c, body, length - 4U);
	mask = cur_u32le(&c);
	if (!counts(hold, type, flags) || !(mask & forbidden(hold)))
		return true;
	what = mask & CHANGE ? "changed" : "read";
	if (!has_plain_sid(type) || !ntfs_sid(c.at, cur_left(&c), sid, sizeof sid))
		return fail(why, size, "may be %s by others: by an entry of type %u",
			    what, type);
	if (is_one_of(trusted, sid) || (flags & INHERIT_ONLY && !strcmp(sid, CREATOR)))
		return true;
	return fail(why, size, "may be %s by others: by %s", what, sid);
}

static bool check_list(const uint8_t *bytes, size_t length, uint32_t off,
		       enum ntfs_hold hold, const char *const *trusted, char *why,
		       size_t size)
{
	uint16_t total, count;
	struct cursor c;

	if (!off)
		return fail(why, size,
			    "may be changed by others: it has no list of rights");
	if (off > length || length - off < 8)
		return fail(why, size, "has a list of rights that cannot be read");
	cur_init(&c, bytes + off, length - off);
	cur_skip(&c, 2);
	total = cur_u16le(&c);
	count = cur_u16le(&c);
	if (total < 8 || total > length - off)
		return fail(why, size, "has a list of rights that cannot be read");
	cur_init(&c, bytes + off + 8, total - 8U);
	for (unsigned i = 0; i < count; i++)
		if (!check_entry(&c, hold, trusted, why, size))
			return false;
	return true;
}

bool ntfs_is_held(const void *bytes, size_t length, enum ntfs_hold hold,
		  const char *const *trusted, char *why, size_t size)
{
	const uint8_t *at = bytes;
	uint32_t owner, list;
	char sid[SID_TEXT];
	uint16_t control;
	struct cursor c;

	cur_init(&c, bytes, length);
	cur_skip(&c, 2);
	control = cur_u16le(&c);
	owner = cur_u32le(&c);
	cur_skip(&c, 8); /* the group, the list for audits */
	list = cur_u32le(&c);
	if (c.is_bad || !(control & SELF_RELATIVE) || !owner || owner >= length ||
	    !ntfs_sid(at + owner, length - owner, sid, sizeof sid))
		return fail(why, size, "does not tell whose it is");
	/* Who owns it can give himself any right. */
	if (!is_one_of(trusted, sid))
		return fail(why, size, "belongs to %s", sid);
	return check_list(at, length, control & DACL_PRESENT ? list : 0, hold, trusted,
			  why, size);
}

bool ntfs_folder_of(char *path)
{
	char *last = strrchr(path, '\\');

	if (!path[0] || path[1] != ':' || !last || last < path + 2 || !path[3])
		return false;
	/* Of the root the separator is a part. */
	last[last == path + 2 ? 1 : 0] = '\0';
	return true;
}
