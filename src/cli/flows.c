/* weir flows: the conversations of stores and files, with their processes and names. */
#include "analyze/flows.h"
#include "analyze/flow_form.h"
#include "cli/sources.h"
#include "port/interrupt.h"

#include <inttypes.h>

enum {
	LEAST_MEMORY = 1 << 20,
	DEFAULT_MEMORY = 256 << 20
};

struct flows_command {
	struct source_options what;
	uint64_t memory_bytes;
	bool is_json, want_help;
	struct sources sources;
	struct weir_error damage; /* what ended a source before its end */
};

static int parse(struct flows_command *c, int *argc, char **argv, struct weir_error *err)
{
	const struct option options[] = {
		OPTION_FILTER(&c->what),
		OPTION_FILTER_FILE(&c->what),
		OPTION_FROM(&c->what),
		OPTION_TO(&c->what),
		{ "memory", 0, OPTION_SIZE, &c->memory_bytes, "SIZE",
		  "work in this much memory, then on disk (256MiB)", 0, 0 },
		{ "json", 0, OPTION_FLAG, &c->is_json, NULL, "one JSON object a flow", 0,
		  0 },
		OPTION_HELP(&c->want_help),
		OPTION_END,
	};
	int rc = options_parse(options, argc, argv, err);

	if (!rc && c->want_help)
		(void)cli_help(command_find("flows"), options);
	if (!rc && c->memory_bytes < LEAST_MEMORY)
		rc = err_set(err, WEIR_ERR_USAGE,
			     "--memory %" PRIu64 " is less than the %d bytes it takes",
			     c->memory_bytes, LEAST_MEMORY);
	return rc;
}

/* What came before --from may name what comes behind it. */
static int read_all(struct flows_command *c, struct flows *f, struct weir_error *err)
{
	const volatile sig_atomic_t *stop = port_interrupts_catch();
	struct packet p;
	int rc = 0;

	while (!rc && merge_next(c->sources.merge, &p, &c->damage) > 0) {
		bool is_wanted =
			selection_takes(&c->sources.selection, c->sources.merge, &p);

		rc = flows_packet(f, &p, is_wanted, err);
		if (!rc && *stop)
			rc = err_set(err, WEIR_ERR_CLOSED, "interrupted");
	}
	return rc ? rc : flows_finish(f, err);
}

static int write_all(struct flows_command *c, struct flows *f, struct weir_error *err)
{
	struct flow_writer w = { .merge = c->sources.merge };
	struct flow flow;
	int rc = sink_open(&w.out, "-", err);

	if (rc)
		return rc;
	if (!c->is_json)
		flow_table_head(&w);
	while ((rc = flows_next(f, &flow, err)) == 1 && !sink_failed(w.out)) {
		if (c->is_json)
			flow_json_line(&w, &flow);
		else
			flow_table_line(&w, &flow);
	}
	if (sink_close(w.out, rc < 0 ? NULL : err) && rc >= 0)
		rc = (int)err->code;
	return rc < 0 ? rc : 0;
}

static void tell_counts(const struct flows *f)
{
	struct flows_counts n;

	flows_count(f, &n);
	if (n.follow.others)
		(void)fprintf(stderr,
			      "weir flows: %" PRIu64 " of %" PRIu64
			      " packets have no IP header and are in no flow\n",
			      n.follow.others, n.packets);
	if (n.follow.parts)
		(void)fprintf(
			stderr,
			"weir flows: more flows at a time than the memory holds: %" PRIu64
			" were put together from parts on disk\n",
			n.follow.parts);
	if (n.follow.given_up)
		(void)fprintf(
			stderr,
			"weir flows: %" PRIu64
			" connections may lack a name: too many split hellos at a time\n",
			n.follow.given_up);
	if (n.follow.names_gone)
		(void)fprintf(stderr,
			      "weir flows: %" PRIu64
			      " DNS names were forgotten for want of memory\n",
			      n.follow.names_gone);
}

static int run(struct flows_command *c, char **words, int count, struct weir_error *err)
{
	struct flows_counts n;
	struct flows *f;
	bool is_damaged;
	int rc = sources_open(&c->sources, words, count, &c->what, err);

	if (rc)
		return rc;
	f = flows_new(c->sources.merge, (size_t)c->memory_bytes);
	if (!f)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for flows");
	rc = read_all(c, f, err);
	if (!rc)
		rc = write_all(c, f, err);
	if (!rc)
		tell_counts(f);
	flows_count(f, &n);
	flows_free(f);
	if (rc)
		return rc;
	is_damaged = sources_tell_lacks(&c->sources, "flows");
	if (c->damage.code)
		(void)cli_fail("flows", &c->damage);
	if (c->damage.code || is_damaged)
		return EXIT_LOSSES;
	return c->sources.is_selective && !n.flows ? EXIT_NO : EXIT_DONE;
}

int cmd_flows(int argc, char **argv)
{
	struct flows_command c = { .what = SOURCE_OPTIONS_INIT,
				   .memory_bytes = DEFAULT_MEMORY };
	struct weir_error err = { .code = WEIR_OK };
	int rc = parse(&c, &argc, argv, &err);

	c.what.looks_before = true;
	if (!rc && c.want_help)
		return EXIT_DONE;
	if (!rc)
		rc = run(&c, argv + 1, argc - 1, &err);
	sources_close(&c.sources);
	return rc < 0 ? cli_fail("flows", &err) : rc;
}
