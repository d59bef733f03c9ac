/* Comma-separated values after RFC 4180, with LF at the line's end so that one record is one line:
 * control and invalid bytes of names stand as \xNN, and the exact bytes in path_b64 then.
 * Columns that MFTECmd made known keep their meaning: copied, usec_zeros. */
#include "filesystem/form.h"

#include "filesystem/hints.h"
#include "filesystem/text.h"
#include "filesystem/volume.h"

#include <sys/stat.h>

static const char head[] =
	"path,path_b64,type,mode,permissions,uid,user,gid,group,size_bytes,allocated_bytes,links,"
	"inode,device,mount_id,born,modified,changed,accessed,copied,usec_zeros,attributes,target,"
	"md5,sha1,sha256,blake2b512,blake3,mime_by_name,hints,error\n";

/* Quoted where it must be: at most 8n + 2 bytes. */
static char *put_field(char *p, const char *s, size_t n)
{
	const uint8_t *b = (const uint8_t *)s, *end = b + n;
	uint32_t point;

	if (!n)
		return p;
	*p++ = '"';
	while (b < end) {
		unsigned length = text_utf8(b, (size_t)(end - b), &point);

		if (!length || *b < 0x20 || *b == 0x7f) {
			p = text_hex(TEXT_LIT(p, "\\x"), b++, 1);
			continue;
		}
		if (*b == '"')
			*p++ = '"';
		p = text_bytes(p, b, length);
		b += length;
	}
	*p++ = '"';
	return p;
}

static char *put_owner(char *p, const struct owner *o, uint32_t id)
{
	p = text_u64(p, id);
	*p++ = ',';
	if (o && o->length < 256)
		p = put_field(p, o->name, o->length);
	*p++ = ',';
	return p;
}

static char *put_time(struct form_state *s, char *p, const struct file_meta *m,
		      uint32_t bit, struct file_time t)
{
	*p++ = ',';
	return m->have & bit ? when_iso(&s->days, p, t) : p;
}

static char *put_truth(char *p, bool is_known, bool value)
{
	*p++ = ',';
	if (!is_known)
		return p;
	return value ? TEXT_LIT(p, "true") : TEXT_LIT(p, "false");
}

static char *put_meta(struct form_state *s, char *p, const struct record *r)
{
	const struct file_meta *m = &r->meta;
	bool has_both = (m->have & FILE_HAVE_BTIME) && (m->have & FILE_HAVE_MTIME);

	*p++ = ',';
	p = text_octal(p, m->mode & 07777);
	*p++ = ',';
	p = text_mode(p, m->mode);
	*p++ = ',';
	p = put_owner(p, owners_user(s->owners, m->uid), m->uid);
	p = put_owner(p, owners_group(s->owners, m->gid), m->gid);
	p = text_u64(p, m->size_bytes);
	*p++ = ',';
	p = text_u64(p, m->blocks * 512);
	*p++ = ',';
	if (m->have & FILE_HAVE_LINKS || !(m->have & FILE_HAVE_TYPE))
		p = text_u64(p, m->links);
	*p++ = ',';
	p = text_u64(p, m->inode);
	*p++ = ',';
	p = text_u64(p, m->dev_major);
	*p++ = ':';
	p = text_u64(p, m->dev_minor);
	*p++ = ',';
	p = text_u64(p, r->volume->mount_id);
	p = put_time(s, p, m, FILE_HAVE_BTIME, m->btime);
	p = put_time(s, p, m, FILE_HAVE_MTIME, m->mtime);
	p = put_time(s, p, m, FILE_HAVE_CTIME, m->ctime);
	p = put_time(s, p, m, FILE_HAVE_ATIME, m->atime);
	p = put_truth(p, has_both, when_compare(m->mtime, m->btime) < 0);
	p = put_truth(p, m->have & FILE_HAVE_MTIME, !m->mtime.ns);
	return p;
}

/* "immutable no_dump" out of a JSON array's text. */
static char *put_attributes(char *p, const struct record *r)
{
	char names[512], *end = form_attribute_names(
				 names, r->meta.attributes & r->meta.attributes_known);

	*p++ = ',';
	for (const char *q = names + 1; q < end - 1; q++)
		if (*q != '"')
			*p++ = *q == ',' ? ' ' : *q;
	return p;
}

static char *put_digests(char *p, const struct record *r)
{
	for (unsigned i = 0; i < DIGEST_KINDS; i++) {
		*p++ = ',';
		if (r->digests && r->digests->kinds & 1U << i)
			p = text_hex(p, r->digests->value[i], digest_bytes(i));
	}
	return p;
}

static void csv_file(struct form_state *s, struct out *o, const struct record *r)
{
	char *p = out_begin(o, 4096 + 10 * (r->length + r->target_length)), name[16];
	const char *type = record_type_name(record_type(r));

	if (!p) {
		out_end(o, NULL);
		return;
	}
	p = put_field(p, r->path, r->length);
	*p++ = ',';
	if (!text_is_clean(r->path, r->length))
		p = text_base64(p, r->path, r->length);
	*p++ = ',';
	p = text_bytes(p, type, strlen(type));
	p = r->has_meta ? put_meta(s, p, r) : TEXT_LIT(p, ",,,,,,,,,,,,,,,,,,");
	p = r->has_meta ? put_attributes(p, r) : TEXT_LIT(p, ",");
	*p++ = ',';
	if (r->target)
		p = put_field(p, r->target, r->target_length);
	p = put_digests(p, r);
	*p++ = ',';
	if (r->mime_name)
		p = text_bytes(p, r->mime_name, strlen(r->mime_name));
	*p++ = ',';
	p = hints_words(p, r->hints.bits);
	*p++ = ',';
	if (r->error) {
		const char *e = port_errno_name(r->error, name);
		p = text_bytes(p, e, strlen(e));
	}
	*p++ = '\n';
	out_end(o, p);
}

const struct form form_csv = { .name = "csv", .head = head, .file = csv_file };
