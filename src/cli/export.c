/* weir export: packets of stores and files, merged and selected, in a form for other tools. */
#include "analyze/lacks.h"
#include "analyze/parent.h"
#include "analyze/recent.h"
#include "analyze/split.h"
#include "base/mem.h"
#include "cli/sources.h"
#include "port/interrupt.h"

#include <inttypes.h>
#include <unistd.h>

struct export
{
	const char *output, *format, *by;
	struct source_options what;
	bool is_annotated, is_plain, want_help;
	struct split *split; /* --by process */
	struct annotator *annotator;
	struct recent *described;
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
		{ "annotate", 0, OPTION_FLAG, &e->is_annotated, NULL,
		  "a comment on each packet: its process, and names of the other end", 0,
		  0 },
		{ "by", 0, OPTION_STRING, &e->by, "process",
		  "a pcapng a process, into a new folder FILE", 0, 0 },
		{ "plain", 0, OPTION_FLAG, &e->is_plain, NULL,
		  "pcapng without process blocks", 0, 0 },
		OPTION_FILTER(&e->what),
		OPTION_FILTER_FILE(&e->what),
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

/* What only pcapng has a place for. */
static int check_extras(const struct export *e, struct weir_error *err)
{
	if (e->by && strcmp(e->by, "process") != 0)
		return err_set(err, WEIR_ERR_USAGE,
			       "--by '%.40s': packets are told apart by process", e->by);
	if (e->by && !strcmp(e->output, "-"))
		return err_set(err, WEIR_ERR_USAGE,
			       "--by process makes a folder: name it with -o");
	if ((e->by || e->is_annotated || e->is_plain) && e->ops != &writer_pcapng)
		return err_set(err, WEIR_ERR_USAGE,
			       "--by, --annotate and --plain are for pcapng, not for %s",
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

/* Behind what the source is: what it lacks. */
static void add_lacks(const struct standing *of, char parent[PARENT_TEXT])
{
	size_t used = strlen(parent);
	char text[LACKS_TEXT];

	if (lacks_describe(of, text))
		(void)snprintf(parent + used, PARENT_TEXT - used, "; %s", text);
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
		if (!rc)
			add_lacks(merge_standing(e->sources.merge, i), e->parents[i]);
	}
	return rc;
}

static int copy_into(struct export *e, struct copy *c, struct writer *w,
		     struct weir_error *err)
{
	int rc = sink_open(&w->out, e->output, err);

	if (rc)
		return rc;
	rc = copy_run(c, err);
	if (rc && !sink_failed(w->out)) {
		sink_discard(w->out);
		return rc;
	}
	return sink_close(w->out, err);
}

static void tell_split(const struct split *s)
{
	const struct split_counts *n = split_counts(s);

	(void)fprintf(stderr,
		      "%" PRIu64 " files, %" PRIu64 " packets of unknown processes\n",
		      n->files, n->unknown);
	if (n->others)
		(void)fprintf(stderr,
			      "weir export: more than %d processes: %" PRIu64
			      " packets of the rest are in others.pcapng\n",
			      SPLIT_FILES, n->others);
}

static int copy_apart(struct export *e, struct copy *c, struct writer *w,
		      struct weir_error *err)
{
	int rc = split_new(&w->split, e->output, err);

	if (rc)
		return rc;
	w->ops = &writer_split;
	rc = copy_run(c, err);
	/* A failed write is told by the file's own closing. */
	if (rc && !(w->out && sink_failed(w->out))) {
		split_discard(w->split);
		return rc;
	}
	tell_split(w->split);
	return split_close(w->split, err);
}

static int write_out(struct export *e, struct copy *c, struct weir_error *err)
{
	struct writer w = { .ops = e->ops,
			    .merge = e->sources.merge,
			    .name = strcmp(e->output, "-") ? e->output
							   : "standard output",
			    .parents = e->parent_list,
			    .described = e->described };
	int rc;

	c->writer = &w;
	rc = e->by ? copy_apart(e, c, &w, err) : copy_into(e, c, &w, err);
	if (!rc && w.is_mixed)
		(void)fprintf(
			stderr,
			"weir export: the packets have several link types; tcpdump and "
			"other users of libpcap read the first one only\n");
	c->writer = NULL;
	return rc;
}

static int prepare_extras(struct export *e, struct weir_error *err)
{
	if (e->is_annotated)
		e->annotator = annotator_new(e->sources.merge);
	if (e->ops == &writer_pcapng && !e->is_plain)
		e->described = writer_described_new();
	if ((e->is_annotated && !e->annotator) ||
	    (e->ops == &writer_pcapng && !e->is_plain && !e->described))
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for an export");
	return 0;
}

static int prepare(struct export *e, char **words, int count, struct weir_error *err)
{
	int rc = choose_format(e, err);

	e->what.looks_before = e->is_annotated;
	if (!rc)
		rc = check_extras(e, err);
	if (!rc)
		rc = check_place(e->output, err);
	if (!rc)
		rc = sources_open(&e->sources, words, count, &e->what, err);
	if (!rc)
		rc = describe_parents(e, words, count, err);
	return rc ? rc : prepare_extras(e, err);
}

static int run(struct export *e, char **words, int count, struct weir_error *err)
{
	struct copy c = { .selection = &e->sources.selection };
	bool is_damaged;
	int rc = prepare(e, words, count, err);

	if (rc)
		return rc;
	c.annotator = e->annotator;
	c.merge = e->sources.merge;
	c.is_live = e->sources.is_stream;
	c.stop = port_interrupts_catch();
	rc = write_out(e, &c, err);
	if (rc)
		return rc;
	if (strcmp(e->output, "-") != 0)
		(void)fprintf(stderr, "%" PRIu64 " of %" PRIu64 " packets in '%s'\n",
			      c.count, c.read_count, e->output);
	if (c.cut_count)
		(void)fprintf(
			stderr,
			"weir export: %" PRIu64
			" packets had more than %d bytes captured: the rest is left "
			"out, because other programs refuse such a file\n",
			c.cut_count, COPY_CAPTURED_MAX);
	is_damaged = sources_tell_lacks(&e->sources, "export");
	if (!c.is_damaged)
		return c.cut_count || is_damaged ? EXIT_LOSSES : EXIT_DONE;
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
	annotator_free(e.annotator);
	recent_free(e.described);
	sources_close(&e.sources);
	mem_free(e.parents);
	mem_free(e.parent_list);
	return rc < 0 ? cli_fail("export", &err) : rc;
}
