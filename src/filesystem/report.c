#include "filesystem/report.h"

#include "base/mem.h"
#include "base/time.h"
#include "filesystem/text.h"

#include <errno.h>
#include <jansson.h>

/* Bytes as text that is valid whatever they are; exact ones beside where they were not. */
static void set_bytes(json_t *o, const char *member, const char *s)
{
	size_t n = strlen(s);
	char *text = mem_new(3 * n + 1, 1), *p = text, *b64, name[64];
	uint32_t point;

	for (size_t i = 0; text && i < n;) {
		unsigned length = text_utf8((const uint8_t *)s + i, n - i, &point);

		p = length ? text_bytes(p, s + i, length) : TEXT_LIT(p, "\xef\xbf\xbd");
		i += length ? length : 1;
	}
	if (text)
		(void)json_object_set_new(o, member,
					  json_stringn(text, (size_t)(p - text)));
	mem_free(text);
	if (text_is_clean(s, n))
		return;
	b64 = mem_new(TEXT_BASE64(n) + 1, 1);
	if (b64) {
		(void)text_base64(b64, s, n);
		(void)snprintf(name, sizeof name, "%s_b64", member);
		(void)json_object_set_new(o, name, json_string(b64));
	}
	mem_free(b64);
}

static void set_count(json_t *o, const char *member, uint64_t v)
{
	(void)json_object_set_new(o, member, json_integer((json_int_t)v));
}

static void set_truth(json_t *o, const char *member, bool v)
{
	(void)json_object_set_new(o, member, json_boolean(v));
}

static void set_time(json_t *o, const char *member, int64_t ns)
{
	char text[TIME_TEXT], name[64];

	(void)snprintf(name, sizeof name, "%s_ns", member);
	set_count(o, name, (uint64_t)ns);
	time_format(ns, text);
	(void)json_object_set_new(o, member, json_string(text));
}

static char *finish(json_t *o)
{
	size_t n = json_dumpb(o, NULL, 0, JSON_COMPACT);
	char *line = n ? mem_new(n + 2, 1) : NULL;

	if (line) {
		(void)json_dumpb(o, line, n, JSON_COMPACT);
		line[n] = '\n';
	}
	json_decref(o);
	return line;
}

static json_t *mount_object(const struct mount_row *m)
{
	json_t *o = json_object();

	set_count(o, "mount_id", m->id);
	set_bytes(o, "file_system", m->type);
	set_bytes(o, "source", m->source);
	set_bytes(o, "mount_point", m->point);
	set_bytes(o, "root", m->root);
	set_bytes(o, "mount_options", m->options);
	set_bytes(o, "super_options", m->super_options);
	(void)json_object_set_new(o, "kind", json_string(mount_kind_name(m->kind)));
	return o;
}

static json_t *volume_object(const struct volume *v)
{
	json_t *o = json_object();
	char device[32];

	set_bytes(o, "path", v->single ? v->single : v->path);
	if (v->absolute)
		set_bytes(o, "absolute", v->absolute);
	(void)snprintf(device, sizeof device, "%u:%u", v->meta.dev_major,
		       v->meta.dev_minor);
	(void)json_object_set_new(o, "device", json_string(device));
	set_count(o, "mount_id", v->mount_id);
	set_count(o, "inode", v->meta.inode);
	(void)json_object_set_new(o, "access_times", json_string(volume_atime_told(v)));
	if (v->atime_reason[0])
		set_bytes(o, "access_times_reason", v->atime_reason);
	set_truth(o, "has_born", v->meta.have & FILE_HAVE_BTIME);
	set_truth(o, "is_crossed", v->is_crossed);
	if (v->mount)
		(void)json_object_set_new(o, "mount", mount_object(v->mount));
	return o;
}

static json_t *options_object(const struct walk_config *c)
{
	json_t *o = json_object(), *hashes = json_array();

	set_truth(o, "recursive", c->is_recursive);
	set_count(o, "max_depth", c->max_depth ? c->max_depth : WALK_DEPTH_DEFAULT);
	set_count(o, "threads", c->threads);
	set_truth(o, "xattr", c->want_xattrs);
	set_truth(o, "flags", c->want_flags);
	set_truth(o, "hints", c->want_hints);
	set_truth(o, "follow", c->want_follow);
	for (unsigned i = 0; i < DIGEST_KINDS; i++)
		if (c->digests & 1U << i)
			(void)json_array_append_new(hashes, json_string(digest_name(i)));
	(void)json_object_set_new(o, "hash", hashes);
	set_count(o, "hash_max_bytes", c->hash_max_bytes);
	return o;
}

static json_t *host_object(void)
{
	json_t *o = json_object();
	struct port_identity *id = mem_new(1, sizeof *id);

	if (!id)
		return o;
	port_identity(id);
	set_bytes(o, "name", id->host);
	set_bytes(o, "machine_id", id->machine_id);
	set_bytes(o, "boot_id", id->boot_id);
	set_bytes(o, "os", id->os);
	set_bytes(o, "kernel", id->kernel);
	set_bytes(o, "hardware", id->hardware);
	set_count(o, "uid", id->uid);
	set_bytes(o, "executable", id->executable);
	mem_free(id);
	return o;
}

static json_t *clock_object(void)
{
	json_t *o = json_object();
	struct port_clocks c;

	port_clocks(&c);
	set_time(o, "realtime", c.realtime_ns);
	set_count(o, "monotonic_ns", (uint64_t)c.monotonic_ns);
	set_count(o, "boottime_ns", (uint64_t)c.boottime_ns);
	set_truth(o, "is_synchronised", c.is_synchronised);
	set_count(o, "offset_ns", (uint64_t)c.offset_ns);
	set_count(o, "max_error_ns", (uint64_t)c.max_error_ns);
	set_bytes(o, "zone", c.zone);
	return o;
}

char *report_header(const struct report_header *h)
{
	json_t *o = json_object(), *volumes = json_array(), *skipped = json_array();
	char privileges[256];

	(void)json_object_set_new(o, "record", json_string("header"));
	(void)json_object_set_new(o, "format", json_string("weir-list"));
	set_count(o, "format_version", 1);
	(void)json_object_set_new(o, "weir_version", json_string(h->version));
	set_bytes(o, "command_line", h->command_line);
	set_time(o, "started", h->started_ns);
	(void)json_object_set_new(o, "host", host_object());
	(void)json_object_set_new(o, "clock", clock_object());
	port_privileges(privileges, sizeof privileges);
	set_bytes(o, "privileges", privileges);
	(void)json_object_set_new(o, "options", options_object(h->config));
	for (size_t i = 0; i < h->config->volume_count; i++)
		(void)json_array_append_new(volumes,
					    volume_object(h->config->volumes[i]));
	(void)json_object_set_new(o, "volumes", volumes);
	for (size_t i = 0; i < h->skipped_count; i++) {
		json_t *s = mount_object(h->skipped[i].mount);

		set_bytes(s, "path", h->skipped[i].path);
		(void)json_object_set_new(s, "reason", json_string(h->skipped[i].reason));
		(void)json_array_append_new(skipped, s);
	}
	(void)json_object_set_new(o, "skipped_mounts", skipped);
	return finish(o);
}

char *report_progress(const struct walk_counts *now, int64_t elapsed_ns)
{
	json_t *o = json_object();

	(void)json_object_set_new(o, "record", json_string("progress"));
	set_count(o, "elapsed_ns", (uint64_t)elapsed_ns);
	set_count(o, "seen", now->seen);
	set_count(o, "written", now->written);
	return finish(o);
}

uint64_t report_error_count(const struct walk_result *r)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < WALK_ERRNO_MAX; i++)
		n += r->counts.errors[i];
	return n;
}

bool report_is_complete(const struct walk_result *r)
{
	/* What vanished is no loss: it was not there to be listed. */
	return r->end == WALK_COMPLETE && !r->lost_lines && !r->is_memory_short &&
	       !r->counts.depth_cut && !r->failed_mounts && !r->failed_paths &&
	       report_error_count(r) == r->counts.errors[ENOENT];
}

/* Why the listing is not complete, in one word. */
static const char *reason_of(const struct walk_result *r)
{
	if (r->end != WALK_COMPLETE)
		return walk_end_name(r->end);
	if (r->lost_lines || r->is_memory_short)
		return "memory";
	if (r->failed_mounts || r->failed_paths)
		return "errors";
	return r->counts.depth_cut ? "max_depth" : "errors";
}

static json_t *errors_object(const struct walk_result *r)
{
	json_t *o = json_object();
	char text[16];

	for (int i = 0; i < WALK_ERRNO_MAX; i++)
		if (r->counts.errors[i])
			set_count(o, i ? port_errno_name(i, text) : "other",
				  r->counts.errors[i]);
	return o;
}

char *report_summary(const struct walk_result *r, size_t skipped_count,
		     const char *worst_atime, const char *executable_sha256,
		     int64_t ended_ns)
{
	json_t *o = json_object(), *types = json_object();
	bool is_complete = report_is_complete(r);

	(void)json_object_set_new(o, "record", json_string("summary"));
	set_truth(o, "complete", is_complete);
	if (!is_complete)
		(void)json_object_set_new(o, "reason", json_string(reason_of(r)));
	set_count(o, "seen", r->counts.seen);
	set_count(o, "written", r->counts.written);
	for (uint32_t i = 0; i < ARRAY_LEN(r->counts.by_type); i++)
		if (r->counts.by_type[i])
			set_count(types, record_type_name(i << 12), r->counts.by_type[i]);
	(void)json_object_set_new(o, "types", types);
	set_count(o, "directories_read", r->counts.directories_read);
	set_count(o, "hashed_files", r->counts.hashed_files);
	set_count(o, "hashed_bytes", r->counts.hashed_bytes);
	set_count(o, "changed_while_read", r->counts.changed_while_read);
	set_count(o, "vanished", r->counts.vanished);
	set_count(o, "exchanged", r->counts.raced);
	set_count(o, "depth_cut", r->counts.depth_cut);
	set_count(o, "stalled", r->stalled);
	set_count(o, "skipped_mounts", skipped_count);
	set_count(o, "failed_paths", r->failed_paths);
	set_count(o, "failed_mounts", r->failed_mounts);
	(void)json_object_set_new(o, "errors", errors_object(r));
	if (r->output_error)
		(void)json_object_set_new(o, "output_error",
					  json_string(strerror(-r->output_error)));
	(void)json_object_set_new(o, "access_times", json_string(worst_atime));
	set_count(o, "access_times_disturbed", r->disturbed);
	if (executable_sha256[0])
		set_bytes(o, "executable_sha256", executable_sha256);
	set_count(o, "output_bytes", r->bytes);
	set_count(o, "duration_ns", (uint64_t)r->duration_ns);
	set_time(o, "ended", ended_ns);
	return finish(o);
}
