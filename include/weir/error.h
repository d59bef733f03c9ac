/* Errors: one enum for the whole of weir, and a place for the words.
 *
 * Calling sequence: a function that can fail returns 0 or a negative `enum weir_err`.  Where the
 * caller may want to tell a person what happened, it takes a `struct weir_error *` as its last
 * argument (NULL is allowed).  It is written once, where the failure happened, and passed up
 * untouched; a caller that can add the subject ("cannot open store 'x': ...") uses err_prefix().
 *
 * Threads: a struct weir_error belongs to its caller.  Nothing here allocates.
 * Style of the text: lower case, no full stop, what failed first, the subject in single quotes,
 * the value found and the bound: "cannot read 'a.pcap': block length 7 is not a multiple of 4". */
#ifndef WEIR_ERROR_H
#define WEIR_ERROR_H

#include <stddef.h>

#if defined(__MINGW32__)
# define WEIR_PRINTF(format_at, first) \
  __attribute__((format(gnu_printf, format_at, first)))
#else
# define WEIR_PRINTF(format_at, first) __attribute__((format(printf, format_at, first)))
#endif

enum weir_err {
	WEIR_OK = 0,
	WEIR_ERR_USAGE =
		-1, /* the caller's words are wrong: an option, a filter, a time */
	WEIR_ERR_SYSTEM = -2,    /* a system call failed; `sys` holds errno */
	WEIR_ERR_FORMAT = -3,    /* bytes read do not have the form they must have */
	WEIR_ERR_LIMIT = -4,     /* a bound of ours is exceeded: length, count, depth */
	WEIR_ERR_EXISTS = -5,    /* what is to be made is there already */
	WEIR_ERR_ABSENT = -6,    /* what is asked for is not there */
	WEIR_ERR_NO_MEMORY = -7, /* an allocation failed */
	WEIR_ERR_NO_SPACE = -8,  /* the disk is full */
	WEIR_ERR_PRIVILEGE = -9, /* the process lacks a capability; the text names it */
	WEIR_ERR_UNSUPPORTED = -10, /* this kernel, file system or build cannot do it */
	WEIR_ERR_BUSY = -11,        /* somebody else holds it: a lock, a queue number */
	WEIR_ERR_CLOSED = -12,      /* the other side is gone */
	WEIR_ERR_MISMATCH = -13,    /* a hash, a count or a chain does not agree */
};

#define WEIR_ERROR_TEXT 400

struct weir_error {
	enum weir_err code;
	int sys; /* errno where code is WEIR_ERR_SYSTEM or the cause is a system call, else 0 */
	char text[WEIR_ERROR_TEXT];
};

/* Writes code and text and returns code, so that a failing function ends in
 * `return err_set(err, WEIR_ERR_FORMAT, "...", ...)`.  err may be NULL. */
int err_set(struct weir_error *err, enum weir_err code, const char *format, ...)
	WEIR_PRINTF(3, 4);

/* The same for a failed system call: takes errno at once, appends ": " and its name in words, and
 * chooses the code (NO_SPACE, PRIVILEGE, EXISTS, ABSENT, NO_MEMORY where errno says so). */
int err_sys(struct weir_error *err, const char *format, ...) WEIR_PRINTF(2, 3);

/* Puts "text: " before what is there already; cuts at the end, never in front.  Returns its code. */
int err_prefix(struct weir_error *err, const char *format, ...) WEIR_PRINTF(2, 3);

/* A constant name of the code, for JSON: "usage", "system", "format", ... */
const char *err_name(enum weir_err code);

#endif
