/* weir export: packets of stores and files, merged and selected, in a form for other tools. */
#include "analyze/parent.h"
#include "base/mem.h"
#include "cli/sources.h"

#include <inttypes.h>
#include <unistd.h>

struct export
{
	const char *output, *format;
	struct source_options what;
	bool want_help;
	const struct writer_ops *ops;
	struct sources sources;
	char(*parents)[PARENT_TEXT];
	const char **parent_list;
};

static int parse(struct export *e, int *argc, char **argv, struct weir_error *err)
{
	const struct option options[] = {
		{ "output", 'o', OPTION_STRING, &e->output, "FILE",
		  "write to FILE; - is standard output, which is the default", 0, 0 },
		{ "format", 0, OPTION_STRING, &e->format, "NAME",
		  "pcapng, pcap, jsonl or csv; else as FILE ends, else pcapng", 0, 0 },
		OPTION_FILTER(&e->what),
		OPTION_FROM(&e->what),
		OPTION_TO(&e->what),
		OPTION_HELP(&e->want_help),
		OPTION_END,
	};
	int rc = options_parse(options, argc, argv, err);

	if (!rc && e->want_help)
		(void)cli_help(command_find("export"), options);
	return rc;
}

static int choose_format(struct export *e, struct weir_error *err)
{
	e->ops = e->format ? writer_by_name(e->format) : writer_by_path(e->output);
	if (!e->ops && e->format)
		return err_set(
			err, WEIR_ERR_USAGE,
			"'%.40s' is not a format: expected pcapng, pcap, jsonl or csv",
			e->format);
	if (!e->ops)
		e->ops = &writer_pcapng;
	if (e->ops->is_binary && !strcmp(e->output, "-") && isatty(STDOUT_FILENO))
		return err_set(
			err, WEIR_ERR_USAGE,
			"%s is not written to a terminal: name a file with -o, or take "
			"--format jsonl",
			e->ops->name);
	return 0;
}

/* A store is never added to: evidence stays what was recorded. */
static int check_place(const char *output, struct weir_error *err)
{
	const char *slash = strrchr(output, '/');
	char hex[HASH_HEX], *folder;
	int rc;

	if (!strcmp(output, "-"))
		return 0;
	folder = mem_strdup(slash ? output : ".");
	if (!folder)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for '%s'", output);
	if (slash)
		folder[slash == output ? 1 : slash - output] = '\0';
	rc = parent_head(folder, hex, NULL);
	mem_free(folder);
	if (rc == WEIR_ERR_ABSENT)
		return 0;
	return err_set(err, WEIR_ERR_USAGE,
		       "'%s' lies within a store, which is left as it is", output);
}

static int describe_parents(struct export *e, char **words, int count,
			    struct weir_error *err)
{
	size_t n = (size_t)count;
	int rc = 0;

	e->parents = mem_new(n, sizeof *e->parents);
	e->parent_list = mem_new(n, sizeof *e->parent_list);
	if (!e->parents || !e->parent_list)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for %d sources",
			       count);
	for (size_t i = 0; i < n && !rc; i++) {
		e->parent_list[i] = e->parents[i];
		rc = parent_describe(words[i], e->parents[i], err);
	}
	return rc;
}

static int write_out(struct export *e, struct copy *c, struct weir_error *err)
{
	struct writer w = { .ops = e->ops,
			    .merge = e->sources.merge,
			    .name = strcmp(e->output, "-") ? e->output
							   : "standard output",
			    .parents = e->parent_list };
	int rc = sink_open(&w.out, e->output, err);

	if (rc)
		return rc;
	c->writer = &w;
	rc = copy_run(c, err);
	if (rc && !sink_failed(w.out)) {
		sink_discard(w.out);
		return rc;
	}
	rc = sink_close(w.out, err);
	if (!rc && w.is_mixed)
		(void)fprintf(
			stderr,
			"weir export: the packets have several link types; tcpdump and "
			"other users of libpcap read the first one only\n");
	return rc;
}

static int run(struct export *e, char **words, int count, struct weir_error *err)
{
	struct copy c = { .selection = &e->sources.selection };
	int rc = choose_format(e, err);

	if (!rc)
		rc = check_place(e->output, err);
	if (!rc)
		rc = sources_open(&e->sources, words, count, &e->what, err);
	if (!rc)
		rc = describe_parents(e, words, count, err);
	if (rc)
		return rc;
	c.merge = e->sources.merge;
	c.is_live = e->sources.is_stream;
	c.stop = sources_catch_signals();
	rc = write_out(e, &c, err);
	if (rc)
		return rc;
	if (strcmp(e->output, "-") != 0)
		(void)fprintf(stderr, "%" PRIu64 " of %" PRIu64 " packets in '%s'\n",
			      c.count, c.read_count, e->output);
	if (!c.is_damaged)
		return EXIT_DONE;
	(void)cli_fail("export", &c.damage);
	(void)fprintf(stderr, "weir export: what could be read is written\n");
	return EXIT_LOSSES;
}

int cmd_export(int argc, char **argv)
{
	struct export e = { .output = "-", .what = SOURCE_OPTIONS_INIT };
	struct weir_error err = { .code = WEIR_OK };
	int rc = parse(&e, &argc, argv, &err);

	if (!rc && e.want_help)
		return EXIT_DONE;
	if (!rc)
		rc = run(&e, argv + 1, argc - 1, &err);
	sources_close(&e.sources);
	mem_free(e.parents);
	mem_free(e.parent_list);
	return rc < 0 ? cli_fail("export", &err) : rc;
}
