/* Drives a store from a unit test: a temporary directory, spans made with record.h, and a look at
 * what came out.  Everything is static: include it once in a test. */
#ifndef TESTS_STORE_DRIVER_H
#define TESTS_STORE_DRIVER_H

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/hash.h"
#include "base/time.h"
#include "lib/tap.h"
#include "store/internal.h"
#include "store/record.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define T0 INT64_C(1763853215123456789)

struct driver {
	char dir[64], path[96];
	struct store_config config;
	struct iface_table *ifaces;
	struct store *store;
	uint64_t next_id;
	struct store_summary summary;
	unsigned released;
};

static inline void driver_init(struct driver *d)
{
	memset(d, 0, sizeof *d);
	(void)snprintf(d->dir, sizeof d->dir, "/tmp/weir-unit-XXXXXX");
	if (!mkdtemp(d->dir))
		abort();
	(void)snprintf(d->path, sizeof d->path, "%.60s/store", d->dir);
	d->ifaces = iface_table_new();
	d->config = (struct store_config){ .path = d->path,
					   .mode = "import",
					   .clock = "test",
					   .command_line = "unit test",
					   .has_packet_clock = true };
	d->next_id = 1;
}

static UNUSED inline struct iface *driver_iface(struct driver *d, const char *name,
						uint16_t linktype)
{
	struct iface_info info = { .linktype = linktype };

	(void)snprintf(info.name, sizeof info.name, "%s", name);
	return iface_add(d->ifaces, &info, NULL);
}

static inline int driver_start(struct driver *d, struct weir_error *err)
{
	int rc = store_create(&d->store, &d->config, d->ifaces, err);

	return rc ? rc : store_begin(d->store, err);
}

static UNUSED inline int driver_close(struct driver *d, struct weir_error *err)
{
	struct store_end end = { .reason = "end_of_input" };

	loss_total_add(&end.losses, store_losses(d->store));
	return store_close(d->store, &end, &d->summary, err);
}

static inline void driver_remove_all(const char *dir)
{
	DIR *all = opendir(dir);
	struct dirent *e;
	char path[1024];

	while (all && (e = readdir(all)) != NULL) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		(void)snprintf(path, sizeof path, "%.500s/%s", dir, e->d_name);
		if (unlink(path))
			driver_remove_all(path);
	}
	if (all)
		(void)closedir(all);
	(void)rmdir(dir);
}

static UNUSED inline void driver_fini(struct driver *d)
{
	iface_table_free(d->ifaces);
	driver_remove_all(d->dir);
}

/* Spans. */

static inline void driver_release(struct span *span)
{
	struct driver *d = span->owner;

	d->released++;
	free(span->data);
	free(span);
}

static inline struct span *span_new(struct driver *d, unsigned lane, unsigned iface_count)
{
	struct span *span = calloc(1, sizeof *span);

	span->capacity = 1024 * 1024;
	span->data = calloc(1, span->capacity);
	span->lane = (uint8_t)lane;
	span->iface_count = iface_count;
	span->is_sorted = true;
	span->release = driver_release;
	span->owner = d;
	return span;
}

/* A packet of `size` bytes, each of them the low byte of its id. */
static inline void span_add(struct span *span, uint32_t iface_id, int64_t ns,
			    uint32_t size)
{
	struct driver *d = span->owner;
	uint8_t *record = span->data + span->length;
	struct record_meta m = { .ns = ns,
				 .iface_id = iface_id,
				 .caplen = size,
				 .len = size + 4,
				 .flags = RECORD_OUTBOUND,
				 .id = d->next_id++ };

	memset(record + RECORD_DATA, (int)(m.id & 0xFF), size);
	span->length += (uint32_t)record_finish(record, &m);
	if (!span->packets || ns < span->first_ns)
		span->first_ns = ns;
	if (span->packets && ns < span->last_ns)
		span->is_sorted = false;
	if (!span->packets || ns > span->last_ns)
		span->last_ns = ns;
	span->packets++;
	span->bytes += size;
	span->wire_bytes += size + 4;
}

/* One span of `count` packets of lane 0, a microsecond apart. */
static UNUSED inline int driver_write(struct driver *d, unsigned count, int64_t ns,
				      uint32_t size)
{
	struct span *span = span_new(d, 0, iface_count_in_lane(d->ifaces, 0));

	for (unsigned i = 0; i < count; i++)
		span_add(span, 0, ns + i * NS_PER_US, size);
	return store_write(d->store, span);
}

/* What came out. */

struct bytes {
	uint8_t *at;
	size_t length;
};

static inline struct bytes read_whole(const char *dir, const char *name)
{
	char path[1024];
	struct bytes b = { 0 };
	struct stat st;
	int fd;

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return b;
	b.at = malloc((size_t)st.st_size + 1);
	b.length = (size_t)st.st_size;
	if (read(fd, b.at, b.length) != (ssize_t)b.length)
		b.length = 0;
	b.at[b.length] = 0;
	(void)close(fd);
	return b;
}

static UNUSED inline bool file_exists(const char *dir, const char *name)
{
	char path[1024];

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	return access(path, F_OK) == 0;
}

/* Counts of a pcapng file's blocks, walked without help of the store; -1 where it is damaged. */
struct walk {
	int packets, interfaces, stats, sections, others;
	bool is_whole;
};

static UNUSED inline struct walk walk_file(const char *dir, const char *name)
{
	struct bytes b = read_whole(dir, name);
	struct walk w = { 0 };
	size_t at = 0;

	while (b.at && at + 12 <= b.length) {
		uint32_t type = get_u32le(b.at + at), n = get_u32le(b.at + at + 4);

		if (n < 12 || n % 4 || n > b.length - at ||
		    get_u32le(b.at + at + n - 4) != n)
			break;
		w.sections += type == PCAPNG_SHB;
		w.interfaces += type == PCAPNG_IDB;
		w.stats += type == PCAPNG_ISB;
		w.packets += type == PCAPNG_EPB;
		at += n;
	}
	w.is_whole = b.at && at == b.length && w.sections == 1;
	free(b.at);
	return w;
}

/* The manifest's n-th line (from 0) of a type; a new reference or NULL. */
static UNUSED inline json_t *manifest_line(const char *path, const char *type, unsigned n)
{
	struct bytes b = read_whole(path, "manifest.jsonl");
	char *line = (char *)b.at, *end;
	json_t *found = NULL;

	while (line && !found && (end = strchr(line, '\n')) != NULL) {
		json_t *one = json_loadb(line, (size_t)(end - line), 0, NULL);

		if (!strcmp(json_string_value(json_object_get(one, "type")), type) &&
		    !n--)
			found = json_incref(one);
		json_decref(one);
		line = end + 1;
	}
	free(b.at);
	return found;
}

static UNUSED inline int64_t member(json_t *line, const char *name)
{
	return json_integer_value(json_object_get(line, name));
}

static UNUSED inline int64_t line_member(const char *path, const char *type, unsigned n,
					 const char *name)
{
	json_t *line = manifest_line(path, type, n);
	int64_t value = line ? member(line, name) : -1;

	json_decref(line);
	return value;
}

static UNUSED inline unsigned count_lines(const char *path, const char *type)
{
	unsigned n = 0;
	json_t *line;

	while ((line = manifest_line(path, type, n)) != NULL) {
		json_decref(line);
		n++;
	}
	return n;
}

/* Runs the independent reader over the store; true when it agrees. */
static UNUSED inline bool check_store(const char *path)
{
	const char *root = getenv("SOURCE_ROOT");
	char command[512];

	(void)fflush(stdout);
	(void)snprintf(command, sizeof command,
		       "python3 '%s/tests/lib/check-store.py' '%s'", root ? root : ".",
		       path);
	return system(command) == 0;
}

#endif
