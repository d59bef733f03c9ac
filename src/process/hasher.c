#include "process/hasher.h"

#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PIECE_BYTES 65536
#define STEP_PIECES 16
#define MOST_BYTES  (INT64_C(1) << 30)
#define FILES       256

struct known_file {
	uint64_t dev, ino;
	int64_t size, changed_s, changed_ns;
	char sha256[HASH_HEX];
};

struct hasher {
	struct hash *hash;
	struct known_file files[FILES];
	unsigned next;
	struct hasher_file waiting[HASHER_WAITING];
	unsigned waiting_count;
	/* Of the first of them. */
	bool is_begun;
	int error; /* errno; 0: none */
	int64_t bytes;
	char hex[HASH_HEX]; /* of all of it; empty: not read to its end */
	uint8_t piece[PIECE_BYTES];
};

struct hasher *hasher_new(void)
{
	struct hasher *h = mem_new(1, sizeof *h);

	if (h)
		h->hash = hash_new();
	if (h && !h->hash) {
		hasher_free(h);
		return NULL;
	}
	return h;
}

void hasher_free(struct hasher *h)
{
	if (!h)
		return;
	for (unsigned i = 0; i < h->waiting_count; i++)
		hasher_close(&h->waiting[i]);
	hash_free(h->hash);
	mem_free(h);
}

/* Some file systems of Windows keep none: what is written there may have the times that it had. */
static bool has_change_time(const struct stat *st)
{
	return st->st_ctim.tv_sec || st->st_ctim.tv_nsec;
}

static struct known_file *find(struct hasher *h, const struct stat *st)
{
	for (unsigned i = 0; i < FILES && has_change_time(st); i++) {
		struct known_file *k = &h->files[i];

		if (k->sha256[0] && k->dev == (uint64_t)st->st_dev &&
		    k->ino == (uint64_t)st->st_ino && k->size == st->st_size &&
		    k->changed_s == st->st_ctim.tv_sec &&
		    k->changed_ns == st->st_ctim.tv_nsec)
			return k;
	}
	return NULL;
}

/* The hash is known, or will not be. */
static bool needs_no_reading(struct hasher *h, const struct hasher_file *file)
{
	/* Another process of the same program may have been first. */
	return find(h, &file->opened) || file->opened.st_size > MOST_BYTES;
}

static bool begin(struct hasher *h)
{
	h->is_begun = true;
	h->error = 0;
	h->bytes = 0;
	h->hex[0] = '\0';
	return !hash_reset(h->hash);
}

static bool end(struct hasher *h)
{
	uint8_t digest[HASH_BYTES];

	if (hash_finish(h->hash, digest))
		return false;
	hash_hex(digest, h->hex);
	return true;
}

/* 1: there is more; 0: that was all; -1: it cannot be read. */
static int read_piece(struct hasher *h, const struct hasher_file *file)
{
	ssize_t n = read(file->exe, h->piece, sizeof h->piece);

	if (n < 0)
		return -1;
	/* One that grows is not what it was, and may have no end. */
	h->bytes += n;
	if (!n || h->bytes > file->opened.st_size)
		return end(h) ? 0 : -1;
	return hash_update(h->hash, h->piece, (size_t)n) ? -1 : 1;
}

bool hasher_read(struct hasher *h)
{
	const struct hasher_file *file = &h->waiting[0];
	int more = 1;

	errno = 0;
	if (!h->is_begun && needs_no_reading(h, file))
		return true;
	if (!h->is_begun && !begin(h))
		more = -1;
	for (unsigned i = 0; i < STEP_PIECES && more > 0; i++)
		more = read_piece(h, file);
	if (more < 0)
		h->error = errno ? errno : EIO;
	return more <= 0;
}

static void set(struct process_facts *f, const char *sha256)
{
	memcpy(f->sha256, sha256, HASH_HEX);
	f->reason[0] = '\0';
	f->is_hash_pending = false;
}

static void fail(struct process_facts *f, const char *why)
{
	(void)snprintf(f->reason, sizeof f->reason, "%s", why);
	f->is_hash_pending = false;
}

/* False: it is known without reading the file, or will not be. */
static bool is_to_be_hashed(struct hasher *h, struct process_facts *f,
			    struct hasher_file *file)
{
	const struct known_file *k;

	if (fstat(file->exe, &file->opened) || !S_ISREG(file->opened.st_mode)) {
		fail(f, "not a regular file");
		return false;
	}
	k = find(h, &file->opened);
	if (k)
		set(f, k->sha256);
	else if (h->waiting_count == HASHER_WAITING)
		fail(f, "too many programs started at once");
	return !k && h->waiting_count < HASHER_WAITING;
}

void hasher_put(struct hasher *h, struct process_facts *f, uint32_t number, int exe)
{
	struct hasher_file file = { .number = number, .exe = exe };

	f->is_hash_pending = false;
	if (exe < 0)
		return;
	f->is_hash_pending = is_to_be_hashed(h, f, &file);
	if (f->is_hash_pending)
		h->waiting[h->waiting_count++] = file;
	else
		hasher_close(&file);
}

bool hasher_is_waiting(const struct hasher *h)
{
	return h->waiting_count != 0;
}

void hasher_take(struct hasher *h, struct hasher_file *file)
{
	*file = h->waiting[0];
	h->waiting_count--;
	memmove(h->waiting, h->waiting + 1, h->waiting_count * sizeof *file);
	h->is_begun = false;
}

void hasher_close(const struct hasher_file *file)
{
	(void)close(file->exe);
}

void hasher_drop(struct hasher *h, uint32_t number)
{
	unsigned kept = 0;

	if (h->waiting_count && h->waiting[0].number == number)
		h->is_begun = false;
	for (unsigned i = 0; i < h->waiting_count; i++) {
		if (h->waiting[i].number == number)
			hasher_close(&h->waiting[i]);
		else
			h->waiting[kept++] = h->waiting[i];
	}
	h->waiting_count = kept;
}

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* The inode changes with the number of its names too: programs remove their own, an upgrade removes others'.
 * What still runs it tells that apart from a change with its time set back: the system lets
 * nobody write to what is run (ETXTBSY; Windows: no writer can open the file of an image). */
static bool is_unchanged(const struct process_facts *f, const struct hasher_file *file)
{
	const struct stat *then = &file->opened;
	struct stat now;

	if (fstat(file->exe, &now) || now.st_size != then->st_size ||
	    !is_same_time(&now.st_mtim, &then->st_mtim))
		return false;
	return (has_change_time(then) && is_same_time(&now.st_ctim, &then->st_ctim)) ||
	       facts_still_runs(f, (uint64_t)then->st_dev, (uint64_t)then->st_ino);
}

static void keep(struct hasher *h, const struct stat *st, const char *sha256)
{
	struct known_file *k = &h->files[h->next];

	if (!has_change_time(st))
		return;
	*k = (struct known_file){ .dev = (uint64_t)st->st_dev,
				  .ino = (uint64_t)st->st_ino,
				  .size = st->st_size,
				  .changed_s = st->st_ctim.tv_sec,
				  .changed_ns = st->st_ctim.tv_nsec };
	memcpy(k->sha256, sha256, sizeof k->sha256);
	h->next = (h->next + 1) % FILES;
}

static void hash_new_file(struct hasher *h, struct process_facts *f,
			  const struct hasher_file *file)
{
	char why[sizeof f->reason];

	if (file->opened.st_size > MOST_BYTES) {
		fail(f, "larger than 1 GiB");
	} else if (h->error) {
		(void)snprintf(why, sizeof why, "cannot be read: %s", strerror(h->error));
		fail(f, why);
	} else if (!is_unchanged(f, file)) {
		fail(f, has_change_time(&file->opened)
				? "changed before it could be hashed"
				: "may have changed before it could be hashed");
	} else {
		set(f, h->hex);
		keep(h, &file->opened, h->hex);
	}
}

void hasher_hash(struct hasher *h, struct process_facts *f,
		 const struct hasher_file *file)
{
	const struct known_file *k = find(h, &file->opened);

	if (k)
		set(f, k->sha256);
	else
		hash_new_file(h, f, file);
	hasher_close(file);
}
