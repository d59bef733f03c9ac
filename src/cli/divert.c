/* Inline recording: the process that was started becomes the supervisor, its child records. */
#include "capture/supervisor.h"
#include "cli/record.h"

#include <inttypes.h>

static const char *supervisor_reason(struct recorder *r)
{
	enum supervisor_request request = supervisor_request(r->supervisor);

	if (request == SUPERVISOR_NOTHING)
		return NULL;
	return request == SUPERVISOR_STOP ? "signal" : "supervisor_died";
}

/* The worker has died; this runs as its user.  The store is repaired and says what happened. */
static int recover(void *arg, const struct supervisor_report *report)
{
	struct recorder *r = arg;

	(void)r;
	(void)fprintf(stderr,
		      "weir divert: the recorder died (signal %d); %" PRIu64
		      " packets passed unrecorded\n",
		      report->signal, loss_total_packets(&report->losses));
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

	return record_main(&kind, argc, argv);
}
