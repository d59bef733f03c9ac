/* Inline recording: the process that was started becomes the supervisor, its child records. */
#include "capture/supervisor.h"
#include "cli/record.h"
#include "store/open.h"

#include <inttypes.h>

static const char *supervisor_reason(struct recorder *r)
{
	enum supervisor_request request = supervisor_request(r->supervisor);

	if (request == SUPERVISOR_NOTHING)
		return NULL;
	return request == SUPERVISOR_STOP ? "signal" : "supervisor_died";
}

/* How the worker ended, for the store's last line and for a person. */
static void describe_death(const struct supervisor_report *report, char *text,
			   size_t size)
{
	if (report->signal)
		(void)snprintf(text, size, "recorder killed by signal %d",
			       report->signal);
	else
		(void)snprintf(text, size, "recorder ended without closing its store");
}

/* The worker has died; this runs as its user.  The store is repaired and says what happened. */
static int recover(void *arg, const struct supervisor_report *report)
{
	const struct recorder *r = arg;
	char reason[80];
	struct store_death death = { .reason = reason,
				     .losses = &report->losses,
				     .recorded = report->recorded,
				     .is_recorded_known = true };
	struct weir_error err = { 0 };

	describe_death(report, reason, sizeof reason);
	(void)fprintf(stderr, "weir divert: %s; %" PRIu64 " packets passed unrecorded\n",
		      reason, loss_total_packets(&report->losses));
	if (report->is_strict)
		(void)fprintf(
			stderr,
			"weir divert: --strict: the rules of table '%s' still hold traffic; "
			"'weir doctor --clean' removes them\n",
			report->tables);
	if (r->options.stream)
		return EXIT_LOSSES;
	if (store_recover(r->config.store.path, &death, &err)) {
		cli_say("divert", &err);
		return EXIT_ENVIRONMENT;
	}
	(void)fprintf(stderr, "weir divert: the store '%s' was closed; grade: %s\n",
		      r->where, grade_name(GRADE_INCOMPLETE));
	return EXIT_LOSSES;
}

static int run_worker(struct recorder *r)
{
	r->request_fd = supervisor_fd(r->supervisor);
	r->request = supervisor_reason;
	r->losses = supervisor_losses(r->supervisor, 0);
	return record_run(r);
}

static int run(struct recorder *r)
{
	struct supervisor_config c = { .user = r->has_user ? &r->user : NULL,
				       .recover = recover,
				       .arg = r };
	struct source *source = session_source(r->session);
	enum supervisor_role role = SUPERVISOR_WORKER;
	struct supervisor *supervisor;
	struct weir_error err = { 0 };
	int rc = supervisor_fork(&supervisor, &c, &source, 1, &role, &err);

	if (rc) {
		session_free(r->session);
		return cli_fail(r->kind->name, &err);
	}
	r->supervisor = supervisor;
	if (role == SUPERVISOR_PARENT) {
		rc = supervisor_run(supervisor);
		session_free(r->session);
	} else {
		rc = run_worker(r);
	}
	supervisor_free(supervisor);
	return rc;
}

int cmd_divert(int argc, char **argv)
{
	static const struct record_kind kind = {
		.name = "divert",
		.ops = &source_divert,
		.capabilities = SUPERVISOR_WORKER_CAPS,
		.is_inline = true,
		.kept = SUPERVISOR_WORKER_CAPS,
		.run = run,
	};

	if (events_are_asked(argc, argv))
		return events_main(kind.name, argc, argv);
	return record_main(&kind, argc, argv);
}
