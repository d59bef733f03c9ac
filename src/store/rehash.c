#include "store/rehash.h"

#include "base/mem.h"
#include "base/time.h"
#include "port/port.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define BUFFER   ((size_t)1 << 20)
#define PAUSE_NS (100 * NS_PER_MS)

struct rehash {
	struct rehash_config config;
	struct port_monitor *lock; /* of all below */
	struct ledger_item *items;
	size_t head, waiting, busy;
	bool is_ending, is_hurried;
	struct port_thread *thread;
	uint8_t *buffers[2]; /* the thread's, and the helper's */
};

int rehash_new(struct rehash **out, const struct rehash_config *config,
	       struct weir_error *err)
{
	struct rehash *h = mem_new(1, sizeof *h);

	*out = h;
	if (!h)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for hashing");
	h->config = *config;
	h->lock = port_monitor_new();
	h->items = mem_new(LEDGER_QUEUE, sizeof *h->items);
	h->buffers[0] = port_pages_new(BUFFER);
	h->buffers[1] = port_pages_new(BUFFER);
	if (h->lock && h->items && h->buffers[0] && h->buffers[1])
		return 0;
	rehash_free(h);
	*out = NULL;
	return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for hashing");
}

void rehash_free(struct rehash *h)
{
	if (!h)
		return;
	if (h->thread) {
		port_monitor_lock(h->lock);
		h->is_ending = true;
		port_monitor_signal(h->lock);
		port_monitor_unlock(h->lock);
		port_thread_join(h->thread);
	}
	port_monitor_free(h->lock);
	mem_free(h->items);
	port_pages_free(h->buffers[0], BUFFER);
	port_pages_free(h->buffers[1], BUFFER);
	mem_free(h);
}

/* Not while the recorder needs the disk, unless there is no recorder any more. */
static void wait_for_quiet(struct rehash *h)
{
	port_monitor_lock(h->lock);
	while (!h->is_hurried && !h->is_ending &&
	       port_monotonic_ns() < (int64_t)counter_read(h->config.busy_until_ns))
		(void)port_monitor_wait(h->lock, PAUSE_NS);
	port_monitor_unlock(h->lock);
}

/* What was written past the page cache is read past it. */
static int open_again(const struct rehash *h, const struct segment_facts *f)
{
	return f->is_direct ? openat(h->config.dir_fd, f->name,
				     O_RDONLY | O_DIRECT | O_NOFOLLOW | O_CLOEXEC)
			    : -1;
}

/* pread, so that the writer's position does not matter.  Whole buffers are asked for: a direct read
 * has to be of whole pages, and ends by itself where the file does. */
static int read_all(struct rehash *h, int fd, struct hash *hash, uint64_t length,
		    uint8_t *buffer)
{
	uint64_t at = 0;

	while (at < length) {
		ssize_t n;

		wait_for_quiet(h);
		n = pread(fd, buffer, BUFFER, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return WEIR_ERR_SYSTEM;
		if ((uint64_t)n > length - at)
			n = (ssize_t)(length - at);
		if (hash_update(hash, buffer, (size_t)n))
			return WEIR_ERR_NO_MEMORY;
		at += (uint64_t)n;
	}
	return 0;
}

static int hash_file(struct rehash *h, struct ledger_item *item, uint8_t *buffer)
{
	struct segment_facts *f = &item->facts;
	struct hash *hash = hash_new();
	int fd = open_again(h, f);
	int rc = hash ? read_all(h, fd < 0 ? item->fd : fd, hash, f->file_bytes, buffer)
		      : WEIR_ERR_NO_MEMORY;

	if (!rc)
		rc = hash_finish(hash, f->sha256);
	hash_free(hash);
	if (fd >= 0)
		(void)close(fd);
	return rc;
}

/* Called with the lock held, and again holds it when it returns. */
static void hash_next(struct rehash *h, uint8_t *buffer)
{
	struct ledger_item item = h->items[h->head];
	int rc;

	h->head = (h->head + 1) % LEDGER_QUEUE;
	h->waiting--;
	h->busy++;
	port_monitor_unlock(h->lock);
	rc = hash_file(h, &item, buffer);
	h->config.done(h->config.arg, &item, rc);
	port_monitor_lock(h->lock);
	h->busy--;
	port_monitor_signal(h->lock);
}

static void *run(void *arg)
{
	struct rehash *h = arg;

	port_thread_lower();
	port_monitor_lock(h->lock);
	while (h->waiting || !h->is_ending) {
		if (h->waiting)
			hash_next(h, h->buffers[0]);
		else
			(void)port_monitor_wait(h->lock, NS_PER_S);
	}
	port_monitor_unlock(h->lock);
	return NULL;
}

int rehash_start(struct rehash *h, struct weir_error *err)
{
	return port_thread_start(&h->thread, "weir-hash", run, h, err);
}

void rehash_push(struct rehash *h, const struct ledger_item *item)
{
	port_monitor_lock(h->lock);
	h->items[(h->head + h->waiting++) % LEDGER_QUEUE] = *item;
	port_monitor_signal(h->lock);
	port_monitor_unlock(h->lock);
}

size_t rehash_count(struct rehash *h)
{
	size_t n;

	port_monitor_lock(h->lock);
	n = h->waiting + h->busy;
	port_monitor_unlock(h->lock);
	return n;
}

void rehash_hurry(struct rehash *h)
{
	port_monitor_lock(h->lock);
	h->is_hurried = true;
	port_monitor_signal(h->lock);
	port_monitor_unlock(h->lock);
}

bool rehash_help(struct rehash *h)
{
	bool has_one;

	port_monitor_lock(h->lock);
	has_one = h->waiting > 0;
	if (has_one)
		hash_next(h, h->buffers[1]);
	port_monitor_unlock(h->lock);
	return has_one;
}
