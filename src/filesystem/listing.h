/* Reading a listing that weir list wrote (jsonl), a line at a time, fast: only the members that a
 * timeline needs are kept.  The bytes are not trusted: a listing is a file from anywhere.
 *
 * Calling sequence: listing_parse() with a line without its newline and a buffer of at least twice
 * its length for what has to be decoded.
 * Ownership: the row points into the line and the buffer.  Threads: any.
 * Errors: false where the line is no JSON object of the form that weir-list(5) describes; *fault is
 * where in the line. */
#ifndef WEIR_FILESYSTEM_LISTING_H
#define WEIR_FILESYSTEM_LISTING_H

#include "port/files.h"

enum listing_kind {
	LISTING_OTHER, /* header, error, progress, summary, or what a newer weir writes */
	LISTING_HEADER,
	LISTING_FILE,
};

enum listing_time {
	LISTING_MODIFIED,
	LISTING_ACCESSED,
	LISTING_CHANGED,
	LISTING_BORN,
	LISTING_TIMES
};

struct listing_text {
	const char *bytes;
	size_t length;
};

struct listing_row {
	enum listing_kind kind;
	/* The exact bytes, from path_b64 where it is there. */
	struct listing_text path, target;
	struct listing_text type, permissions, user, group, md5, sha1, sha256;
	uint64_t size_bytes, inode, uid, gid;
	unsigned has_time; /* bits 1 << enum listing_time */
	struct file_time times[LISTING_TIMES];
};

enum {
	LISTING_GUESSES = 48,
	LISTING_GUESS_TEXT = 32,
	LISTING_GUESS_VALUE = 200,
};

/* What the last line's members were, in their order: the next line's are nearly always the same, and
 * need only be compared.  Zeroed at the start; NULL where nothing shall be remembered. */
struct listing_guess {
	const struct listing_member *member; /* NULL: of no interest */
	uint8_t length;                      /* of `"name":`; 0: nothing is known */
	uint8_t value_length;                /* of a value of no interest; 0: not kept */
	char text[LISTING_GUESS_TEXT];
	char value[LISTING_GUESS_VALUE];
};

bool listing_parse(const char *line, size_t length, char *buffer,
		   struct listing_guess guesses[LISTING_GUESSES], struct listing_row *row,
		   size_t *fault) MUST_CHECK;

#endif
