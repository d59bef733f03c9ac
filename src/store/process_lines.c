#include "store/process_lines.h"

#include <errno.h>
#include <unistd.h>

enum {
	PIECE = 8192
};

static ssize_t read_piece(int fd, uint8_t *piece, uint64_t at)
{
	ssize_t n;

	do
		n = pread(fd, piece, PIECE, (off_t)at);
	while (n < 0 && errno == EINTR);
	return n;
}

static int find_end(struct process_lines *p, int fd, struct weir_error *err)
{
	uint8_t piece[PIECE];
	ssize_t n;

	while ((n = read_piece(fd, piece, p->bytes)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			if (piece[i] == '\n') {
				p->lines++;
				p->whole = p->bytes + (uint64_t)i + 1;
			}
		p->bytes += (uint64_t)n;
	}
	return n ? err_sys(err, "cannot read the lines") : 0;
}

static int feed(const struct process_lines *p, int fd, struct hash *hash,
		struct weir_error *err)
{
	uint8_t piece[PIECE];

	for (uint64_t at = 0; at < p->whole;) {
		ssize_t n = read_piece(fd, piece, at);
		uint64_t left = p->whole - at;

		if (n <= 0)
			return err_sys(err, "cannot read the lines");
		if ((uint64_t)n > left)
			n = (ssize_t)left;
		if (hash_update(hash, piece, (size_t)n))
			return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a hash");
		at += (uint64_t)n;
	}
	return 0;
}

int process_lines_measure(struct process_lines *p, int fd, struct hash *hash,
			  struct weir_error *err)
{
	struct hash *own = hash_new();
	int rc;

	*p = (struct process_lines){ 0 };
	rc = own ? find_end(p, fd, err)
		 : err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a hash");
	if (!rc)
		rc = feed(p, fd, own, err);
	if (!rc && hash_finish(own, p->sha256))
		rc = err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a hash");
	if (!rc && hash)
		rc = feed(p, fd, hash, err);
	hash_free(own);
	return rc;
}
