/* The forms a record is written in.
 *
 * Calling sequence: a struct form_state of each thread's own (form_state_init()); form->file() writes
 * one record as whole lines to an out.  The jsonl form alone also carries a header and a summary
 * (filesystem/report.h); `head` is the first line of the forms that have one.
 * Facts: Sleuth Kit's body file 3.x as mactime 4.11 and plaso read it; RFC 8259; RFC 4180. */
#ifndef WEIR_FILESYSTEM_FORM_H
#define WEIR_FILESYSTEM_FORM_H

#include "filesystem/out.h"
#include "filesystem/owners.h"
#include "filesystem/record.h"
#include "filesystem/when.h"

enum {
	FORM_TIMES = 4,
	FORM_FOLDER_BYTES = 512,
};

/* A text made of two numbers, kept because the next file's is nearly always the same. */
struct form_memo {
	uint64_t a, b;
	uint16_t length; /* 0: none is kept */
	char text[900];
};

/* A time's text up to its nanoseconds. */
struct form_second {
	int64_t s; /* 0: none is kept */
	uint8_t ns_length, iso_length;
	char ns_text[32], iso_text[64];
};

/* The directory's part of a path, escaped. */
struct form_folder {
	size_t length, text_length;
	char bytes[FORM_FOLDER_BYTES], text[6 * FORM_FOLDER_BYTES];
};

struct form_state {
	struct when_days days;
	const struct owners *owners;
	const char *absent; /* body file: an absent time, "0" or "-1" */
	/* Texts kept from one record to the next. */
	struct form_memo mode, owner, device, mount, attributes;
	struct form_second seconds[FORM_TIMES];
	struct form_folder folder;
};

struct form {
	const char *name;
	const char *head;
	bool has_reports;
	void (*file)(struct form_state *s, struct out *o, const struct record *r);
};

extern const struct form form_jsonl, form_body, form_plaso, form_csv, form_table;

/* "jsonl", "bodyfile", "bodyfile-plaso", "csv", "table"; NULL where there is none. */
const struct form *form_find(const char *name);
void form_state_init(struct form_state *s, const struct owners *owners);
/* '["immutable","nodump"]': of the bits of a meta's attributes; at most 400 bytes. */
char *form_attribute_names(char *p, uint64_t bits);
/* The quota's flags ("immutable", "append", ...): at most 400 bytes. */
char *form_xflag_names(char *p, uint64_t bits);

#endif
