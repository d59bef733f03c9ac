/* What all forms share: opening, the name in messages, the interface table. */
#include "weir/reader.h"

#include "base/mem.h"
#include "store/form.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

void *reader_new(size_t size, const struct reader_ops *ops, const char *name,
		 struct weir_error *err)
{
	struct reader *r = mem_new(1, size);

	if (r)
		r->name = mem_strdup(name);
	if (!r || !r->name) {
		mem_free(r);
		(void)err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a reader");
		return NULL;
	}
	r->ops = ops;
	return r;
}

void reader_free(struct reader *r)
{
	if (!r)
		return;
	r->ops->fini(r);
	for (unsigned i = 0; i < r->iface_count; i++)
		mem_free(r->ifaces[i]);
	mem_free(r->ifaces);
	processes_free(r->processes);
	mem_free(r->name);
	mem_free(r);
}

static int grow_ifaces(struct reader *r)
{
	unsigned room = r->iface_room ? 2 * r->iface_room : 4;
	struct iface_info **grown;

	if (r->iface_count < r->iface_room)
		return 0;
	grown = mem_grow(r->ifaces, room, sizeof(struct iface_info *));
	if (!grown)
		return WEIR_ERR_NO_MEMORY;
	r->ifaces = grown;
	r->iface_room = room;
	return 0;
}

/* The index of an entry equal to *info, or the count. */
static unsigned find_iface(const struct reader *r, const struct iface_info *info)
{
	unsigned i = 0;

	/* Both were cleared before they were filled in, padding too; a difference that is none costs
	 * an entry. NOLINTNEXTLINE(bugprone-suspicious-memory-comparison) */
	while (i < r->iface_count && memcmp(r->ifaces[i], info, sizeof *info) != 0)
		i++;
	return i;
}

int reader_add_iface(struct reader *r, const struct iface_info *info,
		     struct weir_error *err)
{
	struct iface_info *copy;
	unsigned found = find_iface(r, info);

	if (found < r->iface_count)
		return (int)found;
	if (r->iface_count == READER_IFACE_MAX)
		return err_set(err, WEIR_ERR_LIMIT, "more than %d different interfaces",
			       READER_IFACE_MAX);
	copy = grow_ifaces(r) ? NULL : mem_new(1, sizeof *copy);
	if (!copy)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for an interface");
	memcpy(copy, info, sizeof *copy);
	r->ifaces[r->iface_count] = copy;
	return (int)r->iface_count++;
}

static int open_form(struct reader **r, const char *name, struct window *w,
		     struct weir_error *err)
{
	int rc = window_want(w, 4, err);

	if (rc > 0 && pcapng_is_magic(window_bytes(w)))
		return pcapng_reader_new(r, name, w, err);
	if (rc > 0 && pcap_is_magic(window_bytes(w)))
		return pcap_reader_new(r, name, w, err);
	if (rc > 0)
		rc = err_set(err, WEIR_ERR_FORMAT,
			     "first bytes %02x %02x %02x %02x are neither pcap's nor "
			     "pcapng's",
			     window_bytes(w)[0], window_bytes(w)[1], window_bytes(w)[2],
			     window_bytes(w)[3]);
	else if (!rc)
		rc = err_set(err, WEIR_ERR_FORMAT,
			     "%zu bytes are neither pcap nor pcapng", window_left(w));
	window_fini(w);
	return rc;
}

int reader_open_source(struct reader **r, const char *name, struct byte_source source,
		       struct weir_error *err)
{
	struct window w;
	int rc = window_init(&w, source, err);

	*r = NULL;
	if (!rc)
		rc = open_form(r, name, &w, err);
	if (rc)
		(void)err_prefix(err, "cannot read '%.200s'", name);
	return rc;
}

static int open_path(const char *path, int *fd, bool *is_store, struct weir_error *err)
{
	struct stat st;

	*is_store = false;
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (*fd < 0 || fstat(*fd, &st)) {
		int rc = err_sys(err, "cannot open '%.200s'", path);

		if (*fd >= 0)
			(void)close(*fd);
		return rc;
	}
	*is_store = S_ISDIR(st.st_mode);
	return 0;
}

int reader_open(struct reader **r, const char *path, struct weir_error *err)
{
	bool is_store;
	int fd, rc;

	*r = NULL;
	if (!strcmp(path, "-"))
		return reader_open_source(r, "standard input",
					  byte_source_fd(STDIN_FILENO, UINT64_MAX, false),
					  err);
	rc = open_path(path, &fd, &is_store, err);
	if (rc)
		return rc;
	if (!is_store)
		return reader_open_source(r, path, byte_source_fd(fd, UINT64_MAX, true),
					  err);
	(void)close(fd);
	return store_reader_new(r, path, err);
}

int reader_next(struct reader *r, struct packet *p, struct weir_error *err)
{
	int rc;

	memset(p, 0, sizeof *p);
	if (r->ended)
		return r->ended > 0
			       ? 0
			       : err_set(err, (enum weir_err)r->ended,
					 "cannot read '%.200s': it has failed before",
					 r->name);
	rc = r->ops->next(r, p, err);
	if (rc < 0)
		(void)err_prefix(err, "cannot read '%.200s'", r->name);
	if (rc <= 0)
		r->ended = rc ? rc : 1;
	return rc;
}

void reader_set_range(struct reader *r, int64_t from_ns, int64_t to_ns)
{
	if (r->ops->set_range)
		r->ops->set_range(r, from_ns, to_ns);
}

unsigned reader_iface_count(const struct reader *r)
{
	return r->iface_count;
}

const struct iface_info *reader_iface(const struct reader *r, unsigned index)
{
	return r->ifaces[index];
}

uint64_t reader_stated_drops(const struct reader *r)
{
	return r->stated_drops;
}

uint64_t reader_lost(const struct reader *r)
{
	return r->lost;
}

uint64_t reader_unread(const struct reader *r)
{
	return r->unread;
}

const struct standing *reader_standing(const struct reader *r)
{
	return &r->standing;
}

const struct process_fact *reader_process(const struct reader *r, const struct packet *p)
{
	if (!p->has_pid || !r->processes)
		return NULL;
	return processes_find(r->processes, p->pid, p->has_owner ? p->owner.start_ns : 0,
			      p->ns);
}
