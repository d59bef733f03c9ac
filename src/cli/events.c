/* weir divert, weir sniff --layer flow|socket: what sockets do, as events; no packets are taken.
 *
 * One thread: it waits for the layer's events (analyze/event_source.h), and hands what the filter lets
 * through to standard output, to a stream, and to events.jsonl of a store. */
#include "analyze/event_source.h"
#include "analyze/sink.h"
#include "analyze/socket_line.h"
#include "base/mem.h"
#include "base/time.h"
#include "cli/filter_text.h"
#include "cli/record.h"
#include "process/facts.h"
#include "store/line_file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#define WAIT_NS (100 * NS_PER_MS)
#define SYNC_NS NS_PER_S

struct events_options {
	const char *store, *stream, *filter, *filter_file, *layer, *case_id, *examiner,
		*user;
	int64_t for_ns;
	uint64_t count;
	bool is_json, is_quiet, want_help;
};

struct events {
	const char *command; /* "sniff" */
	struct events_options options;
	enum filter_layer layer;
	struct filter *filter;
	char *filter_text;
	char filter_words[1024]; /* what is wrong with it, for a person */
	char command_line[4096], where[256];
	struct record_user user;
	struct event_source *source;
	struct store *store;
	struct iface_table *ifaces;
	struct line_file *file;
	struct sink *out[2]; /* standard output, a stream */
	struct port_stop stop;
	int64_t boot_to_utc_ns, started_ns, synced_ns;
	uint64_t seen, told;
	struct line_clock clock;
};

/* The word that follows, or stands behind the sign. */
bool events_are_asked(int argc, char **argv)
{
	for (int i = 1; i < argc && argv[i] && strcmp(argv[i], "--") != 0; i++) {
		const char *word = NULL;

		if (!strcmp(argv[i], "--layer") && i + 1 < argc)
			word = argv[i + 1];
		else if (!strncmp(argv[i], "--layer=", 8))
			word = argv[i] + 8;
		if (word && (!strcmp(word, "flow") || !strcmp(word, "socket")))
			return true;
	}
	return false;
}

static int parse(struct events *e, int *argc, char **argv, struct weir_error *err)
{
	struct events_options *o = &e->options;
	/* clang-format off: one row a line */
	const struct option table[] = {
		{ "layer", 0, OPTION_STRING, &o->layer, "LAYER",
		  "flow or socket: events, no packets", 0, 0 },
		{ "output", 'o', OPTION_ONCE, &o->store, "STORE",
		  "the store's directory, to be made (weir-TIME)", 0, 0 },
		{ "write", 'w', OPTION_ONCE, &o->stream, "FILE|-",
		  "write JSON Lines instead of a store", 0, 0 },
		{ "filter", 0, OPTION_ONCE, &o->filter, "FILTER",
		  "only events that match; also as plain words", 0, 0 },
		{ "filter-file", 0, OPTION_ONCE, &o->filter_file, "FILE",
		  "read the filter from FILE; # begins a comment", 0, 0 },
		{ "for", 0, OPTION_DURATION, &o->for_ns, "TIME",
		  "stop after this long, e.g. 30s", 0, 0 },
		{ "count", 'c', OPTION_UINT, &o->count, "N", "stop after N events", 1,
		  INT64_MAX },
		{ "case", 0, OPTION_STRING, &o->case_id, "ID", "case id for the manifest",
		  0, 0 },
		{ "examiner", 0, OPTION_STRING, &o->examiner, "NAME",
		  "examiner for the manifest", 0, 0 },
		{ "user", 0, OPTION_STRING, &o->user, "NAME",
		  "when started as root, run as this user (weir, else nobody)", 0, 0 },
		{ "json", 0, OPTION_FLAG, &o->is_json, NULL,
		  "the events on standard output too, one object a line", 0, 0 },
		{ "quiet", 'q', OPTION_FLAG, &o->is_quiet, NULL, "no summary", 0, 0 },
		OPTION_HELP(&o->want_help),
		OPTION_END,
	};
	/* clang-format on */
	int rc;

	o->for_ns = RECORD_FOR_EVER;
	rc = options_parse(table, argc, argv, err);
	if (!rc && o->want_help)
		(void)cli_help(command_find(e->command), table);
	if (!rc)
		rc = record_check_for(&o->for_ns, err);
	if (!rc && o->store && o->stream)
		rc = err_set(err, WEIR_ERR_USAGE, "-o and -w exclude each other");
	if (!rc && !o->want_help)
		rc = filter_layer_find(o->layer, &e->layer);
	return rc;
}

static int compile(struct events *e, int argc, char **argv, struct weir_error *err)
{
	char *filter = (char *)(uintptr_t)e->options.filter;
	char **words = argv + 1;
	int count = argc - 1, rc;
	struct filter_error bad;
	const char *text;

	if (filter && count)
		return err_set(err, WEIR_ERR_USAGE,
			       "a filter and --filter cannot both be given");
	if (filter) {
		words = &filter;
		count = 1;
	}
	rc = filter_text_take(words, count, e->options.filter_file, &e->filter_text, err);
	if (rc)
		return rc;
	text = e->filter_text ? e->filter_text : "true";
	rc = filter_compile(&e->filter, text, e->layer,
			    e->options.filter_file ? FILTER_COMMENTS : 0, &bad);
	if (rc == WEIR_ERR_USAGE)
		filter_error_show(&bad, text, e->filter_words, sizeof e->filter_words);
	return rc ? filter_error_line(&bad, err) : 0;
}

static void write_event(struct events *e, const struct life_event *event, int64_t ns)
{
	char text[SOCKET_LINE_MAX];
	struct line l;

	line_init(&l, text, sizeof text);
	socket_line_put(&l, &e->clock, event, ns);
	for (unsigned i = 0; i < ARRAY_LEN(e->out); i++)
		if (e->out[i])
			sink_put(e->out[i], text, line_length(&l));
	if (e->file)
		line_file_add(e->file, text, line_length(&l));
}

static void on_event(void *arg, const struct life_event *event)
{
	struct events *e = arg;
	int64_t ns = (int64_t)event->socket.ns + e->boot_to_utc_ns;
	struct filter_input in;

	e->seen++;
	if (e->options.count && e->told == e->options.count)
		return;
	life_filter_input(&in, event, ns);
	if (!filter_is_true(e->filter) && filter_match(e->filter, &in) <= 0)
		return;
	e->told++;
	write_event(e, event, ns);
}

/* With all privileges. */
static int open_source(struct events *e, struct weir_error *err)
{
	const struct event_source_config config = {
		.layer = e->layer, .filter = e->filter, .on = on_event, .arg = e
	};

	if (event_source_open(&e->source, &config, err))
		return err_prefix(err, "--layer %s", e->options.layer);
	return 0;
}

static json_t *describe(const struct events *e)
{
	json_t *source = event_source_describe(e->source);

	(void)json_object_set_new(source, "layer", json_string(e->options.layer));
	return source;
}

static int make_store(struct events *e, struct weir_error *err)
{
	const struct store_config config = {
		.path = e->where,
		.mode = e->command,
		.clock = event_source_clock(),
		.case_id = e->options.case_id,
		.examiner = e->options.examiner,
		.command_line = e->command_line,
		.filter = filter_text(e->filter),
		.filter_normal = filter_normal(e->filter),
		.filter_sha256 = filter_hash(e->filter),
		.source = describe(e),
	};
	int dir, rc = store_create(&e->store, &config, e->ifaces, err);

	if (!rc) {
		dir = open(e->where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		rc = dir < 0 ? err_sys(err, "cannot open '%s'", e->where)
			     : line_file_open(&e->file, dir, STORE_EVENTS, err);
		if (dir >= 0)
			(void)close(dir);
	}
	if (!rc && e->user.has_user)
		rc = store_own(e->store, &e->user.user, err);
	if (!rc && e->user.has_user)
		rc = line_file_own(e->file, &e->user.user, err);
	if (!rc)
		rc = port_drop(e->user.has_user ? &e->user.user : NULL, "", err);
	if (!rc)
		rc = store_begin(e->store, err);
	json_decref(config.source);
	return rc;
}

static int open_outputs(struct events *e, struct weir_error *err)
{
	const struct events_options *o = &e->options;
	bool is_stdout = o->stream && !strcmp(o->stream, "-");
	int rc = 0, fd = -1;

	if (o->is_json || is_stdout)
		rc = sink_open(&e->out[0], "-", err);
	if (!rc && o->stream && !is_stdout)
		rc = port_output_open(o->stream, &fd, err);
	if (!rc && o->stream && !is_stdout)
		rc = sink_open_fd(&e->out[1], o->stream, fd, err);
	if (rc || o->stream)
		return rc ? rc
			  : port_drop(e->user.has_user ? &e->user.user : NULL, "", err);
	if (o->store)
		(void)snprintf(e->where, sizeof e->where, "%s", o->store);
	else
		record_name_store(e->where, sizeof e->where);
	return make_store(e, err);
}

/* What is there now, and what has waited for long enough; then on to who reads it. */
static void take_events(struct events *e)
{
	int64_t now_ns = port_monotonic_ns();

	e->boot_to_utc_ns = facts_boot_ns();
	event_source_take(e->source);
	for (unsigned i = 0; i < ARRAY_LEN(e->out); i++)
		if (e->out[i])
			sink_flush(e->out[i]);
	if (e->file && now_ns - e->synced_ns > SYNC_NS) {
		line_file_sync(e->file);
		e->synced_ns = now_ns;
	}
	if (e->store)
		store_tick(e->store, port_realtime_ns());
}

static const char *reason_of(const struct events *e, unsigned wake)
{
	if (wake & PORT_WAKE_INTERRUPT)
		return "interrupt";
	if (wake & PORT_WAKE_TERMINATE)
		return "terminate";
	if (e->options.count && e->told == e->options.count)
		return "count";
	for (unsigned i = 0; i < ARRAY_LEN(e->out); i++)
		if (e->out[i] && sink_failed(e->out[i]))
			return sink_lost_reader(e->out[i]) ? "reader_closed" : "error";
	if (event_source_trouble(e->source))
		return "error";
	if (e->options.for_ns && port_monotonic_ns() - e->started_ns >= e->options.for_ns)
		return "duration";
	return NULL;
}

static const char *run_until_stop(struct events *e)
{
	const char *reason = NULL;

	e->started_ns = port_monotonic_ns();
	take_events(e);
	reason = reason_of(e, 0);
	while (!reason) {
		int64_t wait = WAIT_NS, left;
		unsigned wake;

		if (e->options.for_ns) {
			left = e->started_ns + e->options.for_ns - port_monotonic_ns();
			wait = left < 0 ? 0 : left < wait ? left : wait;
		}
		wake = port_stop_wait(&e->stop, event_source_wake(e->source),
				      event_source_fd(e->source), wait);
		take_events(e);
		reason = reason_of(e, wake);
	}
	event_source_finish(e->source);
	return reason;
}

static void tell_summary(const struct events *e, uint64_t lost)
{
	if (e->options.is_quiet)
		return;
	(void)fprintf(stderr, "%" PRIu64 " events of %" PRIu64 " seen", e->told, e->seen);
	if (e->store)
		(void)fprintf(stderr, " in '%s'", e->where);
	(void)fprintf(stderr, ", %" PRIu64 " lost\n", lost);
	if (event_source_forgotten(e->source))
		(void)fprintf(stderr,
			      "weir %s: %" PRIu64
			      " sockets and flows were forgotten for want of memory\n",
			      e->command, event_source_forgotten(e->source));
}

static int close_store(struct events *e, const char *reason, uint64_t lost,
		       struct weir_error *err)
{
	json_t *events = e->file ? line_file_end(e->file) : json_null();
	struct store_end end = {
		.reason = reason,
		.members = json_pack("{s:o,s:I,s:I}", "events", events, "lost_events",
				     (json_int_t)lost, "forgotten_sockets",
				     (json_int_t)event_source_forgotten(e->source)),
	};
	struct store_summary sum = { 0 };

	e->file = NULL;
	end.losses.packets[LOSS_KERNEL] = lost;
	return store_close(e->store, &end, &sum, err);
}

/* Who reads no more has had enough; anything else is a failure. */
static void close_output(const struct events *e, struct sink *out, unsigned which,
			 int *rc, struct weir_error *err)
{
	struct weir_error why = { 0 };
	bool is_reader_gone;

	sink_flush(out);
	is_reader_gone = sink_lost_reader(out);
	if (is_reader_gone)
		record_tell_reader_gone(e->command, which ? e->options.stream : "-");
	if (!sink_close(out, &why) || is_reader_gone || *rc)
		return;
	*err = why;
	*rc = (int)why.code;
}

/* Everything that is open; rc is what went wrong before. */
static int close_all(struct events *e, const char *reason, int rc, struct weir_error *err)
{
	struct weir_error later;
	uint64_t lost = e->source ? event_source_lost(e->source) : 0;

	if (!rc)
		tell_summary(e, lost);
	for (unsigned i = 0; i < ARRAY_LEN(e->out); i++)
		if (e->out[i])
			close_output(e, e->out[i], i, &rc, err);
	if (e->store) {
		int closed =
			close_store(e, rc ? "error" : reason, lost, rc ? &later : err);

		rc = rc ? rc : closed;
	}
	event_source_close(e->source);
	iface_table_free(e->ifaces);
	if (rc)
		return rc;
	return lost ? EXIT_LOSSES : EXIT_DONE;
}

static int run(struct events *e, struct weir_error *err)
{
	const char *reason = "error";
	int rc = record_choose_user(&e->user, e->options.user, false, err);

	e->ifaces = iface_table_new();
	if (!rc && !e->ifaces)
		rc = err_set(err, WEIR_ERR_NO_MEMORY, "no memory");
	if (!rc)
		rc = port_stop_init(&e->stop, true, err);
	if (!rc)
		rc = open_source(e, err);
	if (!rc)
		rc = open_outputs(e, err);
	if (!rc)
		reason = run_until_stop(e);
	if (!rc && event_source_trouble(e->source))
		rc = err_set(err, WEIR_ERR_SYSTEM, "%s", event_source_trouble(e->source));
	return close_all(e, reason, rc, err);
}

/* A bad filter is shown with a caret under the place. */
static int fail(const struct events *e, const struct weir_error *err)
{
	if (!e->filter_words[0])
		return cli_fail(e->command, err);
	(void)fprintf(stderr, "weir %s: %stry 'weir filter --help'\n", e->command,
		      e->filter_words);
	return EXIT_USAGE;
}

int events_main(const char *command, int argc, char **argv)
{
	struct events *e = mem_new(1, sizeof *e);
	struct weir_error err = { .code = WEIR_OK };
	int rc;

	if (!e)
		return EXIT_ENVIRONMENT;
	e->command = command;
	record_join_words(e->command_line, sizeof e->command_line, argc, argv);
	rc = parse(e, &argc, argv, &err);
	if (!rc && !e->options.want_help)
		rc = compile(e, argc, argv, &err);
	if (!rc && !e->options.want_help)
		rc = run(e, &err);
	if (rc < 0)
		rc = fail(e, &err);
	filter_free(e->filter);
	mem_free(e->filter_text);
	mem_free(e);
	return rc;
}
