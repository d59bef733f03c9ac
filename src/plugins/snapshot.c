#include "plugins/snapshot.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/time.h"
#include "plugins/program.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "snapshots"

enum {
	SNAPSHOT_PATH = 2304,
	HASH_ROOM = 256 * 1024
};

static int hash_file(const char *path, char hex[HASH_HEX], uint64_t *bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	uint8_t *room = mem_new(HASH_ROOM, 1), digest[HASH_BYTES];
	struct hash *h = hash_new();
	int rc = fd >= 0 && room && h ? 0 : WEIR_ERR_SYSTEM;
	ssize_t n;

	*bytes = 0;
	while (!rc && (n = read(fd, room, HASH_ROOM)) != 0) {
		rc = n < 0 ? WEIR_ERR_SYSTEM : hash_update(h, room, (size_t)n);
		*bytes += n > 0 ? (uint64_t)n : 0;
	}
	if (!rc)
		rc = hash_finish(h, digest);
	if (!rc)
		hash_hex(digest, hex);
	if (fd >= 0)
		(void)close(fd);
	mem_free(room);
	hash_free(h);
	return rc;
}

/* "STORES/snapshots/NAME-20261123T040506.123456789Z.pcapng" */
static int name_file(char path[SNAPSHOT_PATH], const char *stores, const char *name,
		     int64_t now_ns)
{
	char at[TIME_TEXT], plain[TIME_TEXT];
	size_t n = 0;

	(void)snprintf(path, SNAPSHOT_PATH, "%s/" FOLDER, stores);
	if (mkdir(path, 0700) && errno != EEXIST)
		return WEIR_ERR_SYSTEM;
	time_format(now_ns, at);
	for (const char *p = at; *p; p++)
		if (*p != '-' && *p != ':')
			plain[n++] = *p;
	plain[n] = '\0';
	(void)snprintf(path, SNAPSHOT_PATH, "%s/" FOLDER "/%s-%s.pcapng", stores, name,
		       plain);
	return 0;
}

/* missing: what the export says of that, or NULL. */
static void tell(struct serve_call *c, const char *path, int64_t from_ns, int64_t to_ns,
		 const char *missing)
{
	char hex[HASH_HEX], from[TIME_TEXT], to[TIME_TEXT];
	uint64_t bytes;
	json_t *result;

	if (hash_file(path, hex, &bytes)) {
		serve_fail(c, CALL_FAILED, "cannot hash '%.200s'", path);
		return;
	}
	time_format(from_ns, from);
	time_format(to_ns, to);
	result = json_pack("{s:s,s:I,s:s,s:s,s:s}", "path", path, "file_bytes",
			   (json_int_t)bytes, "sha256", hex, "from", from, "to", to);
	if (missing) {
		json_object_set_new(result, "grade", json_string("incomplete"));
		json_object_set_new(result, "missing", json_string(missing));
	}
	serve_result(c, result);
}

void snapshot_run(struct serve_call *c, const char *stores, const char *name,
		  const char *store, int64_t seconds)
{
	int64_t now_ns = port_realtime_ns(), from_ns = now_ns - seconds * NS_PER_S;
	char path[SNAPSHOT_PATH], from[TIME_TEXT];
	const char *const words[] = { "export", store,      "--from", from, "--format",
				      "pcapng", "--output", path,     NULL };
	struct weir_error err = { 0 };
	struct program p;
	size_t length;
	int code;

	time_format(from_ns, from);
	if (name_file(path, stores, name, now_ns)) {
		serve_fail(c, CALL_FAILED, "cannot make '%.200s': %s", path,
			   strerror(errno));
		return;
	}
	if (program_start(&p, words, false, &err)) {
		serve_fail(c, CALL_FAILED, "%s", err.text);
		return;
	}
	serve_set_child(c, &p.process);
	while (program_line(&p, &length))
		continue;
	serve_set_child(c, NULL);
	code = program_wait(&p);
	/* 1: no packet in that time; 4: what could be read of the store is there. */
	if (code && code != 1 && code != 4)
		serve_fail(c, CALL_FAILED, "%.300s (exit code %d)", program_said(&p),
			   code);
	else
		tell(c, path, from_ns, now_ns, code == 4 ? program_said(&p) : NULL);
	program_fini(&p);
}
