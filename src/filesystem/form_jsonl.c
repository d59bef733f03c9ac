/* The primary form: one JSON object a line, written by hand because this is where the time of a
 * listing that is not the system's goes.  weir-list(5) describes every member. */
#include "filesystem/form_jsonl.h"

#include "filesystem/follow.h"
#include "filesystem/hints.h"

#include <sys/stat.h>

char *jsonl_name(char *p, const char *member, const char *s, size_t n)
{
	*p++ = '"';
	p = text_bytes(p, member, strlen(member));
	p = TEXT_LIT(p, "\":");
	p = jsonl_string(p, s, n);
	if (!text_is_clean(s, n)) {
		p = TEXT_LIT(p, ",\"");
		p = text_bytes(p, member, strlen(member));
		p = TEXT_LIT(p, "_b64\":");
		p = jsonl_base64(p, s, n);
	}
	return p;
}

/* The directory's part of the path, which many files share, is escaped once.  False where it cannot
 * stand alone: it is long, or not clean, or does not end at a slash. */
static bool keep_folder(struct form_folder *f, const char *path, size_t length)
{
	if (f->length == length && !memcmp(f->bytes, path, length))
		return true;
	f->length = SIZE_MAX;
	if (!length || length > sizeof f->bytes || path[length - 1] != '/' ||
	    !text_is_clean(path, length))
		return false;
	memcpy(f->bytes, path, length);
	f->length = length;
	f->text_length = (size_t)(text_json(f->text, path, length) - f->text);
	return true;
}

static char *put_path(struct form_state *s, char *p, const struct record *r)
{
	const char *name = r->path + r->name_off;
	size_t n = r->length - r->name_off;

	if (!keep_folder(&s->folder, r->path, r->name_off) || !text_is_clean(name, n)) {
		p = TEXT_LIT(p, "{\"record\":\"file\",");
		return jsonl_name(p, "path", r->path, r->length);
	}
	p = TEXT_LIT(p, "{\"record\":\"file\",\"path\":\"");
	p = text_bytes(p, s->folder.text, s->folder.text_length);
	p = text_json(p, name, n);
	*p++ = '"';
	return p;
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
		p = jsonl_words(p, r->mime_name);
	}
	if (r->mime_content) {
		p = TEXT_LIT(p, ",\"mime_by_content\":");
		p = jsonl_words(p, r->mime_content);
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
		p = jsonl_words(p, m->field);
		*p++ = ':';
		p = jsonl_words(p,
				m->reason ? m->reason : port_errno_name(m->number, name));
	}
	*p++ = '}';
	return p;
}

static char *put_error(char *p, const struct record *r)
{
	char name[16];

	p = TEXT_LIT(p, ",\"error\":");
	p = jsonl_words(p, port_errno_name(r->error, name));
	p = TEXT_LIT(p, ",\"error_call\":");
	return jsonl_words(p, r->error_call);
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
	p = jsonl_string(p, m->type, strnlen(m->type, 32));
	p = TEXT_LIT(p, ",\"source\":");
	p = jsonl_string(p, m->source, n);
	*p++ = '}';
	return out_room(o, p, JSONL_FIXED);
}

/* Where a link leads, and whether what is there is listed behind its path. */
static char *put_followed(struct out *o, char *p, const struct followed *f)
{
	p = out_room(o, p, 8 * f->length + 512 + JSONL_FIXED);
	if (!p)
		return NULL;
	p = TEXT_LIT(p, ",\"followed\":{");
	p = jsonl_name(p, "path", f->path, f->length);
	if (f->meta.have & FILE_HAVE_TYPE) {
		p = TEXT_LIT(p, ",\"type\":");
		p = jsonl_words(p, record_type_name(f->meta.mode & S_IFMT));
		p = TEXT_LIT(p, ",\"inode\":");
		p = text_u64(p, f->meta.inode);
		p = TEXT_LIT(p, ",\"size_bytes\":");
		p = text_u64(p, f->meta.size_bytes);
		p = TEXT_LIT(p, ",\"device\":\"");
		p = text_u64(p, f->meta.dev_major);
		*p++ = ':';
		p = text_u64(p, f->meta.dev_minor);
		*p++ = '"';
	}
	if (f->is_entered) {
		p = TEXT_LIT(p, ",\"is_entered\":true}");
	} else {
		p = TEXT_LIT(p, ",\"is_entered\":false,\"reason\":");
		p = jsonl_words(p, f->reason ? f->reason : "unknown");
		*p++ = '}';
	}
	return p;
}

static void jsonl_file(struct form_state *s, struct out *o, const struct record *r)
{
	/* Six bytes a byte of a name, and the same again in base 64. */
	char *p = out_begin(o, JSONL_FIXED + 8 * (r->length + r->target_length) +
				       (r->attributes ? JSONL_XATTRS : 0));
	const char *type = record_type_name(record_type(r));

	if (!p) {
		out_end(o, NULL);
		return;
	}
	p = put_path(s, p, r);
	p = TEXT_LIT(p, ",\"type\":\"");
	p = text_bytes(p, type, strlen(type));
	*p++ = '"';
	if (r->has_meta) {
		p = jsonl_meta(s, p, r);
	} else if (r->dirent_inode) {
		p = TEXT_LIT(p, ",\"inode\":");
		p = text_u64(p, r->dirent_inode);
	}
	if (r->target) {
		*p++ = ',';
		p = jsonl_name(p, "target", r->target, r->target_length);
	}
	p = put_extras(p, r);
	if (r->followed)
		p = put_followed(o, p, r->followed);
	if (p && r->cover)
		p = put_cover(o, p, r);
	if (p && r->attributes)
		p = jsonl_xattrs(s, o, p, r);
	if (p && r->hints.bits)
		p = hints_json(o, p, &r->hints);
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
