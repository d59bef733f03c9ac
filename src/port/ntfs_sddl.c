#include "base/cursor.h"
#include "port/ntfs_forms.h"

#include <inttypes.h>
#include <stdarg.h>

struct text {
	char *at;
	size_t left;
	bool is_full;
};

static void PRINTF_LIKE(2, 3) put(struct text *t, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(t->at, t->left, format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= t->left) {
		t->is_full = true;
		return;
	}
	t->at += n;
	t->left -= (size_t)n;
}

/* S-1-5-21-...; false where the bytes are none. */
static bool put_sid(struct text *t, struct cursor *c)
{
	uint8_t revision = cur_u8(c), count = cur_u8(c);
	uint64_t authority = (uint64_t)cur_u16be(c) << 32;

	authority |= cur_u32be(c);
	if (c->is_bad || revision != 1 || count > 15 || cur_left(c) < count * 4U)
		return false;
	put(t, authority > UINT32_MAX ? "S-1-0x%" PRIx64 : "S-1-%" PRIu64, authority);
	for (unsigned i = 0; i < count; i++)
		put(t, "-%" PRIu32, cur_u32le(c));
	return true;
}

bool ntfs_sid(const void *bytes, size_t length, char *text, size_t room)
{
	struct text t = { .at = text, .left = room };
	struct cursor c;

	if (!room)
		return false;
	*text = '\0';
	cur_init(&c, bytes, length);
	return put_sid(&t, &c) && !t.is_full;
}

static bool put_sid_at(struct text *t, const uint8_t *bytes, size_t length, uint32_t off)
{
	struct cursor c;

	if (off >= length)
		return false;
	cur_init(&c, bytes + off, length - off);
	return put_sid(t, &c);
}

/* Kinds of ACE whose SID stands right behind the mask. */
static const char *ace_name(uint8_t type)
{
	switch (type) {
	case 0:
		return "A";
	case 1:
		return "D";
	case 2:
		return "AU";
	case 0x11:
		return "ML";
	default:
		return NULL;
	}
}

static void put_ace_flags(struct text *t, uint8_t flags)
{
	static const char *const names[] = { "OI", "CI", "NP", "IO",
					     "ID", NULL, "SA", "FA" };

	for (unsigned bit = 0; bit < ARRAY_LEN(names); bit++)
		if (flags >> bit & 1 && names[bit])
			put(t, "%s", names[bit]);
}

/* Objects' and conditional ACEs are told by their number: "(0x9;;0x1f01ff;;;)". */
static bool put_ace(struct text *t, struct cursor *acl)
{
	uint8_t type = cur_u8(acl), flags = cur_u8(acl);
	uint16_t size = cur_u16le(acl);
	const uint8_t *body = size < 8 ? NULL : cur_bytes(acl, size - 4U);
	const char *name = ace_name(type);
	struct cursor c;
	bool is_good = true;

	if (!body || acl->is_bad)
		return false;
	cur_init(&c, body, size - 4U);
	if (name)
		put(t, "(%s;", name);
	else
		put(t, "(0x%x;", type);
	put_ace_flags(t, flags);
	put(t, ";0x%" PRIx32 ";;;", cur_u32le(&c));
	if (name)
		is_good = put_sid(t, &c);
	put(t, ")");
	return is_good;
}

/* control: the bits protected, auto-inherit-request, auto-inherited of this list. */
static bool put_acl(struct text *t, const uint8_t *bytes, size_t length, uint32_t off)
{
	struct cursor c;
	uint16_t size, count;

	if (off > length || length - off < 8)
		return false;
	cur_init(&c, bytes + off, length - off);
	cur_skip(&c, 2);
	size = cur_u16le(&c);
	count = cur_u16le(&c);
	cur_skip(&c, 2);
	if (size < 8 || size > length - off)
		return false;
	cur_init(&c, bytes + off + 8, size - 8U);
	for (unsigned i = 0; i < count; i++)
		if (!put_ace(t, &c))
			return false;
	return true;
}

enum {
	DACL_PRESENT = 0x4,
	SACL_PRESENT = 0x10,
	DACL_REQUEST = 0x100,
	DACL_INHERITED = 0x400,
	DACL_PROTECTED = 0x1000,
	SELF_RELATIVE = 0x8000,
};

static bool put_dacl(struct text *t, const uint8_t *bytes, size_t length,
		     uint16_t control, uint32_t off)
{
	put(t, "D:%s%s%s", control & DACL_PROTECTED ? "P" : "",
	    control & DACL_REQUEST ? "AR" : "", control & DACL_INHERITED ? "AI" : "");
	if (off)
		return put_acl(t, bytes, length, off);
	/* Present and nothing there: everybody may everything. */
	put(t, "NO_ACCESS_CONTROL");
	return true;
}

int64_t ntfs_sddl(const void *bytes, size_t length, char *text, size_t room)
{
	struct text t = { .at = text, .left = room };
	uint32_t owner, group, sacl, dacl;
	bool is_good = true;
	struct cursor c;
	uint16_t control;

	cur_init(&c, bytes, length);
	cur_skip(&c, 2);
	control = cur_u16le(&c);
	owner = cur_u32le(&c);
	group = cur_u32le(&c);
	sacl = cur_u32le(&c);
	dacl = cur_u32le(&c);
	if (c.is_bad || !(control & SELF_RELATIVE) || !room)
		return WEIR_ERR_FORMAT;
	*text = '\0';
	if (owner) {
		put(&t, "O:");
		is_good = put_sid_at(&t, bytes, length, owner);
	}
	if (group && is_good) {
		put(&t, "G:");
		is_good = put_sid_at(&t, bytes, length, group);
	}
	if (control & DACL_PRESENT && is_good)
		is_good = put_dacl(&t, bytes, length, control, dacl);
	if (control & SACL_PRESENT && sacl && is_good) {
		put(&t, "S:");
		is_good = put_acl(&t, bytes, length, sacl);
	}
	if (!is_good)
		return WEIR_ERR_FORMAT;
	return t.is_full ? WEIR_ERR_LIMIT : (int64_t)(t.at - text);
}
