/* Body files, in the two dialects that their readers force:
 *
 * mactime decodes %XX in every field and cannot be told any other way what a '|' or a newline in a
 * name is: '%' becomes %25, '|' %7C; control and invalid bytes become the text \xNN, because a
 * decoded newline would lose the line.  Times are whole seconds.
 * plaso undoes \xNN, \| and \\ and takes fractions of a second. */
#include "filesystem/form.h"

#include "filesystem/text.h"

#include <sys/stat.h>

/* At most 4n bytes. */
static char *put_mactime(char *p, const char *text, size_t n)
{
	const uint8_t *s = (const uint8_t *)text, *end = s + n;
	uint32_t point;

	while (s < end) {
		unsigned length;

		if (*s >= 0x20 && *s < 0x7f && *s != '%' && *s != '|') {
			*p++ = (char)*s++;
			continue;
		}
		length = text_utf8(s, (size_t)(end - s), &point);
		if (!length || *s < 0x20 || *s == 0x7f) {
			p = text_hex(TEXT_LIT(p, "\\x"), s++, 1);
		} else if (*s == '%' || *s == '|') {
			p = *s++ == '%' ? TEXT_LIT(p, "%25") : TEXT_LIT(p, "%7C");
		} else {
			p = text_bytes(p, s, length);
			s += length;
		}
	}
	return p;
}

static char *put_plaso(char *p, const char *text, size_t n)
{
	const uint8_t *s = (const uint8_t *)text, *end = s + n;
	uint32_t point;

	while (s < end) {
		unsigned length = text_utf8(s, (size_t)(end - s), &point);

		if (!length || *s < 0x20 || *s == 0x7f ||
		    (point >= 0x80 && point < 0xa0)) {
			p = text_hex(TEXT_LIT(p, "\\x"), s++, 1);
		} else if (*s == '\\' || *s == '|') {
			*p++ = '\\';
			*p++ = (char)*s++;
		} else {
			p = text_bytes(p, s, length);
			s += length;
		}
	}
	return p;
}

/* "r/rrwxr-xr-x"; a socket is "s/h" for those who read it. */
static char *put_mode(char *p, const struct record *r)
{
	static const char types[] = "-pc-d-b-r-l-s---";
	uint32_t type = record_type(r), mode = r->has_meta ? r->meta.mode : type;
	char letter = types[type >> 12 & 15];

	*p++ = letter;
	*p++ = '/';
	p = text_mode(p, mode);
	p[-10] = letter == 's' ? 'h' : letter;
	if (!r->has_meta)
		memset(p - 9, '-', 9);
	return p;
}

static char *put_time(const struct form_state *s, char *p, const struct record *r,
		      uint32_t bit, struct file_time t, bool with_fraction)
{
	*p++ = '|';
	if (!r->has_meta || !(r->meta.have & bit))
		return text_bytes(p, s->absent, strlen(s->absent));
	if (!with_fraction || !t.ns)
		return text_i64(p, t.s);
	/* Half a second before -1 is -1.5: the fraction counts away from zero for its reader. */
	if (t.s < 0) {
		*p++ = '-';
		p = text_u64(p, (uint64_t) - (t.s + 1));
		t.ns = 1000000000U - t.ns;
	} else {
		p = text_u64(p, (uint64_t)t.s);
	}
	*p++ = '.';
	return text_9(p, t.ns);
}

static char *put_md5(char *p, const struct record *r)
{
	if (r->digests && r->digests->kinds & 1U << DIGEST_MD5)
		return text_hex(p, r->digests->value[DIGEST_MD5], 16);
	*p++ = '0';
	return p;
}

static void body_line(struct form_state *s, struct out *o, const struct record *r,
		      bool is_plaso)
{
	char *(*put)(char *, const char *, size_t) = is_plaso ? put_plaso : put_mactime;
	char *p = out_begin(o, 512 + 4 * (r->length + r->target_length));
	const struct file_meta *m = &r->meta;

	if (!p) {
		out_end(o, NULL);
		return;
	}
	p = put_md5(p, r);
	*p++ = '|';
	p = put(p, r->path, r->length);
	if (r->target) {
		p = TEXT_LIT(p, " -> ");
		p = put(p, r->target, r->target_length);
	}
	*p++ = '|';
	p = text_u64(p, r->has_meta ? m->inode : r->dirent_inode);
	*p++ = '|';
	p = put_mode(p, r);
	*p++ = '|';
	p = text_u64(p, r->has_meta ? m->uid : 0);
	*p++ = '|';
	p = text_u64(p, r->has_meta ? m->gid : 0);
	*p++ = '|';
	p = text_u64(p, r->has_meta ? m->size_bytes : 0);
	p = put_time(s, p, r, FILE_HAVE_ATIME, m->atime, is_plaso);
	p = put_time(s, p, r, FILE_HAVE_MTIME, m->mtime, is_plaso);
	p = put_time(s, p, r, FILE_HAVE_CTIME, m->ctime, is_plaso);
	p = put_time(s, p, r, FILE_HAVE_BTIME, m->btime, is_plaso);
	*p++ = '\n';
	out_end(o, p);
}

static void body_file(struct form_state *s, struct out *o, const struct record *r)
{
	body_line(s, o, r, false);
}

static void plaso_file(struct form_state *s, struct out *o, const struct record *r)
{
	body_line(s, o, r, true);
}

const struct form form_body = {
	.name = "bodyfile",
	.head = "# weir: body file 3, mactime dialect: %25 and %7C in names, \\xNN for bytes that "
		"are no text\n",
	.file = body_file,
};

const struct form form_plaso = { .name = "bodyfile-plaso", .file = plaso_file };
