/* The primary form: one JSON object a line, written by hand because this is where the time of a
 * listing that is not the system's goes.  weir-list(5) describes every member. */
#include "filesystem/form.h"

#include "filesystem/attributes.h"
#include "filesystem/hints.h"
#include "filesystem/text.h"
#include "filesystem/volume.h"

#include <sys/stat.h>

enum {
	FIXED_BOUND = 4096
};

static char *put_string(char *p, const char *s, size_t n)
{
	*p++ = '"';
	p = text_json(p, s, n);
	*p++ = '"';
	return p;
}

static char *put_words(char *p, const char *s)
{
	return put_string(p, s, strlen(s));
}

static char *put_base64(char *p, const void *bytes, size_t n)
{
	*p++ = '"';
	p = text_base64(p, bytes, n);
	*p++ = '"';
	return p;
}

/* "NAME":"TEXT", and its exact bytes beside where it is no clean UTF-8. */
static char *put_name(char *p, const char *member, const char *s, size_t n)
{
	*p++ = '"';
	p = text_bytes(p, member, strlen(member));
	p = TEXT_LIT(p, "\":");
	p = put_string(p, s, n);
	if (!text_is_clean(s, n)) {
		p = TEXT_LIT(p, ",\"");
		p = text_bytes(p, member, strlen(member));
		p = TEXT_LIT(p, "_b64\":");
		p = put_base64(p, s, n);
	}
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

/* name: `,"born`; both forms of one time. */
static char *put_time(struct form_state *s, char *p, const char *name, size_t length,
		      struct file_time t)
{
	p = text_bytes(p, name, length);
	p = TEXT_LIT(p, "_ns\":");
	p = when_ns(p, t);
	p = text_bytes(p, name, length);
	p = TEXT_LIT(p, "\":\"");
	p = when_iso(&s->days, p, t);
	*p++ = '"';
	return p;
}

#define PUT_TIME(s, p, name, t) put_time((s), (p), ",\"" name, sizeof(name) + 1, (t))

static char *put_times(struct form_state *s, char *p, const struct file_meta *m)
{
	if (m->have & FILE_HAVE_BTIME)
		p = PUT_TIME(s, p, "born", m->btime);
	if (m->have & FILE_HAVE_MTIME)
		p = PUT_TIME(s, p, "modified", m->mtime);
	if (m->have & FILE_HAVE_CTIME)
		p = PUT_TIME(s, p, "changed", m->ctime);
	if (m->have & FILE_HAVE_ATIME)
		p = PUT_TIME(s, p, "accessed", m->atime);
	return p;
}

static char *put_owner(char *p, const struct owner *o, uint32_t id, const char *id_member,
		       const char *name_member)
{
	p = text_bytes(p, id_member, strlen(id_member));
	p = text_u64(p, id);
	if (o && o->length < 256) {
		p = text_bytes(p, name_member, strlen(name_member));
		p = put_string(p, o->name, o->length);
	}
	return p;
}

static char *put_attributes(struct form_state *s, char *p, const struct file_meta *m)
{
	if (s->attributes != m->attributes ||
	    s->attributes_known != m->attributes_known) {
		char *q = s->attributes_text;

		q = TEXT_LIT(q, ",\"attributes\":");
		q = form_attribute_names(q, m->attributes & m->attributes_known);
		q = TEXT_LIT(q, ",\"attributes_known\":");
		q = form_attribute_names(q, m->attributes_known);
		s->attributes_length = (size_t)(q - s->attributes_text);
		s->attributes = m->attributes;
		s->attributes_known = m->attributes_known;
	}
	return text_bytes(p, s->attributes_text, s->attributes_length);
}

static char *put_meta(struct form_state *s, char *p, const struct record *r)
{
	const struct file_meta *m = &r->meta;
	uint32_t type = m->mode & S_IFMT;

	p = TEXT_LIT(p, ",\"mode\":\"");
	p = text_octal(p, m->mode & 07777);
	p = TEXT_LIT(p, "\",\"permissions\":\"");
	p = text_mode(p, m->mode);
	*p++ = '"';
	p = put_owner(p, owners_user(s->owners, m->uid), m->uid,
		      ",\"uid\":", ",\"user\":");
	p = put_owner(p, owners_group(s->owners, m->gid), m->gid,
		      ",\"gid\":", ",\"group\":");
	p = TEXT_LIT(p, ",\"size_bytes\":");
	p = text_u64(p, m->size_bytes);
	if (m->have & FILE_HAVE_BLOCKS) {
		p = TEXT_LIT(p, ",\"allocated_bytes\":");
		p = text_u64(p, m->blocks * 512);
	}
	p = TEXT_LIT(p, ",\"block_bytes\":");
	p = text_u64(p, m->block_size);
	p = TEXT_LIT(p, ",\"links\":");
	p = text_u64(p, m->links);
	p = TEXT_LIT(p, ",\"inode\":");
	p = text_u64(p, m->inode);
	p = TEXT_LIT(p, ",\"device\":");
	p = put_device(p, m->dev_major, m->dev_minor);
	if (type == S_IFCHR || type == S_IFBLK) {
		p = TEXT_LIT(p, ",\"special_device\":");
		p = put_device(p, m->rdev_major, m->rdev_minor);
	}
	p = TEXT_LIT(p, ",\"mount_id\":");
	p = text_u64(p, r->volume->mount_id);
	if (m->have & FILE_HAVE_SUBVOLUME) {
		p = TEXT_LIT(p, ",\"subvolume\":");
		p = text_u64(p, m->subvolume);
	}
	p = put_times(s, p, m);
	return put_attributes(s, p, m);
}

/* The few words that any file may have: at most some 1500 bytes. */
static char *put_extras(char *p, const struct record *r)
{
	if (r->has_flags) {
		p = TEXT_LIT(p, ",\"flags\":");
		p = form_xflag_names(p, r->flags.xflags);
		p = TEXT_LIT(p, ",\"project_id\":");
		p = text_u64(p, r->flags.project);
	}
	for (unsigned i = 0; r->digests && i < DIGEST_KINDS; i++) {
		if (!(r->digests->kinds & 1U << i))
			continue;
		p = TEXT_LIT(p, ",\"");
		p = text_bytes(p, digest_name(i), strlen(digest_name(i)));
		p = TEXT_LIT(p, "\":\"");
		p = text_hex(p, r->digests->value[i], digest_bytes(i));
		*p++ = '"';
	}
	if (r->has_changed_while_read)
		p = TEXT_LIT(p, ",\"changed_while_read\":true");
	if (r->mime_name) {
		p = TEXT_LIT(p, ",\"mime_by_name\":");
		p = put_words(p, r->mime_name);
	}
	if (r->mime_content) {
		p = TEXT_LIT(p, ",\"mime_by_content\":");
		p = put_words(p, r->mime_content);
	}
	return p;
}

static char *put_missing(char *p, const struct record *r)
{
	char name[16];

	p = TEXT_LIT(p, ",\"missing\":{");
	for (unsigned i = 0; i < r->missing_count; i++) {
		const struct missing *m = &r->missing[i];

		if (i)
			*p++ = ',';
		p = put_words(p, m->field);
		*p++ = ':';
		p = put_words(p,
			      m->reason ? m->reason : port_errno_name(m->number, name));
	}
	*p++ = '}';
	return p;
}

static char *put_error(char *p, const struct record *r)
{
	char name[16];

	p = TEXT_LIT(p, ",\"error\":");
	p = put_words(p, port_errno_name(r->error, name));
	p = TEXT_LIT(p, ",\"error_call\":");
	return put_words(p, r->error_call);
}

static char *put_cover(struct out *o, char *p, const struct record *r)
{
	const struct mount_row *m = r->cover;
	size_t n = strlen(m->source);

	p = out_room(o, p, 6 * n + 512);
	if (!p)
		return NULL;
	p = TEXT_LIT(p, ",\"covered_by\":{\"mount_id\":");
	p = text_u64(p, m->id);
	p = TEXT_LIT(p, ",\"file_system\":");
	p = put_string(p, m->type, strnlen(m->type, 32));
	p = TEXT_LIT(p, ",\"source\":");
	p = put_string(p, m->source, n);
	*p++ = '}';
	return out_room(o, p, FIXED_BOUND);
}

static char *put_acl(char *p, const char *member, const struct attribute *a)
{
	char text[1500];

	if (!acl_text(a->value, a->length, text, sizeof text))
		return p;
	*p++ = ',';
	p = put_words(p, member);
	*p++ = ':';
	return put_words(p, text);
}

static char *put_capability(char *p, const struct attribute *a)
{
	char text[CAPABILITY_TEXT];
	struct capability c;

	if (!capability_decode(a->value, a->length, &c))
		return p;
	capability_text(&c, text);
	p = TEXT_LIT(p, ",\"capabilities\":{\"text\":");
	p = put_words(p, text);
	p = TEXT_LIT(p, ",\"revision\":");
	p = text_u64(p, c.revision);
	if (c.has_root) {
		p = TEXT_LIT(p, ",\"root_uid\":");
		p = text_u64(p, c.root);
	}
	*p++ = '}';
	return p;
}

/* The alternate streams, which are user.NAME attributes, are told by how many they are: each stands
 * in xattrs with its bytes. */
static char *put_ntfs(struct form_state *s, char *p, const struct attributes *a)
{
	const struct ntfs *n = &a->ntfs;
	bool is_first = true;
	uint64_t streams = 0;

	for (size_t i = 0; i < a->count; i++)
		streams += !strncmp(a->rows[i].name, "user.", 5);
	p = TEXT_LIT(p, ",\"ntfs\":{\"stream_count\":");
	p = text_u64(p, streams);
	if (n->has_times) {
		p = PUT_TIME(s, p, "born", n->created);
		p = PUT_TIME(s, p, "modified", n->modified);
		p = PUT_TIME(s, p, "accessed", n->accessed);
		p = PUT_TIME(s, p, "record_changed", n->record_changed);
	}
	if (n->has_attributes) {
		p = TEXT_LIT(p, ",\"attributes\":[");
		for (unsigned bit = 0; bit < 32; bit++) {
			const char *name = ntfs_attribute_name(bit);

			if (!(n->attributes >> bit & 1) || !name)
				continue;
			if (!is_first)
				*p++ = ',';
			p = put_words(p, name);
			is_first = false;
		}
		*p++ = ']';
	}
	*p++ = '}';
	return p;
}

/* Labels of the security modules, as text where they are text. */
static char *put_label(char *p, const struct attribute *a)
{
	static const struct {
		const char *name, *member;
	} rows[] = {
		{ "security.selinux", "selinux" },
		{ "security.SMACK64", "smack" },
		{ "security.apparmor", "apparmor" },
	};

	size_t n = a->length;

	if (n && !a->value[n - 1])
		n--;
	if (n > 500)
		return p;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strcmp(a->name, rows[i].name) != 0)
			continue;
		p = TEXT_LIT(p, ",\"label_");
		p = text_bytes(p, rows[i].member, strlen(rows[i].member));
		p = TEXT_LIT(p, "\":");
		p = put_string(p, (const char *)a->value, n);
	}
	return p;
}

/* One attribute as an object; its room has been made. */
static char *put_attribute(char *p, const struct attribute *a)
{
	char name[16];

	*p++ = '{';
	p = put_name(p, "name", a->name, strlen(a->name));
	if (a->value) {
		p = TEXT_LIT(p, ",\"size_bytes\":");
		p = text_u64(p, a->length);
		p = TEXT_LIT(p, ",\"value_b64\":");
		p = put_base64(p, a->value, a->length);
	} else {
		p = TEXT_LIT(p, ",\"error\":");
		p = put_words(p, port_errno_name(a->error, name));
	}
	*p++ = '}';
	return p;
}

static char *put_xattrs(struct form_state *s, struct out *o, char *p,
			const struct record *r)
{
	const struct attributes *a = r->attributes;

	p = out_room(o, p, 3 * FIXED_BOUND + CAPABILITY_TEXT);
	if (!p)
		return NULL;
	if (a->access_acl)
		p = put_acl(p, "acl", a->access_acl);
	if (a->default_acl)
		p = put_acl(p, "default_acl", a->default_acl);
	if (a->capability)
		p = put_capability(p, a->capability);
	if (r->volume->is_ntfs)
		p = put_ntfs(s, p, a);
	for (size_t i = 0; i < a->count; i++)
		if (a->rows[i].value && (p = out_room(o, p, 4000)) != NULL)
			p = put_label(p, &a->rows[i]);
	p = out_room(o, p, FIXED_BOUND);
	if (!p)
		return NULL;
	p = TEXT_LIT(p, ",\"xattrs\":[");
	for (size_t i = 0; i < a->count; i++) {
		size_t n = strlen(a->rows[i].name);

		p = out_room(o, p, 8 * n + TEXT_BASE64(a->rows[i].length) + 256);
		if (!p)
			return NULL;
		if (i)
			*p++ = ',';
		p = put_attribute(p, &a->rows[i]);
	}
	*p++ = ']';
	if (a->is_cut)
		p = TEXT_LIT(p, ",\"xattrs_cut\":true");
	return out_room(o, p, FIXED_BOUND);
}

static void jsonl_file(struct form_state *s, struct out *o, const struct record *r)
{
	/* Six bytes a byte of a name, and the same again in base 64. */
	char *p = out_begin(o, FIXED_BOUND + 8 * (r->length + r->target_length));
	const char *type = record_type_name(record_type(r));

	if (!p) {
		out_end(o, NULL);
		return;
	}
	p = TEXT_LIT(p, "{\"record\":\"file\",");
	p = put_name(p, "path", r->path, r->length);
	p = TEXT_LIT(p, ",\"type\":\"");
	p = text_bytes(p, type, strlen(type));
	*p++ = '"';
	if (r->has_meta) {
		p = put_meta(s, p, r);
	} else if (r->dirent_inode) {
		p = TEXT_LIT(p, ",\"inode\":");
		p = text_u64(p, r->dirent_inode);
	}
	if (r->target) {
		*p++ = ',';
		p = put_name(p, "target", r->target, r->target_length);
	}
	p = put_extras(p, r);
	if (r->cover)
		p = put_cover(o, p, r);
	if (p && r->attributes)
		p = put_xattrs(s, o, p, r);
	if (p && r->hints)
		p = hints_json(o, p, r);
	if (p && r->missing_count)
		p = put_missing(p, r);
	if (p && r->error)
		p = put_error(p, r);
	if (p)
		p = TEXT_LIT(p, "}\n");
	out_end(o, p);
}

const struct form form_jsonl = { .name = "jsonl",
				 .has_reports = true,
				 .file = jsonl_file };
