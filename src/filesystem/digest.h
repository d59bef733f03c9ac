/* Several hashes of one file in one read.
 *
 * Calling sequence: digester_new(kinds); digester_file() for each file; digester_free().
 * The file is opened only where it is a regular one, is the inode that was listed, and is not larger
 * than the bound; its metadata are compared before and after.
 * Threads: a digester belongs to one.  Memory: 1 MiB a digester.
 * Errors: digester_file() returns 0 or -errno; -EFBIG beyond the bound; -ESTALE for another inode;
 * -ECANCELED when `stop` was set.  Facts: FIPS 180-4, RFC 1321, RFC 7693 by libcrypto; blake3_sum.h. */
#ifndef WEIR_FILESYSTEM_DIGEST_H
#define WEIR_FILESYSTEM_DIGEST_H

#include "port/files.h"

enum digest_kind {
	DIGEST_MD5,
	DIGEST_SHA1,
	DIGEST_SHA256,
	DIGEST_BLAKE2B,
	DIGEST_BLAKE3,
	DIGEST_KINDS,
};

#define DIGEST_BYTES_MAX 64

struct digests {
	unsigned kinds; /* bits 1 << enum digest_kind */
	uint64_t bytes; /* read */
	uint8_t value[DIGEST_KINDS][DIGEST_BYTES_MAX];
};

struct digester;

struct digest_want {
	uint64_t max_bytes;
	const atomic_bool *stop;
	atomic_uint *
		beat; /* counts up with every read: a watchdog's proof of life; may be NULL */
};

/* The file: its directory's handle, its name there, and what it was listed as. */
struct digest_from {
	const struct file_calls *calls;
	void *state;
	int dir;
	const char *name;
	const struct file_meta *meta;
};

/* "md5,sha1,sha256,blake2b512,blake3" to bits. */
int digest_parse(const char *list, unsigned *kinds, struct weir_error *err) MUST_CHECK;
const char *digest_name(enum digest_kind kind);
unsigned digest_bytes(enum digest_kind kind);

struct digester *digester_new(unsigned kinds) MUST_CHECK;
void digester_free(struct digester *d);
int digester_file(struct digester *d, const struct digest_from *from,
		  const struct digest_want *want, struct digests *result,
		  bool *has_changed) MUST_CHECK;
/* A small file in four calls, read first and queried after, when its own ctime tells that nothing
 * changed since before it was opened: so the metadata, which are the handle's, and the hash are of
 * one state.  False where it is no such file; nothing is told then, and the long way has to be gone.
 * Only for names listed as regular files, on a volume that opens no devices and stamps files by this
 * machine's clock. */
bool digester_quick(struct digester *d, const struct digest_from *from,
		    struct file_meta *meta, struct digests *result) MUST_CHECK;
/* The same for a file that was read at once with others (struct small_file), of which nothing was
 * opened before `since`. */
bool digester_small(struct digester *d, const struct small_file *file,
		    struct file_time since, struct digests *result) MUST_CHECK;
/* The first bytes read by the last digester_file(), _quick() or _small(), for a look at the content. */
const void *digester_head(const struct digester *d, size_t *length);
/* The same opening, but only the first bytes. */
int digester_peek(struct digester *d, const struct digest_from *from) MUST_CHECK;

#endif
