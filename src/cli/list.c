#include "cli/cli.h"
#include "cli/list_volumes.h"

#include "base/mem.h"
#include "base/time.h"
#include "filesystem/magic.h"
#include "filesystem/report.h"
#include "filesystem/text.h"

#include "weir_version.h"

#include <errno.h>

#define POLL_NS          (100 * NS_PER_MS)
#define DEFAULT_STALL_NS (10 * NS_PER_S)
#define DEFAULT_HASH_MAX (UINT64_C(4) << 30)
#define DEFAULT_THREADS  4

struct list_options {
	bool is_recursive, want_xattrs, want_flags, want_hints, want_mime,
		want_content_mime;
	bool want_targets, want_follow, is_case_blind, want_progress, want_help, is_json;
	const char *pattern, *format, *hash, *types, *size, *owner, *group, *cross,
		*output;
	const char *times[SELECT_TIMES], *known_in, *known_out, *absent;
	uint64_t threads, max_depth, max_entries, max_bytes, hash_max;
	int64_t max_time_ns, stall_ns;
};

struct list {
	struct list_options options;
	struct walk_config config;
	struct selection selection;
	struct owners *owners;
	struct pattern *pattern;
	struct list_volumes volumes;
	bool is_stalled; /* a thread hangs, and stands on all this */
	struct out_sink sink;
	struct out out; /* header and summary */
	int fd;
	struct port_stop stop;
	int64_t started_ns;
	char command_line[4096];
};

static const struct option *table_of(struct list_options *o, struct option rows[48])
{
	/* clang-format off: one row a line */
	const struct option table[] = {
		{ "recursive", 'r', OPTION_FLAG, &o->is_recursive, NULL,
		  "go into directories", 0, 0 },
		{ "format", 'f', OPTION_STRING, &o->format, "FORM",
		  "jsonl (default), bodyfile, bodyfile-plaso, csv or table", 0, 0 },
		{ "json", 0, OPTION_FLAG, &o->is_json, NULL, "the same as --format jsonl",
		  0, 0 },
		{ "output", 'o', OPTION_STRING, &o->output, "FILE|-",
		  "write to a new file (standard output)", 0, 0 },
		{ "pattern", 'p', OPTION_STRING, &o->pattern, "GLOB",
		  "only what matches: ** * ? [a-z] {a,b}; with a / from PATH on", 0, 0 },
		{ "ignore-case", 'i', OPTION_FLAG, &o->is_case_blind, NULL,
		  "upper and lower case match each other", 0, 0 },
		{ "hash", 0, OPTION_STRING, &o->hash, "LIST",
		  "md5, sha1, sha256, blake2b512, blake3: all in one read", 0, 0 },
		{ "hash-max", 0, OPTION_SIZE, &o->hash_max, "SIZE",
		  "do not hash larger files (4GiB; 0: all)", 0, 0 },
		{ "known-in", 0, OPTION_STRING, &o->known_in, "FILE",
		  "only files whose hash is in FILE", 0, 0 },
		{ "known-out", 0, OPTION_STRING, &o->known_out, "FILE",
		  "only files whose hash is not in FILE", 0, 0 },
		{ "xattr", 'x', OPTION_FLAG, &o->want_xattrs, NULL,
		  "extended attributes, ACLs, capabilities, labels, NTFS facts", 0, 0 },
		{ "flags", 'F', OPTION_FLAG, &o->want_flags, NULL,
		  "file system flags and project id", 0, 0 },
		{ "mime", 0, OPTION_FLAG, &o->want_mime, NULL,
		  "the MIME type that the name claims", 0, 0 },
		{ "mime-content", 0, OPTION_FLAG, &o->want_content_mime, NULL,
		  "the MIME type of the content (builds with libmagic)", 0, 0 },
		{ "hints", 0, OPTION_FLAG, &o->want_hints, NULL,
		  "facts about times and names that deserve a look", 0, 0 },
		{ "targets", 0, OPTION_FLAG, &o->want_targets, NULL,
		  "read links' targets though it changes their access time", 0, 0 },
		{ "type", 't', OPTION_STRING, &o->types, "LIST",
		  "only f, d, l, p, s, c, b", 0, 0 },
		{ "size", 's', OPTION_STRING, &o->size, "RANGE", "only sizes FROM..TO", 0,
		  0 },
		{ "born", 0, OPTION_STRING, &o->times[SELECT_BORN], "RANGE",
		  "only born FROM..TO", 0, 0 },
		{ "modified", 'm', OPTION_STRING, &o->times[SELECT_MODIFIED], "RANGE",
		  "only modified FROM..TO", 0, 0 },
		{ "changed", 0, OPTION_STRING, &o->times[SELECT_CHANGED], "RANGE",
		  "only changed FROM..TO", 0, 0 },
		{ "accessed", 0, OPTION_STRING, &o->times[SELECT_ACCESSED], "RANGE",
		  "only accessed FROM..TO", 0, 0 },
		{ "owner", 0, OPTION_STRING, &o->owner, "USER",
		  "only of this user, a name or a number", 0, 0 },
		{ "group", 0, OPTION_STRING, &o->group, "GROUP", "only of this group", 0,
		  0 },
		{ "follow", 0, OPTION_FLAG, &o->want_follow, NULL,
		  "enter the directories that links lead to, each once", 0, 0 },
		{ "cross", 0, OPTION_STRING, &o->cross, "WHAT",
		  "enter mounts below: none (default), local or all", 0, 0 },
		{ "threads", 'j', OPTION_UINT, &o->threads, "N",
		  "threads (as many as cores, at most 4)", 1, WALK_THREADS_MAX / 2 },
		{ "max-depth", 0, OPTION_UINT, &o->max_depth, "N",
		  "do not go deeper than N levels (4096)", 1, 1000000 },
		{ "max-entries", 0, OPTION_UINT, &o->max_entries, "N",
		  "stop after N records", 1, INT64_MAX },
		{ "max-time", 0, OPTION_DURATION, &o->max_time_ns, "TIME",
		  "stop after this long, e.g. 30s", 0, 0 },
		{ "max-bytes", 0, OPTION_SIZE, &o->max_bytes, "SIZE",
		  "stop before the output is larger", 0, 0 },
		{ "stall", 0, OPTION_DURATION, &o->stall_ns, "TIME",
		  "give up what does not answer for this long (10s; 0: wait)", 0, 0 },
		{ "absent", 0, OPTION_STRING, &o->absent, "0|-1",
		  "body file: how a time that there is not is written (0)", 0, 0 },
		{ "progress", 0, OPTION_FLAG, &o->want_progress, NULL,
		  "a line of JSON a second to standard error", 0, 0 },
		OPTION_HELP(&o->want_help),
		OPTION_END,
	};
	/* clang-format on */
	memcpy(rows, table, sizeof table);
	return rows;
}

/* What the forms and filters ask of the options, in one place. */
static int apply_selection(struct list *l, struct weir_error *err)
{
	const struct list_options *o = &l->options;
	struct selection *s = &l->selection;
	int rc = 0;

	if (o->types)
		rc = select_parse_types(s, o->types, err);
	if (!rc && o->size)
		rc = select_parse_size(s, o->size, err);
	for (unsigned i = 0; !rc && i < SELECT_TIMES; i++)
		if (o->times[i])
			rc = select_parse_time(s, i, o->times[i], err);
	if (!rc && o->owner) {
		s->has_uid = true;
		if (!owners_find_user(l->owners, o->owner, &s->uid))
			rc = err_set(err, WEIR_ERR_USAGE, "there is no user '%.60s'",
				     o->owner);
	}
	if (!rc && o->group) {
		s->has_gid = true;
		if (!owners_find_group(l->owners, o->group, &s->gid))
			rc = err_set(err, WEIR_ERR_USAGE, "there is no group '%.60s'",
				     o->group);
	}
	if (!rc && o->known_in && o->known_out)
		rc = err_set(err, WEIR_ERR_USAGE,
			     "--known-in and --known-out exclude each other");
	if (!rc && (o->known_in || o->known_out))
		rc = select_load_known(s, o->known_in ? o->known_in : o->known_out,
				       o->known_in != NULL, err);
	l->config.selection = s;
	return rc;
}

static int choose_cross(const char *text, enum walk_cross *cross, struct weir_error *err)
{
	*cross = WALK_CROSS_NONE;
	if (!text || !strcmp(text, "none"))
		return 0;
	*cross = !strcmp(text, "local") ? WALK_CROSS_LOCAL : WALK_CROSS_ALL;
	if (*cross == WALK_CROSS_ALL && strcmp(text, "all") != 0)
		return err_set(err, WEIR_ERR_USAGE,
			       "--cross: '%.60s' is not none, local or all", text);
	return 0;
}

static int apply(struct list *l, struct weir_error *err)
{
	const struct list_options *o = &l->options;
	struct walk_config *c = &l->config;
	const char *form = o->format ? o->format : "jsonl";
	int rc = 0;

	c->form = form_find(form);
	if (!c->form)
		return err_set(
			err, WEIR_ERR_USAGE,
			"unknown form '%.60s': jsonl, bodyfile, bodyfile-plaso, csv or table",
			form);
	if (o->absent && strcmp(o->absent, "0") != 0 && strcmp(o->absent, "-1") != 0)
		return err_set(err, WEIR_ERR_USAGE, "--absent: '%.60s' is not 0 or -1",
			       o->absent);
	if (o->hash)
		rc = digest_parse(o->hash, &c->digests, err);
	if (!rc && o->pattern)
		rc = pattern_parse(&l->pattern, o->pattern, o->is_case_blind, err);
	if (!rc && o->want_content_mime && !magic_is_built_in())
		rc = err_set(err, WEIR_ERR_UNSUPPORTED,
			     "--mime-content: this build has no libmagic (-Dmagic=true)");
	if (!rc)
		rc = apply_selection(l, err);
	if (rc)
		return rc;
	c->digests |= l->selection.known_kinds;
	c->pattern = l->pattern;
	c->is_recursive = o->is_recursive;
	c->max_depth = (unsigned)o->max_depth;
	c->max_entries = o->max_entries;
	c->stall_ns = o->stall_ns;
	c->want_xattrs = o->want_xattrs;
	c->want_flags = o->want_flags;
	c->want_hints = o->want_hints;
	c->want_mime = o->want_mime;
	c->want_content_mime = o->want_content_mime;
	c->want_targets = o->want_targets;
	c->want_follow = o->want_follow;
	c->mounts = &l->volumes.mounts;
	c->hash_max_bytes = o->hash_max;
	c->absent = o->absent;
	c->owners = l->owners;
	c->threads = (unsigned)o->threads;
	return 0;
}

static int open_volumes(struct list *l, int argc, char **argv, struct weir_error *err)
{
	bool is_deep =
		l->options.is_recursive || (l->pattern && pattern_is_deep(l->pattern));
	int rc = choose_cross(l->options.cross, &l->config.cross, err);

	if (rc)
		return rc;
	l->volumes.cross = l->config.cross;
	l->volumes.stall_ns = l->options.stall_ns;
	rc = list_volumes_open(&l->volumes, is_deep, argc, argv, err);
	l->config.volumes = l->volumes.items;
	l->config.volume_count = l->volumes.count;
	return rc;
}

static int write_bytes(void *arg, const void *bytes, size_t length)
{
	const struct list *l = arg;

	return port_write_all(l->fd, bytes, length);
}

static void write_line(struct list *l, char *line)
{
	size_t n = line ? strlen(line) : 0;
	char *p = line ? out_begin(&l->out, n) : NULL;

	out_end(&l->out, p ? text_bytes(p, line, n) : NULL);
	out_flush(&l->out);
	mem_free(line);
}

static void write_head(struct list *l)
{
	struct report_header h = { .version = WEIR_VERSION,
				   .command_line = l->command_line,
				   .config = &l->config,
				   .skipped = l->volumes.skipped,
				   .skipped_count = l->volumes.skipped_count,
				   .started_ns = l->started_ns };

	if (l->config.form->has_reports)
		write_line(l, report_header(&h));
	else if (l->config.form->head)
		write_line(l, mem_strdup(l->config.form->head));
}

/* For those who do not read the summary record: what is not complete. */
static void tell(const struct list *l, const struct walk_result *r)
{
	char name[16];

	for (size_t i = 0; i < l->volumes.skipped_count && l->volumes.skipped_count <= 20;
	     i++)
		if (!l->config.form->has_reports)
			(void)fprintf(stderr, "weir list: not entered: '%s' (%s, %s)\n",
				      l->volumes.skipped[i].path,
				      l->volumes.skipped[i].mount->type,
				      l->volumes.skipped[i].reason);
	if (r->failed_mounts)
		(void)fprintf(stderr, "weir list: mounts that could not be opened: %zu\n",
			      r->failed_mounts);
	for (int i = 0; i < WALK_ERRNO_MAX; i++)
		if (r->counts.errors[i])
			(void)fprintf(stderr, "weir list: %llu %s\n",
				      (unsigned long long)r->counts.errors[i],
				      i ? port_errno_name(i, name) : "other errors");
	if (r->end != WALK_COMPLETE)
		(void)fprintf(stderr, "weir list: not complete: %s\n",
			      walk_end_name(r->end));
	if (r->counts.depth_cut && !l->options.max_depth)
		(void)fprintf(stderr,
			      "weir list: not entered, deeper than --max-depth: %llu\n",
			      (unsigned long long)r->counts.depth_cut);
}

static int exit_code(const struct list *l, const struct walk_result *r)
{
	if (r->output_error == -EPIPE) /* the reader has enough */
		return EXIT_DONE;
	if (r->output_error)
		return EXIT_ENVIRONMENT;
	if (!report_is_complete(r) &&
	    !(r->end == WALK_COMPLETE && l->options.max_depth && !report_error_count(r) &&
	      !r->lost_lines && !r->failed_mounts && !r->failed_paths))
		return EXIT_LOSSES;
	return (l->pattern || l->config.selection->types) && !r->counts.written
		       ? EXIT_NO
		       : EXIT_DONE;
}

static void wait_for_end(struct list *l, struct walk *w)
{
	int64_t begin = port_monotonic_ns(), told = begin, now;
	struct walk_counts counts;
	unsigned wake = 0;

	while (!(wake & PORT_WAKE_EVENT)) {
		int64_t wait = POLL_NS;

		now = port_monotonic_ns();
		if (l->options.max_time_ns && begin + l->options.max_time_ns - now < wait)
			wait = begin + l->options.max_time_ns - now;
		wake = port_stop_wait(&l->stop, walk_done(w), -1, wait > 0 ? wait : 0);
		now = port_monotonic_ns();
		walk_poll(w, &counts);
		if (wake & (PORT_WAKE_INTERRUPT | PORT_WAKE_TERMINATE)) {
			walk_stop(w, WALK_INTERRUPTED);
			port_stop_next_kills(&l->stop);
			return;
		}
		if (wake & PORT_WAKE_EVENT)
			return;
		if (l->options.max_time_ns && now - begin >= l->options.max_time_ns) {
			walk_stop(w, WALK_MAX_TIME);
			return;
		}
		if (l->options.want_progress && now - told >= NS_PER_S) {
			char *line = report_progress(&counts, now - begin);

			told = now;
			(void)fputs(line ? line : "", stderr);
			mem_free(line);
		}
	}
}

static int run(struct list *l, struct weir_error *err)
{
	struct port_identity id = { 0 };
	struct walk_result result;
	struct walk *w;
	int rc;

	if (!l->config.threads)
		l->config.threads = port_processor_count() < DEFAULT_THREADS
					    ? port_processor_count()
					    : DEFAULT_THREADS;
	rc = port_stop_init(&l->stop, true, err);
	if (!rc)
		rc = port_output_open(l->options.output ? l->options.output : "-", &l->fd,
				      err);
	if (!rc &&
	    (out_sink_init(&l->sink, write_bytes, l) || out_init(&l->out, &l->sink)))
		rc = err_set(err, WEIR_ERR_NO_MEMORY, "no memory for the output");
	if (rc)
		return cli_fail("list", err);
	l->sink.max_bytes = l->options.max_bytes;
	l->config.sink = &l->sink;
	write_head(l);
	rc = walk_start(&w, &l->config, err);
	if (rc)
		return cli_fail("list", err);
	/* Some milliseconds, which the threads have work for. */
	if (l->config.form->has_reports)
		port_identity_hash(&id);
	wait_for_end(l, w);
	walk_finish(w, &result);
	result.stalled += l->volumes.stalled;
	result.failed_mounts = l->volumes.failed_mounts;
	result.failed_paths = l->volumes.failed_paths;
	if (result.stalled && result.end == WALK_COMPLETE)
		result.end = WALK_STALLED;
	l->is_stalled = result.stalled != 0;
	/* The bound is for records: the summary is always written. */
	l->sink.max_bytes = 0;
	if (l->config.form->has_reports)
		write_line(l, report_summary(&result, l->volumes.skipped_count,
					     list_volumes_atime(&l->volumes),
					     id.executable_sha256, port_realtime_ns()));
	tell(l, &result);
	if (result.output_error && result.output_error != -EPIPE)
		(void)fprintf(stderr, "weir list: cannot write: %s\n",
			      strerror(-result.output_error));
	return exit_code(l, &result);
}

static void fini(struct list *l)
{
	if (l->is_stalled || l->volumes.stalled)
		return;
	list_volumes_fini(&l->volumes);
	select_fini(&l->selection);
	pattern_free(l->pattern);
	owners_free(l->owners);
	out_fini(&l->out);
	out_sink_fini(&l->sink);
	port_stop_fini(&l->stop);
	port_handle_close(l->fd);
	mem_free(l);
}

static void join_words(char *text, size_t size, int argc, char **argv)
{
	size_t used = 0;

	for (int i = 0; i < argc && used < size; i++) {
		int n = snprintf(text + used, size - used, "%s%s", i ? " " : "", argv[i]);

		used = n < 0 ? size : used + (size_t)n;
	}
}

int cmd_list(int argc, char **argv)
{
	struct list *l = mem_new(1, sizeof *l);
	struct option rows[48];
	struct weir_error err;
	int rc, code;

	if (!l)
		return EXIT_ENVIRONMENT;
	l->fd = l->stop.fd = -1;
	l->options.hash_max = DEFAULT_HASH_MAX;
	l->options.stall_ns = DEFAULT_STALL_NS;
	l->started_ns = port_realtime_ns();
	l->owners = owners_new("/etc/passwd", "/etc/group");
	join_words(l->command_line, sizeof l->command_line, argc, argv);
	rc = l->owners ? options_parse(table_of(&l->options, rows), &argc, argv, &err)
		       : err_set(&err, WEIR_ERR_NO_MEMORY, "no memory");
	if (!rc && l->options.want_help) {
		code = cli_help(command_find("list"), rows);
		fini(l);
		return code;
	}
	if (!rc && argc < 2)
		rc = err_set(&err, WEIR_ERR_USAGE, "no path to list");
	if (!rc)
		rc = apply(l, &err);
	if (!rc)
		rc = open_volumes(l, argc, argv, &err);
	code = rc ? cli_fail("list", &err) : run(l, &err);
	fini(l);
	return code;
}
