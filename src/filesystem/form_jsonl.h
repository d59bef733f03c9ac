/* Inside of the jsonl form: what its files share.  form_jsonl.c writes a record, form_jsonl_meta.c
 * what the system's query told, form_jsonl_xattrs.c the extended attributes.  Nobody else includes
 * this.
 *
 * Every function writes at p and returns the byte behind; room has been made by the caller:
 * JSONL_FIXED for everything of a record but names and attributes. */
#ifndef WEIR_FILESYSTEM_FORM_JSONL_H
#define WEIR_FILESYSTEM_FORM_JSONL_H

#include "filesystem/attributes.h"
#include "filesystem/form.h"
#include "filesystem/text.h"

enum {
	JSONL_FIXED = 4096,
	/* What attributes may need before the first of them is written. */
	JSONL_XATTRS = 3 * JSONL_FIXED + CAPABILITY_TEXT,
};

static inline char *jsonl_string(char *p, const char *s, size_t n)
{
	*p++ = '"';
	p = text_json(p, s, n);
	*p++ = '"';
	return p;
}

static inline char *jsonl_words(char *p, const char *s)
{
	return jsonl_string(p, s, strlen(s));
}

static inline char *jsonl_base64(char *p, const void *bytes, size_t n)
{
	*p++ = '"';
	p = text_base64(p, bytes, n);
	*p++ = '"';
	return p;
}

/* "NAME":"TEXT", and its exact bytes beside where it is no clean UTF-8. */
char *jsonl_name(char *p, const char *member, const char *s, size_t n);
/* name: `,"born`; both forms of one time. */
char *jsonl_time(struct form_state *s, char *p, const char *name, struct file_time t);
char *jsonl_meta(struct form_state *s, char *p, const struct record *r);
/* NULL without memory; else JSONL_FIXED bytes of room are left. */
char *jsonl_xattrs(struct form_state *s, struct out *o, char *p, const struct record *r);

#endif
