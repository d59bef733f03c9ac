#include "store/manifest.h"

#include "base/mem.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum {
	RESERVE_STEP = 256 * 1024,
	RESERVE_LOW =
		128 * 1024 /* below this more is asked for, and stats are left out */
};

/* Room for the lines of a full disk.  A file system that cannot do it has none to give. */
static void reserve(struct manifest *m)
{
	if (m->reserved >= m->size + RESERVE_LOW)
		return;
	if (m->disk->reserve(m->fd, (off_t)m->size, RESERVE_STEP) == 0 ||
	    errno == EOPNOTSUPP)
		m->reserved = m->size + RESERVE_STEP;
}

bool manifest_has_reserve(const struct manifest *m)
{
	return m->reserved >= m->size + RESERVE_LOW / 2;
}

int manifest_make(struct manifest *m, const struct disk *disk, int dir_fd,
		  struct weir_error *err)
{
	*m = (struct manifest){ .disk = disk, .fd = -1 };
	chain_init(&m->chain);
	m->line = mem_new(MANIFEST_LINE_MAX, 1);
	if (!m->line)
		return err_set(err, WEIR_ERR_NO_MEMORY,
			       "cannot make '" MANIFEST_NAME "': no memory");
	m->fd = disk->make(dir_fd, MANIFEST_NAME);
	if (m->fd < 0)
		return err_sys(err, "cannot make '" MANIFEST_NAME "'");
	if (flock(m->fd, LOCK_EX | LOCK_NB))
		return err_sys(err, "cannot lock '" MANIFEST_NAME "'");
	reserve(m);
	return 0;
}

int manifest_adopt(struct manifest *m, const struct disk *disk, int fd, uint64_t size,
		   const struct chain *chain, struct weir_error *err)
{
	*m = (struct manifest){ .disk = disk, .fd = fd, .size = size, .chain = *chain };
	m->line = mem_new(MANIFEST_LINE_MAX, 1);
	if (!m->line)
		return err_set(err, WEIR_ERR_NO_MEMORY,
			       "cannot go on in '" MANIFEST_NAME "': no memory");
	reserve(m);
	return 0;
}

void manifest_fini(struct manifest *m)
{
	if (m->fd >= 0)
		(void)close(m->fd);
	m->fd = -1;
	mem_free(m->line);
	m->line = NULL;
}

int manifest_append(struct manifest *m, const char *type, int64_t ns, json_t *members,
		    struct weir_error *err)
{
	size_t n = chain_dump(&m->chain, type, ns, members, m->line, MANIFEST_LINE_MAX);
	struct chain next = m->chain;

	if (!n)
		return err_set(err, WEIR_ERR_LIMIT,
			       "cannot write manifest line '%s': longer than %d bytes",
			       type, MANIFEST_LINE_MAX);
	if (chain_advance(&next, m->line, n - 1))
		return err_set(err, WEIR_ERR_NO_MEMORY,
			       "cannot hash manifest line '%s': no memory", type);
	if (disk_write(m->disk, m->fd, m->line, n, m->size, NULL)) {
		int rc = err_sys(err, "cannot write manifest line '%s'", type);

		/* Harmless where it fails: the next line goes to the same place. */
		if (m->disk->truncate(m->fd, (off_t)m->size) == 0)
			m->reserved = 0;
		return rc;
	}
	m->chain = next;
	m->size += n;
	reserve(m);
	return 0;
}

int manifest_sync(struct manifest *m)
{
	return m->disk->sync(m->fd) ? WEIR_ERR_SYSTEM : 0;
}

void manifest_trim(struct manifest *m)
{
	if (m->disk->truncate(m->fd, (off_t)m->size) == 0)
		m->reserved = 0;
}
