/* weir show: a readable line a packet. */
#include "cli/sources.h"
#include "port/interrupt.h"

#include <unistd.h>

struct show {
	struct source_options what;
	uint64_t count;
	bool is_json, want_help;
	struct sources sources;
};

static int parse(struct show *s, int *argc, char **argv, struct weir_error *err)
{
	const struct option options[] = {
		OPTION_FILTER(&s->what),
		OPTION_FILTER_FILE(&s->what),
		OPTION_FROM(&s->what),
		OPTION_TO(&s->what),
		{ "count", 0, OPTION_UINT, &s->count, "N", "end after N packets shown", 1,
		  INT64_MAX },
		{ "json", 0, OPTION_FLAG, &s->is_json, NULL, "one JSON object a packet",
		  0, 0 },
		OPTION_HELP(&s->want_help),
		OPTION_END,
	};
	int rc = options_parse(options, argc, argv, err);

	if (!rc && s->want_help)
		(void)cli_help(command_find("show"), options);
	return rc;
}

static int run(struct show *s, char **words, int count, struct weir_error *err)
{
	struct writer w = { .ops = s->is_json ? &writer_jsonl : &writer_text,
			    .name = "standard output" };
	struct copy c = { .writer = &w,
			  .selection = &s->sources.selection,
			  .count_limit = s->count };
	bool is_damaged;
	int rc = sources_open(&s->sources, words, count, &s->what, err);

	if (rc)
		return rc;
	w.merge = c.merge = s->sources.merge;
	c.is_live = s->sources.is_stream || isatty(STDOUT_FILENO);
	c.stop = port_interrupts_catch();
	rc = sink_open(&w.out, "-", err);
	if (rc)
		return rc;
	rc = copy_run(&c, err);
	if (sink_close(w.out, rc ? NULL : err))
		rc = rc ? rc : (int)err->code;
	if (rc)
		return rc;
	is_damaged = sources_tell_lacks(&s->sources, "show");
	if (c.is_damaged)
		(void)cli_fail("show", &c.damage);
	if (c.is_damaged || is_damaged)
		return EXIT_LOSSES;
	return s->sources.is_selective && !c.count ? EXIT_NO : EXIT_DONE;
}

int cmd_show(int argc, char **argv)
{
	struct show s = { .what = SOURCE_OPTIONS_INIT };
	struct weir_error err = { .code = WEIR_OK };
	int rc = parse(&s, &argc, argv, &err);

	if (!rc && s.want_help)
		return EXIT_DONE;
	if (!rc)
		rc = run(&s, argv + 1, argc - 1, &err);
	sources_close(&s.sources);
	return rc < 0 ? cli_fail("show", &err) : rc;
}
