#include "cli/cli.h"

#include "analyze/timeline.h"
#include "base/mem.h"
#include "port/files.h"
#include "port/port.h"

#include <errno.h>

#define DEFAULT_MEMORY (UINT64_C(256) << 20)

struct timeline_options {
	const char *format, *output;
	uint64_t memory_bytes;
	int64_t from_ns, to_ns;
	bool is_json, want_help;
};

static int write_bytes(void *arg, const void *bytes, size_t length)
{
	return port_write_all(*(const int *)arg, bytes, length);
}

/* All rows, in order; stops where nobody reads any more. */
static int write_rows(struct timeline *t, const struct timeline_form *form, struct out *o,
		      struct weir_error *err)
{
	struct when_days *days = mem_new(1, sizeof *days);
	struct timeline_row row;
	int rc = 0;

	if (!days)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory");
	if (form->head) {
		size_t n = strlen(form->head);
		char *p = out_begin(o, n);

		if (p)
			memcpy(p, form->head, n);
		out_end(o, p ? p + n : NULL);
	}
	while (!atomic_load(&o->sink->is_over) && (rc = timeline_next(t, &row, err)) == 1)
		form->write(days, o, &row);
	out_flush(o);
	mem_free(days);
	return rc < 0 ? rc : 0;
}

static int finish(const struct timeline *t, const struct out_sink *sink, bool has_failed)
{
	const struct timeline_counts *c = timeline_counts(t);

	if (c->bad_lines)
		(void)fprintf(stderr, "weir timeline: %s (%llu such lines)\n",
			      c->first_bad, (unsigned long long)c->bad_lines);
	if (sink->error == -EPIPE)
		return EXIT_DONE;
	if (sink->error) {
		(void)fprintf(stderr, "weir timeline: cannot write: %s\n",
			      strerror(-sink->error));
		return EXIT_ENVIRONMENT;
	}
	if (has_failed || c->bad_lines || c->incomplete || sink->lost_lines)
		return EXIT_LOSSES;
	return c->rows ? EXIT_DONE : EXIT_NO;
}

/* A timeline of a part must not look like one of all. */
static void tell_lack(const struct timeline *t, const char *path)
{
	struct weir_error note = { 0 };

	if (!timeline_counts(t)->lack[0])
		return;
	(void)err_set(&note, WEIR_OK, "'%.100s': %s", path, timeline_counts(t)->lack);
	cli_say("timeline", &note);
}

static int run(const struct timeline_options *o, struct timeline *t, int argc,
	       char **argv, struct weir_error *err)
{
	const struct timeline_form *form = timeline_form_find(o->is_json  ? "jsonl"
							      : o->format ? o->format
									  : "table");
	struct out_sink sink = { .lock = NULL };
	struct out out = { .data = NULL };
	bool has_failed = false;
	int fd = -1, rc = 0, code;

	if (!form) {
		(void)err_set(err, WEIR_ERR_USAGE,
			      "unknown form '%.60s': table, csv or jsonl", o->format);
		return cli_fail("timeline", err);
	}
	for (int i = 1; i < argc; i++) {
		bool is_read = !timeline_add(t, argv[i], err);

		tell_lack(t, argv[i]);
		if (is_read)
			continue;
		cli_say("timeline", err);
		has_failed = true;
	}
	rc = timeline_finish(t, err);
	if (!rc)
		rc = port_output_open(o->output ? o->output : "-", &fd, err);
	if (!rc && (out_sink_init(&sink, write_bytes, &fd) || out_init(&out, &sink)))
		rc = err_set(err, WEIR_ERR_NO_MEMORY, "no memory for the output");
	if (!rc)
		rc = write_rows(t, form, &out, err);
	code = rc ? cli_fail("timeline", err) : finish(t, &sink, has_failed);
	if (!rc && has_failed && !timeline_counts(t)->rows)
		code = EXIT_ENVIRONMENT;
	out_fini(&out);
	out_sink_fini(&sink);
	port_handle_close(fd);
	return code;
}

int cmd_timeline(int argc, char **argv)
{
	struct timeline_options o = { .memory_bytes = DEFAULT_MEMORY,
				      .from_ns = INT64_MIN,
				      .to_ns = INT64_MAX };
	/* clang-format off: one row a line */
	const struct option table[] = {
		{ "format", 'f', OPTION_STRING, &o.format, "FORM",
		  "table (default), csv or jsonl (Timesketch)", 0, 0 },
		{ "json", 0, OPTION_FLAG, &o.is_json, NULL, "the same as --format jsonl",
		  0, 0 },
		{ "output", 'o', OPTION_STRING, &o.output, "FILE|-",
		  "write to a new file (standard output)", 0, 0 },
		{ "from", 0, OPTION_TIME, &o.from_ns, "TIME", "nothing before this time",
		  0, 0 },
		{ "to", 0, OPTION_TIME, &o.to_ns, "TIME", "nothing behind this time", 0,
		  0 },
		{ "memory", 0, OPTION_SIZE, &o.memory_bytes, "SIZE",
		  "sort in this much memory, then on disk (256MiB)", 0, 0 },
		OPTION_HELP(&o.want_help),
		OPTION_END,
	};
	/* clang-format on */
	struct timeline_range range = { .has_from = false };
	struct weir_error err;
	struct timeline *t;
	int code;

	if (options_parse(table, &argc, argv, &err))
		return cli_fail("timeline", &err);
	if (o.want_help)
		return cli_help(command_find("timeline"), table);
	if (argc < 2) {
		(void)err_set(&err, WEIR_ERR_USAGE, "no listing and no store");
		return cli_fail("timeline", &err);
	}
	if (o.from_ns > o.to_ns) {
		(void)err_set(&err, WEIR_ERR_USAGE, "--from lies behind --to");
		return cli_fail("timeline", &err);
	}
	range.has_from = o.from_ns != INT64_MIN;
	range.has_to = o.to_ns != INT64_MAX;
	range.from = when_of_ns(o.from_ns);
	range.to = when_of_ns(o.to_ns);
	t = timeline_new((size_t)o.memory_bytes, &range);
	if (!t) {
		(void)err_set(&err, WEIR_ERR_NO_MEMORY, "no memory");
		return cli_fail("timeline", &err);
	}
	code = run(&o, t, argc, argv, &err);
	timeline_free(t);
	return code;
}
