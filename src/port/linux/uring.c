#include "port/linux/uring.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The best form first: results are then made in our own calls, not by interrupting the thread.
 * All forms begin disabled, for the thread that enables the ring is the one that may use it. */
static int set_up(struct uring *u, unsigned depth, struct io_uring_params *p)
{
	static const unsigned forms[] = {
		IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER |
			IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
		IORING_SETUP_R_DISABLED,
	};

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		*p = (struct io_uring_params){ .flags = forms[i] };
		u->fd = (int)syscall(__NR_io_uring_setup, depth, p);
		if (u->fd >= 0 || errno != EINVAL)
			break;
	}
	return u->fd < 0 ? -1 : 0;
}

static void *map(const struct uring *u, size_t bytes, off_t what)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
		       u->fd, what);

	return p == MAP_FAILED ? NULL : p;
}

static unsigned *at(const struct uring *u, unsigned offset)
{
	return (unsigned *)(void *)((uint8_t *)u->map + offset);
}

/* Entry i is always in place i: there is nothing to be chosen. */
static void fill_places(const struct uring *u, const struct io_uring_params *p)
{
	unsigned *places = at(u, p->sq_off.array);

	for (unsigned i = 0; i < p->sq_entries; i++)
		places[i] = i;
}

static int map_rings(struct uring *u, const struct io_uring_params *p)
{
	size_t cq = p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe);

	if (!(p->features & IORING_FEAT_SINGLE_MMAP)) {
		errno = ENOSYS;
		return -1;
	}
	u->map_bytes = p->sq_off.array + p->sq_entries * sizeof(unsigned);
	u->map_bytes = u->map_bytes > cq ? u->map_bytes : cq;
	u->entries_bytes = p->sq_entries * sizeof(struct io_uring_sqe);
	u->map = map(u, u->map_bytes, IORING_OFF_SQ_RING);
	u->entries_map = map(u, u->entries_bytes, IORING_OFF_SQES);
	if (!u->map || !u->entries_map)
		return -1;
	u->entries = u->entries_map;
	u->sq_tail = at(u, p->sq_off.tail);
	u->sq_flags = at(u, p->sq_off.flags);
	u->sq_mask = *at(u, p->sq_off.ring_mask);
	u->cq_head = at(u, p->cq_off.head);
	u->cq_tail = at(u, p->cq_off.tail);
	u->cq_mask = *at(u, p->cq_off.ring_mask);
	u->results = (void *)at(u, p->cq_off.cqes);
	u->has_timeout = p->features & IORING_FEAT_EXT_ARG;
	fill_places(u, p);
	return 0;
}

int uring_init(struct uring *u, unsigned depth)
{
	struct io_uring_params p;
	int error;

	memset(u, 0, sizeof *u);
	if (!set_up(u, depth, &p) && !map_rings(u, &p))
		return 0;
	error = errno;
	uring_fini(u);
	errno = error;
	return -1;
}

void uring_fini(struct uring *u)
{
	if (u->map)
		(void)munmap(u->map, u->map_bytes);
	if (u->entries_map)
		(void)munmap(u->entries_map, u->entries_bytes);
	if (u->fd >= 0)
		(void)close(u->fd);
	u->map = u->entries_map = NULL;
	u->fd = -1;
}

int uring_enable(const struct uring *u)
{
	return (int)syscall(__NR_io_uring_register, u->fd, IORING_REGISTER_ENABLE_RINGS,
			    NULL, 0);
}

void uring_put(struct uring *u, const struct io_uring_sqe *entry)
{
	unsigned tail = *u->sq_tail;

	u->entries[tail & u->sq_mask] = *entry;
	__atomic_store_n(u->sq_tail, tail + 1, __ATOMIC_RELEASE);
}

void uring_unput(struct uring *u, unsigned count)
{
	__atomic_store_n(u->sq_tail, *u->sq_tail - count, __ATOMIC_RELEASE);
}

int uring_enter(const struct uring *u, unsigned submit, unsigned wait, unsigned flags,
		void *arg, size_t size)
{
	return (int)syscall(__NR_io_uring_enter, u->fd, submit, wait, flags, arg, size);
}

bool uring_must_ask(const struct uring *u)
{
	return __atomic_load_n(u->sq_flags, __ATOMIC_RELAXED) &
	       (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW);
}

bool uring_is_empty(const struct uring *u)
{
	return __atomic_load_n(u->cq_tail, __ATOMIC_ACQUIRE) == *u->cq_head;
}

bool uring_take(struct uring *u, uint64_t *tag, int32_t *result)
{
	unsigned head = *u->cq_head;
	const struct io_uring_cqe *c = &u->results[head & u->cq_mask];

	if (uring_is_empty(u))
		return false;
	*tag = c->user_data;
	*result = c->res;
	__atomic_store_n(u->cq_head, head + 1, __ATOMIC_RELEASE);
	return true;
}
