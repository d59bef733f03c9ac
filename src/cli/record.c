#include "cli/record.h"

#include "base/mem.h"
#include "base/time.h"
#include "cli/filter_text.h"
#include "cli/record_control.h"
#include "weir/filter.h"

#include <inttypes.h>

#define POLL_NS    (250 * NS_PER_MS)
#define CONTROL_NS (100 * NS_PER_MS) /* where the other end of a descriptor may end it */

/* The command as it was given, words with odd characters quoted for a shell. */
void record_join_words(char *text, size_t size, int argc, char **argv)
{
	size_t used = 0;

	for (int i = 0; i < argc && used < size - 1; i++) {
		bool is_plain =
			argv[i][0] && !strpbrk(argv[i], " \t\n\"'$`\\|&;()<>*?[]{}!#~");
		int n = snprintf(text + used, size - used, is_plain ? "%s%s" : "%s'%s'",
				 i ? " " : "", argv[i]);

		used = n < 0 ? size : used + (size_t)n;
	}
}

/* Words that are no options: the filter, or for import the files. */
static int take_words(struct recorder *r, int argc, char **argv, struct weir_error *err)
{
	char *filter = (char *)(uintptr_t)r->options.filter;
	char **words = argv + 1;
	int count = argc - 1;

	if (r->kind->is_import) {
		if (!count)
			return err_set(err, WEIR_ERR_USAGE, "no file to import");
		r->config.source.inputs = (const char *const *)words;
		r->config.store.inputs = r->config.source.inputs;
		count = 0;
	}
	if (filter && count)
		return err_set(err, WEIR_ERR_USAGE,
			       "a filter and --filter cannot both be given");
	if (filter) {
		words = &filter;
		count = 1;
	}
	return filter_text_take(words, count, r->options.filter_file, &r->filter_text,
				err);
}

static int compile_filter(struct recorder *r, struct weir_error *err)
{
	const char *text = r->filter_text ? r->filter_text : "true";
	enum filter_layer layer =
		r->config.source.is_forward ? FILTER_FORWARD : FILTER_NETWORK;
	unsigned flags = r->options.filter_file ? FILTER_COMMENTS : 0;
	struct filter_error bad;
	int rc = filter_compile(&r->filter, text, layer, flags, &bad);

	if (rc == WEIR_ERR_USAGE)
		filter_error_show(&bad, text, r->filter_words, sizeof r->filter_words);
	if (rc)
		return filter_error_line(&bad, err);
	r->config.store.filter = filter_text(r->filter);
	r->config.store.filter_normal = filter_normal(r->filter);
	r->config.store.filter_sha256 = filter_hash(r->filter);
	/* No filter at all is free. */
	r->config.source.filter = filter_is_true(r->filter) ? NULL : r->filter;
	if (r->kind->is_import || !filter_asks_process(r->filter))
		return 0;
	if (!r->config.has_attribution)
		return err_set(err, WEIR_ERR_USAGE,
			       "the filter asks for processes: that excludes "
			       "--no-attribution");
	r->config.source.is_filter_late = true;
	return 0;
}

/* "weir-20261122T231335Z" where no name is given. */
void record_name_store(char *where, size_t size)
{
	char time[TIME_TEXT];
	size_t used = (size_t)snprintf(where, size, "weir-");

	time_format(port_realtime_ns(), time);
	for (const char *p = time; *p && *p != '.'; p++)
		if (*p != '-' && *p != ':')
			where[used++] = *p;
	(void)snprintf(where + used, size - used, "Z");
}

static void name_output(struct recorder *r)
{
	if (r->options.stream || r->options.store) {
		const char *name =
			r->options.stream ? r->options.stream : r->options.store;

		(void)snprintf(r->where, sizeof r->where, "%s", name);
		return;
	}
	record_name_store(r->where, sizeof r->where);
	r->config.store.path = r->where;
}

/* Whom the recorder becomes: --user, else `weir` or `nobody` where it was started as root. */
int record_choose_user(struct record_user *u, const char *asked, bool reads_files,
		       struct weir_error *err)
{
	struct port_identity id;

	u->has_user = false;
	port_identity(&id);
	if (id.uid) {
		if (asked)
			return err_set(err, WEIR_ERR_PRIVILEGE,
				       "--user: only root can become another user");
		return 0;
	}
	if (asked) {
		u->has_user = true;
		return port_user_find(asked, &u->user, err);
	}
	/* An import needs no privilege, but it reads files that only root may see. */
	if (reads_files)
		return 0;
	u->has_user = !port_user_find("weir", &u->user, NULL) ||
		      !port_user_find("nobody", &u->user, NULL);
	return 0;
}

static int choose_user(struct recorder *r, struct weir_error *err)
{
	struct record_user chosen;
	int rc = record_choose_user(&chosen, r->options.user, r->kind->is_import, err);

	r->user = chosen.user;
	r->has_user = chosen.has_user;
	return rc;
}

static int check_privileges(const struct recorder *r, struct weir_error *err)
{
	const char *need = r->kind->capabilities;

	if (!*need || port_have_capability(need))
		return 0;
	return port_lacks_capability(need, err);
}

static int prepare(struct recorder *r, int argc, char **argv, struct weir_error *err)
{
	int rc;

	record_join_words(r->command_line, sizeof r->command_line, argc, argv);
	rc = record_options_parse(r->kind, &r->options, &argc, argv, err);
	if (rc || r->options.want_help)
		return rc;
	rc = record_options_apply(r->kind, &r->options, &r->config, err);
	if (!rc)
		rc = take_words(r, argc, argv, err);
	if (!rc)
		rc = compile_filter(r, err);
	if (!rc)
		rc = check_privileges(r, err);
	if (!rc)
		rc = choose_user(r, err);
	if (rc)
		return rc;
	name_output(r);
	r->config.store.command_line = r->command_line;
	r->config.owner = r->has_user ? &r->user : NULL;
	return 0;
}

/* Why the loop ends, or NULL while it does not. */
static const char *reason_of(struct recorder *r, unsigned wake)
{
	const char *reason = NULL;

	if (wake & PORT_WAKE_INTERRUPT)
		return "interrupt";
	if (wake & PORT_WAKE_TERMINATE)
		return "terminate";
	if (wake & PORT_WAKE_DESCRIPTOR)
		reason = r->request(r);
	if (!reason)
		reason = control_reason(r->control);
	if (!reason && wake & PORT_WAKE_EVENT)
		return session_end_reason(r->session);
	if (!reason && r->options.for_ns &&
	    port_monotonic_ns() - r->status.started_ns >= r->options.for_ns)
		return "duration";
	return reason;
}

static void run_until_stop(struct recorder *r)
{
	struct session_status now;
	const char *reason = NULL;

	status_begin(&r->status, &r->options, r->where, session_memory(r->session),
		     r->confined);
	while (!reason) {
		int64_t wait = r->control ? CONTROL_NS : POLL_NS, left;
		unsigned wake;

		if (r->options.for_ns) {
			left = r->status.started_ns + r->options.for_ns -
			       port_monotonic_ns();
			if (left < wait)
				wait = left > 0 ? left : 0;
		}
		wake = port_stop_wait(&r->stop, session_ended(r->session), r->request_fd,
				      wait);
		session_poll(r->session, &now);
		status_update(&r->status, &now);
		reason = reason_of(r, wake);
	}
	r->reason = reason;
	/* The drain is bounded, the disk is not: a second Ctrl-C must always work. */
	port_stop_next_kills(&r->stop);
	session_stop(r->session);
}

static int exit_code(const struct store_summary *sum)
{
	/* An input's losses are no failure of what read it. */
	if (sum->is_inherited)
		return EXIT_LOSSES;
	/* Nor is the gap before a session that was asked to go on a failure of any. */
	return sum->sessions == GRADE_COMPLETE    ? EXIT_DONE
	       : sum->sessions == GRADE_WITH_LOSS ? EXIT_LOSSES
						  : EXIT_ENVIRONMENT;
}

void record_tell_reader_gone(const char *command, const char *where)
{
	struct weir_error note = { 0 };

	if (strcmp(where, "-") != 0)
		(void)err_set(&note, WEIR_OK, "the reader of '%.200s' has gone", where);
	else
		(void)err_set(&note, WEIR_OK, "the reader of standard output has gone");
	cli_say(command, &note);
}

/* From the store's directory to the threads; what fails leaves nothing running. */
static int start(struct recorder *r, struct weir_error *err)
{
	bool hears_interrupt = r->request_fd < 0;
	int rc = 0;

	/* A pipe is opened when its reader comes, and until then Ctrl-C simply kills. */
	if (!r->options.stream)
		rc = port_stop_init(&r->stop, hears_interrupt, err);
	if (!rc)
		rc = session_prepare(r->session, r->losses, err);
	if (rc) {
		session_free(r->session);
		return rc;
	}
	if (r->options.stream)
		rc = port_stop_init(&r->stop, hears_interrupt, err);
	if (!rc)
		rc = port_drop(r->has_user ? &r->user : NULL, r->kind->kept, err);
	if (!rc)
		rc = record_confine(r, err);
	if (!rc)
		rc = session_start(r->session, err);
	if (!rc && r->options.control_fd)
		rc = control_start(&r->control, (int)r->options.control_fd, r->session,
				   err);
	if (rc) {
		struct weir_error later;

		if (session_close(r->session, "error", NULL, NULL, &later))
			return rc;
	}
	return rc;
}

int record_run(struct recorder *r)
{
	struct store_summary sum = { 0 };
	struct weir_error err = { 0 };
	int rc = start(r, &err);

	if (rc)
		return cli_fail(r->kind->name, &err);
	run_until_stop(r);
	control_stop(r->control);
	rc = session_close(r->session, r->reason, NULL, &sum, &err);
	if (sum.is_as_it_was)
		(void)fprintf(stderr,
			      "weir %s: nothing was recorded: '%s' is as it was\n",
			      r->kind->name, r->where);
	else
		status_end(&r->status, r->where, &sum);
	if (sum.is_reader_gone)
		record_tell_reader_gone(r->kind->name, r->where);
	return rc ? cli_fail(r->kind->name, &err) : exit_code(&sum);
}

/* A bad filter is shown with a caret under the place. */
static int fail(const struct recorder *r, const struct weir_error *err)
{
	if (!r->filter_words[0])
		return cli_fail(r->kind->name, err);
	(void)fprintf(stderr, "weir %s: %stry 'weir filter --help'\n", r->kind->name,
		      r->filter_words);
	return EXIT_USAGE;
}

int record_main(const struct record_kind *kind, int argc, char **argv)
{
	struct recorder *r = mem_new(1, sizeof *r);
	struct weir_error err = { 0 };
	int rc;

	if (!r)
		return EXIT_ENVIRONMENT;
	r->kind = kind;
	r->request_fd = -1;
	rc = prepare(r, argc, argv, &err);
	if (!rc && !r->options.want_help)
		rc = session_open(&r->session, &r->config, &err);
	if (rc)
		rc = fail(r, &err);
	else if (r->options.want_help)
		rc = record_options_help(kind);
	else
		rc = kind->run(r);
	filter_free(r->filter);
	mem_free(r->filter_text);
	mem_free(r);
	return rc;
}
