/* Metadata as JSON members.  Most of them are the same for neighbours: owner, mode, device, flags,
 * the second a tree was made in.  Their texts are kept from one record to the next, so that writing
 * is mostly copying. */
#include "filesystem/form_jsonl.h"

#include "filesystem/volume.h"

#include <sys/stat.h>

/* True when the text kept is the one for these two numbers; else they are noted for a new one. */
static bool is_kept(struct form_memo *m, uint64_t a, uint64_t b)
{
	if (m->length && m->a == a && m->b == b)
		return true;
	m->a = a;
	m->b = b;
	return false;
}

static void keep(struct form_memo *m, const char *end)
{
	m->length = (uint16_t)(end - m->text);
}

static char *put_memo(char *p, const struct form_memo *m)
{
	return text_bytes(p, m->text, m->length);
}

static char *put_mode(struct form_state *s, char *p, uint32_t mode)
{
	struct form_memo *m = &s->mode;

	if (!is_kept(m, mode, 0)) {
		char *q = TEXT_LIT(m->text, ",\"mode\":\"");

		q = text_octal(q, mode & 07777);
		q = TEXT_LIT(q, "\",\"permissions\":\"");
		q = text_mode(q, mode);
		*q++ = '"';
		keep(m, q);
	}
	return put_memo(p, m);
}

static char *put_owner(char *p, const struct owner *o, uint32_t id, const char *id_member,
		       const char *name_member)
{
	p = text_bytes(p, id_member, strlen(id_member));
	p = text_u64(p, id);
	if (o && o->length < 256) {
		p = text_bytes(p, name_member, strlen(name_member));
		p = jsonl_string(p, o->name, o->length);
	}
	return p;
}

static char *put_owners(struct form_state *s, char *p, const struct file_meta *f)
{
	struct form_memo *m = &s->owner;
	char *start = p;

	if (is_kept(m, f->uid, f->gid))
		return put_memo(p, m);
	p = put_owner(p, owners_user(s->owners, f->uid), f->uid,
		      ",\"uid\":", ",\"user\":");
	p = put_owner(p, owners_group(s->owners, f->gid), f->gid,
		      ",\"gid\":", ",\"group\":");
	m->length = 0;
	if ((size_t)(p - start) <= sizeof m->text)
		keep(m, text_bytes(m->text, start, (size_t)(p - start)));
	return p;
}

static char *put_device(char *p, uint32_t major, uint32_t minor)
{
	*p++ = '"';
	p = text_u64(p, major);
	*p++ = ':';
	p = text_u64(p, minor);
	*p++ = '"';
	return p;
}

/* Where the entry lies: device and mount. */
static char *put_place(struct form_state *s, char *p, const struct record *r)
{
	const struct file_meta *f = &r->meta;
	uint32_t type = f->mode & S_IFMT;
	bool is_special = type == S_IFCHR || type == S_IFBLK;
	struct form_memo *m = &s->device;

	if (!is_kept(m, (uint64_t)f->dev_major << 32 | f->dev_minor, 0)) {
		char *q = TEXT_LIT(m->text, ",\"device\":");

		keep(m, put_device(q, f->dev_major, f->dev_minor));
	}
	p = put_memo(p, m);
	if (is_special) {
		p = TEXT_LIT(p, ",\"special_device\":");
		p = put_device(p, f->rdev_major, f->rdev_minor);
	}
	m = &s->mount;
	if (!is_kept(m, r->volume->mount_id, 0)) {
		char *q = TEXT_LIT(m->text, ",\"mount_id\":");

		keep(m, text_u64(q, r->volume->mount_id));
	}
	p = put_memo(p, m);
	if (f->have & FILE_HAVE_SUBVOLUME) {
		p = TEXT_LIT(p, ",\"subvolume\":");
		p = text_u64(p, f->subvolume);
	}
	return p;
}

char *jsonl_time(struct form_state *s, char *p, const char *name, struct file_time t)
{
	size_t length = strlen(name);

	p = text_bytes(p, name, length);
	p = TEXT_LIT(p, "_ns\":");
	p = when_ns(p, t);
	p = text_bytes(p, name, length);
	p = TEXT_LIT(p, "\":\"");
	p = when_iso(&s->days, p, t);
	*p++ = '"';
	return p;
}

/* Everything of a time but its nanoseconds: `,"born_ns":1795401637` and `,"born":"2026-...:37.`. */
static void keep_second(struct form_state *s, struct form_second *k, const char *name,
			int64_t second)
{
	struct file_time whole = { .s = second, .ns = 0 };
	char *p = text_bytes(k->ns_text, name, strlen(name));

	p = TEXT_LIT(p, "_ns\":");
	p = text_u64(p, (uint64_t)second);
	k->ns_length = (uint8_t)(p - k->ns_text);
	p = text_bytes(k->iso_text, name, strlen(name));
	p = TEXT_LIT(p, "\":\"");
	p = when_iso(&s->days, p, whole) - 10; /* without "000000000Z" */
	k->iso_length = (uint8_t)(p - k->iso_text);
	k->s = second;
}

static char *put_time(struct form_state *s, char *p, unsigned i, struct file_time t)
{
	static const char *const names[FORM_TIMES] = { ",\"born", ",\"modified",
						       ",\"changed", ",\"accessed" };
	/* Seconds that print as ten digits or fewer: 1970 to 2286. */
	bool is_usual = t.s > 0 && t.s < INT64_C(10000000000);
	struct form_second *k = &s->seconds[i];
	char *digits;

	if (!is_usual)
		return jsonl_time(s, p, names[i], t);
	if (k->s != t.s)
		keep_second(s, k, names[i], t.s);
	p = text_bytes(p, k->ns_text, k->ns_length);
	digits = p;
	p = text_9(p, t.ns);
	p = text_bytes(p, k->iso_text, k->iso_length);
	p = text_bytes(p, digits, 9);
	return TEXT_LIT(p, "Z\"");
}

static char *put_times(struct form_state *s, char *p, const struct file_meta *m)
{
	if (m->have & FILE_HAVE_BTIME)
		p = put_time(s, p, 0, m->btime);
	if (m->have & FILE_HAVE_MTIME)
		p = put_time(s, p, 1, m->mtime);
	if (m->have & FILE_HAVE_CTIME)
		p = put_time(s, p, 2, m->ctime);
	if (m->have & FILE_HAVE_ATIME)
		p = put_time(s, p, 3, m->atime);
	return p;
}

static char *put_attributes(struct form_state *s, char *p, const struct file_meta *f)
{
	struct form_memo *m = &s->attributes;

	if (!is_kept(m, f->attributes, f->attributes_known)) {
		char *q = TEXT_LIT(m->text, ",\"attributes\":");

		q = form_attribute_names(q, f->attributes & f->attributes_known);
		q = TEXT_LIT(q, ",\"attributes_known\":");
		keep(m, form_attribute_names(q, f->attributes_known));
	}
	return put_memo(p, m);
}

/* Linux tells all of it of whatever it has metadata of; Windows not of what may not be opened. */
static bool has(const struct file_meta *m, uint32_t what)
{
	return m->have & what || !(m->have & FILE_HAVE_TYPE);
}

char *jsonl_meta(struct form_state *s, char *p, const struct record *r)
{
	const struct file_meta *m = &r->meta;

	/* Windows has neither. */
	if (has(m, FILE_HAVE_MODE))
		p = put_mode(s, p, m->mode);
	if (has(m, FILE_HAVE_UID))
		p = put_owners(s, p, m);
	p = TEXT_LIT(p, ",\"size_bytes\":");
	p = text_u64(p, m->size_bytes);
	if (m->have & FILE_HAVE_BLOCKS) {
		p = TEXT_LIT(p, ",\"allocated_bytes\":");
		p = text_u64(p, m->blocks * 512);
	}
	if (m->block_size || has(m, FILE_HAVE_MODE)) {
		p = TEXT_LIT(p, ",\"block_bytes\":");
		p = text_u64(p, m->block_size);
	}
	if (has(m, FILE_HAVE_LINKS)) {
		p = TEXT_LIT(p, ",\"links\":");
		p = text_u64(p, m->links);
	}
	if (has(m, FILE_HAVE_INODE)) {
		p = TEXT_LIT(p, ",\"inode\":");
		p = text_u64(p, m->inode);
	}
	p = put_place(s, p, r);
	p = put_times(s, p, m);
	return put_attributes(s, p, m);
}
