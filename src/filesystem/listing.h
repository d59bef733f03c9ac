/* Reading a listing that weir list wrote (jsonl), a line at a time, fast: only the members that a
 * timeline needs are kept, in whatever order they stand.  The bytes are not trusted: a listing is a
 * file from anywhere.
 *
 * Calling sequence: listing_parse() with a line without its newline and a buffer of at least twice
 * its length for what has to be decoded.
 * Ownership: the row points into the line and the buffer.  Threads: any.
 * Errors: false where the line is no JSON object of the form that weir-list(5) describes, or says one
 * member twice; *fault is where in the line. */
#ifndef WEIR_FILESYSTEM_LISTING_H
#define WEIR_FILESYSTEM_LISTING_H

#include "port/files.h"

enum listing_kind {
	LISTING_OTHER, /* no record, or one that only a newer weir knows */
	LISTING_HEADER,
	LISTING_FILE,
	LISTING_ERROR,
	LISTING_PROGRESS,
	LISTING_SUMMARY,
};

/* The members that a line had: bits of listing_row.has.  What has no bit there has no value, and its
 * 0 says nothing. */
enum listing_has {
	LISTING_HAS_RECORD = 1 << 0,
	LISTING_HAS_PATH = 1 << 1,
	LISTING_HAS_PATH_B64 = 1 << 2,
	LISTING_HAS_TYPE = 1 << 3,
	LISTING_HAS_PERMISSIONS = 1 << 4,
	LISTING_HAS_UID = 1 << 5,
	LISTING_HAS_USER = 1 << 6,
	LISTING_HAS_GID = 1 << 7,
	LISTING_HAS_GROUP = 1 << 8,
	LISTING_HAS_SIZE = 1 << 9,
	LISTING_HAS_INODE = 1 << 10,
	LISTING_HAS_MODIFIED = 1 << 11, /* the times in the order of enum listing_time */
	LISTING_HAS_ACCESSED = 1 << 12,
	LISTING_HAS_CHANGED = 1 << 13,
	LISTING_HAS_BORN = 1 << 14,
	LISTING_HAS_TARGET = 1 << 15,
	LISTING_HAS_TARGET_B64 = 1 << 16,
	LISTING_HAS_MD5 = 1 << 17,
	LISTING_HAS_SHA1 = 1 << 18,
	LISTING_HAS_SHA256 = 1 << 19,
	LISTING_HAS_COMPLETE = 1 << 20,
	LISTING_HAS_REASON = 1 << 21,
	LISTING_HAS_WRITTEN = 1 << 22,
	LISTING_HAS_FAILED_PATHS = 1 << 23,
	LISTING_HAS_FAILED_MOUNTS = 1 << 24,
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
	uint64_t size_bytes, inode, uid, gid; /* the last two fit 32 bits */
	unsigned has;                         /* bits of enum listing_has */
	unsigned has_time;                    /* bits 1 << enum listing_time */
	struct file_time times[LISTING_TIMES];
	/* Of the summary. */
	bool is_complete;
	struct listing_text reason;
	uint64_t written, failed_paths, failed_mounts;
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
