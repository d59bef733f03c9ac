/* Opening and closing are what a small file costs, and most of that is the switch to the kernel and
 * back: a ring takes many at once.  Reading is done call by call all the same, because pread(2)
 * leaves a FIFO that was put in a file's place alone, where a ring would drain it; and a ring hands
 * statx(2) to another thread. */
#include "port/files.h"

#include "base/mem.h"
#include "port/linux/files_parts.h"
#include "port/linux/uring.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>

struct small_reader {
	struct uring ring;
	bool is_enabled, is_broken;
	struct open_how how;
};

struct small_reader *small_reader_new(void)
{
	struct small_reader *r = mem_new(1, sizeof *r);

	if (r && uring_init(&r->ring, SMALL_FILES_MAX)) {
		mem_free(r);
		return NULL;
	}
	return r;
}

void small_reader_free(struct small_reader *r)
{
	if (!r)
		return;
	uring_fini(&r->ring);
	mem_free(r);
}

static bool is_ready(struct small_reader *r)
{
	if (!r->is_enabled && !r->is_broken) {
		r->is_enabled = !uring_enable(&r->ring);
		r->is_broken = !r->is_enabled;
	}
	return !r->is_broken;
}

/* Hands in what was put, and waits until all of it is done; results go to where their tag says.
 * What the kernel did not take is taken back, and the ring is used no more. */
static void finish(struct small_reader *r, unsigned put, int *results)
{
	unsigned submitted = 0, done = 0;
	uint64_t tag;
	int32_t result;

	while (done < put) {
		int n = uring_enter(&r->ring, put - submitted, put - done,
				    IORING_ENTER_GETEVENTS, NULL, 0);

		if (n > 0)
			submitted += (unsigned)n;
		while (uring_take(&r->ring, &tag, &result)) {
			results[tag] = result;
			done++;
		}
		if (n < 0 && errno != EINTR && r->is_broken && !submitted)
			break;
		if (n < 0 && errno != EINTR && !r->is_broken) {
			uring_unput(&r->ring, put - submitted);
			put = submitted;
			r->is_broken = true;
		}
	}
}

static void open_all(struct small_reader *r, const struct port_files *p, int dir,
		     const struct small_file *files, unsigned count, int *fds)
{
	r->how = (struct open_how){ .flags = FILES_OPEN_FLAGS };
	if (p->want_noatime)
		r->how.flags |= O_NOATIME;
	else if (p->is_confined)
		r->how.resolve = RESOLVE_NO_XDEV;
	for (unsigned i = 0; i < count; i++) {
		struct io_uring_sqe e = { .opcode = IORING_OP_OPENAT2,
					  .fd = dir,
					  .addr = (uintptr_t)files[i].name,
					  .len = sizeof r->how,
					  .off = (uintptr_t)&r->how,
					  .user_data = i };

		fds[i] = -EAGAIN;
		uring_put(&r->ring, &e);
	}
	finish(r, count, fds);
}

static void close_all(struct small_reader *r, const int *fds, unsigned count)
{
	int results[SMALL_FILES_MAX];
	unsigned put = 0;

	for (unsigned i = 0; i < count; i++) {
		struct io_uring_sqe e = { .opcode = IORING_OP_CLOSE,
					  .fd = fds[i],
					  .user_data = i };

		results[i] = -EAGAIN;
		if (fds[i] < 0 || r->is_broken)
			continue;
		uring_put(&r->ring, &e);
		put++;
	}
	if (put)
		finish(r, put, results);
	/* Not taken: what was closed says 0, or an error that leaves no descriptor either. */
	for (unsigned i = 0; i < count; i++)
		if (fds[i] >= 0 && results[i] == -EAGAIN)
			port_handle_close(fds[i]);
}

void port_small_files(void *state, struct small_reader *r, int dir,
		      struct small_file *files, unsigned count)
{
	int fds[SMALL_FILES_MAX];

	for (unsigned i = 0; i < count; i++)
		files[i].bytes = -EAGAIN;
	if (count > SMALL_FILES_MAX || !is_ready(r))
		return;
	open_all(r, state, dir, files, count, fds);
	for (unsigned i = 0; i < count; i++) {
		int rc;

		if (fds[i] < 0) {
			files[i].bytes = fds[i];
			continue;
		}
		files[i].bytes = port_file_calls.read(state, fds[i], files[i].buffer,
						      SMALL_FILE_BYTES, 0);
		rc = port_file_calls.query(state, fds[i], "", &files[i].meta);
		if (files[i].bytes >= 0 && rc)
			files[i].bytes = rc;
	}
	close_all(r, fds, count);
}
