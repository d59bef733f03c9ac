#include "process/hasher.h"

#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE_BYTES 65536
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
	hash_free(h->hash);
	mem_free(h);
}

static struct known_file *find(struct hasher *h, const struct stat *st)
{
	for (unsigned i = 0; i < FILES; i++) {
		struct known_file *k = &h->files[i];

		if (k->sha256[0] && k->dev == (uint64_t)st->st_dev &&
		    k->ino == (uint64_t)st->st_ino && k->size == st->st_size &&
		    k->changed_s == st->st_ctim.tv_sec &&
		    k->changed_ns == st->st_ctim.tv_nsec)
			return k;
	}
	return NULL;
}

static bool read_whole(struct hasher *h, int fd, char hex[HASH_HEX])
{
	uint8_t digest[HASH_BYTES];
	ssize_t n;

	if (hash_reset(h->hash))
		return false;
	while ((n = read(fd, h->piece, sizeof h->piece)) > 0)
		if (hash_update(h->hash, h->piece, (size_t)n))
			return false;
	if (n < 0 || hash_finish(h->hash, digest))
		return false;
	hash_hex(digest, hex);
	return true;
}

static void set(struct process_facts *f, const char *sha256)
{
	memcpy(f->sha256, sha256, HASH_HEX);
	f->reason[0] = '\0';
	f->is_hash_pending = false;
}

bool hasher_knows(struct hasher *h, struct process_facts *f, int exe)
{
	struct known_file *k;
	struct stat st;

	if (exe < 0 || fstat(exe, &st))
		return false;
	k = find(h, &st);
	if (k)
		set(f, k->sha256);
	return k != NULL;
}

static void hash_new_file(struct hasher *h, struct process_facts *f, int exe)
{
	struct known_file *k = &h->files[h->next];
	struct stat st, after;
	char hex[HASH_HEX];

	if (fstat(exe, &st) || !S_ISREG(st.st_mode)) {
		(void)snprintf(f->reason, sizeof f->reason, "not a regular file");
	} else if (st.st_size > MOST_BYTES) {
		(void)snprintf(f->reason, sizeof f->reason, "larger than 1 GiB");
	} else if (!read_whole(h, exe, hex)) {
		(void)snprintf(f->reason, sizeof f->reason, "cannot be read: %s",
			       strerror(errno));
	} else {
		set(f, hex);
		if (fstat(exe, &after) || after.st_ctim.tv_sec != st.st_ctim.tv_sec ||
		    after.st_ctim.tv_nsec != st.st_ctim.tv_nsec)
			return;
		*k = (struct known_file){ .dev = (uint64_t)st.st_dev,
					  .ino = (uint64_t)st.st_ino,
					  .size = st.st_size,
					  .changed_s = st.st_ctim.tv_sec,
					  .changed_ns = st.st_ctim.tv_nsec };
		memcpy(k->sha256, hex, sizeof hex);
		h->next = (h->next + 1) % FILES;
	}
}

void hasher_hash(struct hasher *h, struct process_facts *f, int exe)
{
	f->is_hash_pending = false;
	if (exe < 0)
		return;
	if (!hasher_knows(h, f, exe))
		hash_new_file(h, f, exe);
	(void)close(exe);
}
