/* Which entries are wanted: by type, size, times, owner and known hashes.  Descent does not depend on
 * it: what is not wanted is walked through all the same.
 *
 * Calling sequence: zero the struct, fill it by the select_parse_* functions; select_entry() before
 * anything costly is read, select_digests() after hashing; select_fini().
 * Threads: read-only after parsing.  Errors: WEIR_ERR_USAGE names the word. */
#ifndef WEIR_FILESYSTEM_SELECT_H
#define WEIR_FILESYSTEM_SELECT_H

#include "filesystem/owners.h"
#include "filesystem/record.h"

enum select_time {
	SELECT_BORN,
	SELECT_MODIFIED,
	SELECT_CHANGED,
	SELECT_ACCESSED,
	SELECT_TIMES
};

struct known_hash {
	uint8_t kind, bytes[32]; /* the first 32 of longer ones */
};

struct selection {
	unsigned types; /* bits 1 << (type >> 12); 0: all */
	bool has_size, has_uid, has_gid, has_time[SELECT_TIMES];
	uint64_t size_min, size_max;
	uint32_t uid, gid;
	struct file_time from[SELECT_TIMES], to[SELECT_TIMES];
	struct known_hash *known; /* sorted */
	size_t known_count;
	unsigned known_kinds; /* bits 1 << enum digest_kind */
	bool want_known;      /* else: want those not known */
};

/* "f,d,l,p,s,c,b" or whole names */
int select_parse_types(struct selection *s, const char *text,
		       struct weir_error *err) MUST_CHECK;
/* "1MiB..", "..4KiB", "1..2MiB", "0" */
int select_parse_size(struct selection *s, const char *text,
		      struct weir_error *err) MUST_CHECK;
/* "2026-11-22..", "..2026-11-22T10:00Z", "FROM..TO" */
int select_parse_time(struct selection *s, enum select_time which, const char *text,
		      struct weir_error *err) MUST_CHECK;
/* Lines that begin with a hash in hex: md5, sha1, sha256 or blake2b512, told by its length: 64 digits
 * are SHA-256, never BLAKE3. */
int select_load_known(struct selection *s, const char *path, bool want_known,
		      struct weir_error *err) MUST_CHECK;
void select_fini(struct selection *s);

/* Whether it asks nothing of an entry's metadata. */
bool select_is_open(const struct selection *s);
bool select_entry(const struct selection *s, const struct record *r);
bool select_digests(const struct selection *s, const struct digests *d);

#endif
