/* For people: one line a file, times in UTC to the second, names safe for a terminal. */
#include "filesystem/form.h"

#include "base/time.h"
#include "filesystem/hints.h"
#include "filesystem/text.h"

/* Ends at the column, at least one blank behind what is there. */
static char *pad(const char *start, char *p, size_t width)
{
	do {
		*p++ = ' ';
	} while ((size_t)(p - start) < width);
	return p;
}

static char *put_owner(char *p, const struct owner *o, uint32_t id)
{
	char *start = p;

	if (o && o->length <= 32)
		p = text_terminal(p, o->name, o->length);
	else
		p = text_u64(p, id);
	return pad(start, p, 9);
}

static char *put_meta(struct form_state *s, char *p, const struct record *r)
{
	const struct file_meta *m = &r->meta;
	char size[24], *end = text_u64(size, m->size_bytes);
	size_t digits = (size_t)(end - size);

	p = text_mode(p, m->mode);
	*p++ = ' ';
	p = put_owner(p, owners_user(s->owners, m->uid), m->uid);
	p = put_owner(p, owners_group(s->owners, m->gid), m->gid);
	for (size_t i = digits; i < 11; i++)
		*p++ = ' ';
	p = text_bytes(p, size, digits);
	*p++ = ' ';
	if (m->have & FILE_HAVE_MTIME) {
		char iso[WHEN_ISO_MAX], *iso_end = when_iso(&s->days, iso, m->mtime);

		p = text_bytes(p, iso, (size_t)(iso_end - iso) - 11);
		*p++ = 'Z';
	} else {
		p = TEXT_LIT(p, "-                   ");
	}
	return p;
}

static void table_file(struct form_state *s, struct out *o, const struct record *r)
{
	char *p = out_begin(o, 1024 + 10 * (r->length + r->target_length)), name[16],
	     *start;

	if (!p) {
		out_end(o, NULL);
		return;
	}
	start = p;
	if (r->has_meta) {
		p = put_meta(s, p, r);
	} else {
		p = TEXT_LIT(p, "??????????");
		p = pad(start, p, 61);
		p--;
	}
	*p++ = ' ';
	p = text_terminal(p, r->path, r->length);
	if (r->target) {
		p = TEXT_LIT(p, " -> ");
		p = text_terminal(p, r->target, r->target_length);
	}
	if (r->cover) {
		p = TEXT_LIT(p, " [mount: ");
		p = text_terminal(p, r->cover->type, strnlen(r->cover->type, 32));
		*p++ = ']';
	}
	if (r->hints.bits) {
		p = TEXT_LIT(p, " [");
		p = hints_words(p, r->hints.bits);
		*p++ = ']';
	}
	if (r->error) {
		const char *e = port_errno_name(r->error, name);

		p = TEXT_LIT(p, " [");
		p = text_bytes(p, e, strlen(e));
		*p++ = ']';
	}
	*p++ = '\n';
	out_end(o, p);
}

const struct form form_table = { .name = "table", .file = table_file };
