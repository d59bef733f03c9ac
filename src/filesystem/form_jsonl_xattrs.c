/* Extended attributes as JSON members, the well-known ones in words first. */
#include "filesystem/form_jsonl.h"

#include "filesystem/volume.h"

static char *put_acl(char *p, const char *member, const struct attribute *a)
{
	char text[1500];

	if (!acl_text(a->value, a->length, text, sizeof text))
		return p;
	*p++ = ',';
	p = jsonl_words(p, member);
	*p++ = ':';
	return jsonl_words(p, text);
}

static char *put_capability(char *p, const struct attribute *a)
{
	char text[CAPABILITY_TEXT];
	struct capability c;

	if (!capability_decode(a->value, a->length, &c))
		return p;
	capability_text(&c, text);
	p = TEXT_LIT(p, ",\"capabilities\":{\"text\":");
	p = jsonl_words(p, text);
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
	if (n->has_times && n->is_created_kept)
		p = jsonl_time(s, p, ",\"born", n->created);
	if (n->has_times && n->is_modified_kept)
		p = jsonl_time(s, p, ",\"modified", n->modified);
	if (n->has_times && n->is_accessed_kept)
		p = jsonl_time(s, p, ",\"accessed", n->accessed);
	if (n->has_times && n->is_record_changed_kept)
		p = jsonl_time(s, p, ",\"record_changed", n->record_changed);
	if (n->has_attributes) {
		p = TEXT_LIT(p, ",\"attributes\":[");
		for (unsigned bit = 0; bit < 32; bit++) {
			const char *name = ntfs_attribute_name(bit);

			if (!(n->attributes >> bit & 1) || !name)
				continue;
			if (!is_first)
				*p++ = ',';
			p = jsonl_words(p, name);
			is_first = false;
		}
		*p++ = ']';
	}
	if (a->sddl) {
		p = TEXT_LIT(p, ",\"sddl\":");
		p = jsonl_string(p, a->sddl, a->sddl_length);
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
		p = jsonl_string(p, (const char *)a->value, n);
	}
	return p;
}

/* One attribute as an object; its room has been made. */
static char *put_attribute(char *p, const struct attribute *a)
{
	char name[16];

	*p++ = '{';
	p = jsonl_name(p, "name", a->name, strlen(a->name));
	if (a->value) {
		p = TEXT_LIT(p, ",\"size_bytes\":");
		p = text_u64(p, a->length);
		p = TEXT_LIT(p, ",\"value_b64\":");
		p = jsonl_base64(p, a->value, a->length);
	} else {
		p = TEXT_LIT(p, ",\"error\":");
		p = jsonl_words(p, port_errno_name(a->error, name));
	}
	*p++ = '}';
	return p;
}

char *jsonl_xattrs(struct form_state *s, struct out *o, char *p, const struct record *r)
{
	const struct attributes *a = r->attributes;

	/* Most files have none. */
	if (!a->count && !a->is_cut && !r->volume->is_ntfs)
		return TEXT_LIT(p, ",\"xattrs\":[]");
	p = out_room(o, p, JSONL_XATTRS);
	if (!p)
		return NULL;
	if (a->access_acl)
		p = put_acl(p, "acl", a->access_acl);
	if (a->default_acl)
		p = put_acl(p, "default_acl", a->default_acl);
	if (a->capability)
		p = put_capability(p, a->capability);
	if (r->volume->is_ntfs) {
		p = out_room(o, p, JSONL_XATTRS + 6 * a->sddl_length);
		if (!p)
			return NULL;
		p = put_ntfs(s, p, a);
	}
	for (size_t i = 0; i < a->count; i++)
		if (a->rows[i].value && (p = out_room(o, p, 4000)) != NULL)
			p = put_label(p, &a->rows[i]);
	p = out_room(o, p, JSONL_FIXED);
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
	return out_room(o, p, JSONL_FIXED);
}
