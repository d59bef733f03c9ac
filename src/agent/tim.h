/* The prototype's line protocol, in bytes: its request becomes a call of our plugins, what they
 * answer becomes its answer.  Pure; the bytes are not trusted.
 *
 * A request is one line, base64 of {"plugin":NAME,"directive":NAME,"arguments":OBJECT or null}; an
 * answer is base64 of an object without a line end.  Any failure is {"error":TEXT}.
 *
 * Calling sequence: tim_parse(), then tim_request_fini() always; the answer's object by the plugin's
 * own results (tim_file() for each record of a listing); tim_encode().
 * Differences to the prototype, as agreed: `time_created` stays the change time under its wrong name,
 * the true times stand beside it in nanoseconds. */
#ifndef WEIR_AGENT_TIM_H
#define WEIR_AGENT_TIM_H

#include "base/compiler.h"
#include "weir/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum {
	TIM_LINE_MAX = 256 * 1024,
	/* Of all listings at a time, as JSON.  An answer is one piece, so it is made in memory; a
	 * controller takes 204,800 bytes of it (some 400 files), this is room for 100,000. */
	TIM_LISTING_MAX = 64 * 1024 * 1024,
};

enum tim_what {
	TIM_GETCWD,
	TIM_CHDIR,
	TIM_LISTDIR,
	TIM_START,
	TIM_STOP
};

struct tim_request {
	enum tim_what what;
	const char *plugin, *directive; /* of ours */
	json_t *arguments;              /* for ours */
};

/* Without the line's end, CR included or not.  An error's text is what the controller gets. */
int tim_parse(const char *line, size_t length, struct tim_request *r,
	      struct weir_error *err) MUST_CHECK;
void tim_request_fini(struct tim_request *r);

/* A record of `weir list` as the prototype's RECORD, with its path; NULL where it is none of a file.
 * *is_directory says into which list it goes: directories are their paths alone. */
json_t *tim_file(const json_t *record, bool *is_directory) MUST_CHECK;
/* Base64 of the object, *length bytes, to be freed with mem_free(); takes the object. */
char *tim_encode(json_t *answer, size_t *length) MUST_CHECK;
/* The same of an object that is text already. */
char *tim_encode_text(const char *text, size_t size, size_t *length) MUST_CHECK;

#endif
