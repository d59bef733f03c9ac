#include "filesystem/digest.h"

#include "base/mem.h"
#include "filesystem/blake3_sum.h"
#include "filesystem/when.h"

#include <errno.h>
#include <openssl/evp.h>
#include <sys/stat.h>

#define BUFFER_BYTES (1U << 20)
#define PEEK_BYTES   4096U

struct digester {
	unsigned kinds;
	EVP_MD *md[DIGEST_KINDS]; /* fetched once: a fetch costs more than a small file */
	EVP_MD_CTX *ctx[DIGEST_KINDS];
	struct blake3_sum *blake3; /* libcrypto has none */
	const void *head_at;
	size_t head; /* bytes there that are the file's first */
	uint8_t buffer[BUFFER_BYTES];
};

static const struct {
	const char *name, *algorithm;
	unsigned bytes;
} kinds_table[DIGEST_KINDS] = {
	{ "md5", "MD5", 16 },
	{ "sha1", "SHA1", 20 },
	{ "sha256", "SHA256", 32 },
	{ "blake2b512", "BLAKE2B-512", 64 },
	{ "blake3", NULL, BLAKE3_SUM_BYTES },
};

const char *digest_name(enum digest_kind kind)
{
	return kinds_table[kind].name;
}

unsigned digest_bytes(enum digest_kind kind)
{
	return kinds_table[kind].bytes;
}

int digest_parse(const char *list, unsigned *kinds, struct weir_error *err)
{
	*kinds = 0;
	while (*list) {
		size_t n = strcspn(list, ","), i;

		for (i = 0; i < DIGEST_KINDS; i++)
			if (strlen(kinds_table[i].name) == n &&
			    !memcmp(list, kinds_table[i].name, n))
				break;
		if (i == DIGEST_KINDS)
			return err_set(
				err, WEIR_ERR_USAGE,
				"unknown hash '%.*s': md5, sha1, sha256, blake2b512 or blake3",
				(int)(n < 60 ? n : 60), list);
		if (i == DIGEST_BLAKE3 && !blake3_is_built_in())
			return err_set(err, WEIR_ERR_USAGE,
				       "hash 'blake3' is not built into this program");
		*kinds |= 1U << i;
		list += n + (list[n] == ',');
	}
	return 0;
}

struct digester *digester_new(unsigned kinds)
{
	struct digester *d = mem_new(1, sizeof *d);

	if (!d)
		return NULL;
	d->kinds = kinds;
	for (unsigned i = 0; i < DIGEST_KINDS; i++) {
		if (!(kinds & 1U << i) || !kinds_table[i].algorithm)
			continue;
		d->md[i] = EVP_MD_fetch(NULL, kinds_table[i].algorithm, NULL);
		d->ctx[i] = EVP_MD_CTX_new();
		if (!d->md[i] || !d->ctx[i]) {
			digester_free(d);
			return NULL;
		}
	}
	if (kinds & 1U << DIGEST_BLAKE3) {
		d->blake3 = blake3_sum_new();
		if (!d->blake3) {
			digester_free(d);
			return NULL;
		}
	}
	return d;
}

void digester_free(struct digester *d)
{
	if (!d)
		return;
	for (unsigned i = 0; i < DIGEST_KINDS; i++) {
		EVP_MD_CTX_free(d->ctx[i]);
		EVP_MD_free(d->md[i]);
	}
	blake3_sum_free(d->blake3);
	mem_free(d);
}

static int start(const struct digester *d)
{
	for (unsigned i = 0; i < DIGEST_KINDS; i++)
		if (d->md[i] && EVP_DigestInit_ex(d->ctx[i], d->md[i], NULL) != 1)
			return -ENOMEM;
	if (d->blake3)
		blake3_sum_start(d->blake3);
	return 0;
}

static int update(const struct digester *d, const void *bytes, size_t n)
{
	for (unsigned i = 0; i < DIGEST_KINDS; i++)
		if (d->md[i] && EVP_DigestUpdate(d->ctx[i], bytes, n) != 1)
			return -ENOMEM;
	if (d->blake3)
		blake3_sum_update(d->blake3, bytes, n);
	return 0;
}

static int finish(const struct digester *d, struct digests *result)
{
	for (unsigned i = 0; i < DIGEST_KINDS; i++)
		if (d->md[i] &&
		    EVP_DigestFinal_ex(d->ctx[i], result->value[i], NULL) != 1)
			return -ENOMEM;
	if (d->blake3)
		blake3_sum_finish(d->blake3, result->value[DIGEST_BLAKE3]);
	result->kinds = d->kinds;
	return 0;
}

static void set_head(struct digester *d, const void *bytes, size_t length)
{
	d->head_at = bytes;
	d->head = length;
}

/* Reads to the end.  A file whose stated size has come needs no read to say so, unless it is one of
 * those whose size is no truth. */
static int read_all(struct digester *d, const struct digest_from *from, int file,
		    uint64_t stated, const struct digest_want *want, uint64_t *total)
{
	int64_t n;
	int rc = 0;

	*total = 0;
	do {
		if (atomic_load_explicit(want->stop, memory_order_relaxed))
			return -ECANCELED;
		if (want->beat)
			atomic_fetch_add_explicit(want->beat, 1, memory_order_relaxed);
		n = from->calls->read(from->state, file, d->buffer, BUFFER_BYTES, *total);
		if (n < 0)
			return (int)n;
		if (!*total)
			d->head = (size_t)n;
		else if (n)
			d->head = 0;
		*total += (uint64_t)n;
		if (want->max_bytes && *total > want->max_bytes)
			return -EFBIG;
		rc = n ? update(d, d->buffer, (size_t)n) : 0;
	} while (!rc && n && !(stated && *total == stated && n < (int64_t)BUFFER_BYTES));
	return rc;
}

/* Content or name changed under us: the hash is of no state that ever was. */
static bool is_same(const struct file_meta *a, const struct file_meta *b)
{
	return a->size_bytes == b->size_bytes && !when_compare(a->mtime, b->mtime) &&
	       !when_compare(a->ctime, b->ctime);
}

/* The open file, which is the listed inode; *now is its state. */
static int open_same(const struct digest_from *from, struct file_meta *now)
{
	const struct file_meta *meta = from->meta;
	int file = from->calls->open(from->state, from->dir, from->name,
				     FILE_OPEN_REGULAR),
	    rc;

	if (file < 0)
		return file;
	rc = from->calls->query(from->state, file, "", now);
	/* Exchanged since it was listed: for a FIFO or a device, even, which is not to be read. */
	if (!rc &&
	    (!S_ISREG(now->mode) || now->inode != meta->inode ||
	     now->dev_major != meta->dev_major || now->dev_minor != meta->dev_minor))
		rc = -ESTALE;
	if (!rc)
		return file;
	from->calls->close(from->state, file);
	return rc;
}

int digester_file(struct digester *d, const struct digest_from *from,
		  const struct digest_want *want, struct digests *result,
		  bool *has_changed)
{
	struct file_meta now;
	int file, rc;

	set_head(d, d->buffer, 0);
	if (atomic_load_explicit(want->stop, memory_order_relaxed))
		return -ECANCELED;
	if (want->max_bytes && from->meta->size_bytes > want->max_bytes)
		return -EFBIG;
	file = open_same(from, &now);
	if (file < 0)
		return file;
	rc = start(d);
	if (!rc)
		rc = read_all(d, from, file, now.size_bytes, want, &result->bytes);
	if (!rc)
		rc = finish(d, result);
	/* Compared with what the record says, so that a change between listing and reading shows. */
	if (!rc && !from->calls->query(from->state, file, "", &now))
		*has_changed =
			!is_same(from->meta, &now) || result->bytes != now.size_bytes;
	from->calls->close(from->state, file);
	return rc;
}

/* Nothing of the file was touched since the clock stood there. */
static bool is_older(const struct file_meta *m, struct file_time since)
{
	return m->have & FILE_HAVE_CTIME && when_compare(m->ctime, since) < 0;
}

bool digester_quick(struct digester *d, const struct digest_from *from,
		    struct file_meta *meta, struct digests *result)
{
	struct file_time since = port_file_clock();
	struct small_file f = { .name = from->name, .buffer = d->buffer };
	int file =
		from->calls->open(from->state, from->dir, from->name, FILE_OPEN_REGULAR);

	if (file < 0)
		return false;
	f.bytes = from->calls->read(from->state, file, d->buffer, SMALL_FILE_BYTES, 0);
	if (f.bytes >= 0 && from->calls->query(from->state, file, "", &f.meta))
		f.bytes = -EIO;
	from->calls->close(from->state, file);
	*meta = f.meta;
	return digester_small(d, &f, since, result);
}

bool digester_small(struct digester *d, const struct small_file *file,
		    struct file_time since, struct digests *result)
{
	const struct file_meta *m = &file->meta;
	int64_t n = file->bytes;

	set_head(d, d->buffer, 0);
	if (n < 0 || n == SMALL_FILE_BYTES || !S_ISREG(m->mode) ||
	    m->size_bytes != (uint64_t)n || !is_older(m, since))
		return false;
	set_head(d, file->buffer, (size_t)n);
	result->bytes = (uint64_t)n;
	return !start(d) && !(n && update(d, file->buffer, (size_t)n)) &&
	       !finish(d, result);
}

const void *digester_head(const struct digester *d, size_t *length)
{
	*length = d->head;
	return d->head_at;
}

int digester_peek(struct digester *d, const struct digest_from *from)
{
	struct file_meta now;
	int file = open_same(from, &now);
	int64_t n;

	set_head(d, d->buffer, 0);
	if (file < 0)
		return file;
	n = from->calls->read(from->state, file, d->buffer, PEEK_BYTES, 0);
	from->calls->close(from->state, file);
	if (n < 0)
		return (int)n;
	d->head = (size_t)n;
	return 0;
}
