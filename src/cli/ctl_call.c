/* `weir ctl call` and `weir ctl stream`. */
#include "agent/arguments.h"
#include "agent/lines.h"
#include "cli/ctl.h"

#include <errno.h>
#include <unistd.h>

/* The directive's schema as the agent describes it. */
static int fetch_schema(struct ctl *c, const char *plugin, const char *directive,
			json_t **schema, struct weir_error *err)
{
	struct ctl_answer a = { .prints = false };
	int rc = ctl_ask(c, false, "/v1/describe", NULL, &a, err);
	const json_t *one = a.result ? describe_find(a.result, plugin, directive) : NULL;

	*schema = NULL;
	if (!rc && a.result && !describe_plugin(a.result, plugin))
		rc = err_set(
			err, WEIR_ERR_USAGE,
			"there is no plugin '%.60s' ('weir ctl describe' tells which)",
			plugin);
	else if (!rc && a.result && !one)
		rc = err_set(
			err, WEIR_ERR_USAGE,
			"plugin '%.40s' has no directive '%.60s' ('weir ctl describe "
			"%.40s' tells which)",
			plugin, directive, plugin);
	/* Who may not ask for a description still may be allowed the call. */
	if (!rc && one)
		*schema = json_incref(json_object_get(one, "arguments"));
	ctl_answer_fini(&a);
	return rc;
}

static int check_names(const char *const *names, size_t count, struct weir_error *err)
{
	for (size_t i = 0; i < count; i++)
		if (!is_plain_name(names[i], 63))
			return err_set(err, WEIR_ERR_USAGE, "'%.60s' is no name",
				       names[i]);
	return 0;
}

static int stopped(const struct ctl *c, int rc, struct weir_error *err)
{
	if (rc >= 0 || !c->client || !client_is_stopped(c->client))
		return rc;
	(void)fprintf(stderr, "weir ctl: cancelled\n");
	err->code = WEIR_OK;
	return EXIT_NO;
}

int ctl_call(struct ctl *c, int argc, char **argv, struct weir_error *err)
{
	json_t *schema = NULL, *arguments = NULL;
	int rc;

	if (argc < 3)
		return err_set(err, WEIR_ERR_USAGE,
			       "call wants a plugin and a directive");
	rc = check_names((const char *const[]){ argv[1], argv[2] }, 2, err);
	if (!rc)
		rc = ctl_connect(c, err);
	if (!rc)
		rc = fetch_schema(c, argv[1], argv[2], &schema, err);
	if (!rc)
		rc = arguments_parse(schema, argv + 3, (size_t)(argc - 3), &arguments,
				     err);
	json_decref(schema);
	if (!rc)
		rc = ctl_simple(c, argv[1], argv[2], arguments, err);
	return stopped(c, rc, err);
}

struct stream {
	struct ctl *ctl;
	struct lines lines; /* of an answer that is no stream: the agent says why not */
	json_t *error;
	struct weir_error *err;
};

static int take_error(void *data, char *line, size_t length)
{
	struct stream *s = data;
	json_t *o = json_loadb(line, length, 0, NULL);

	json_decref(s->error);
	s->error = json_incref(json_object_get(o, "error"));
	json_decref(o);
	return 0;
}

static int write_out(void *data, int status, const char *bytes, size_t length)
{
	struct stream *s = data;

	if (status != 200)
		return lines_feed(&s->lines, bytes, length);
	while (length) {
		ssize_t n = write(STDOUT_FILENO, bytes, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EPIPE)
			return WEIR_ERR_CLOSED;
		if (n <= 0)
			return err_sys(s->err, "cannot write standard output");
		bytes += n;
		length -= (size_t)n;
	}
	return 0;
}

static int end_stream(struct stream *s, int status, int rc, struct weir_error *err)
{
	struct ctl_answer a = { .ctl = s->ctl, .error = s->error };

	/* Ctrl-C and a reader that has enough are how a live stream ends. */
	if (rc &&
	    (client_is_stopped(s->ctl->client) || (rc == WEIR_ERR_CLOSED && !err->code)))
		return EXIT_DONE;
	if (rc)
		return rc;
	if (s->error)
		return ctl_exit(&a);
	return status == 200 ? EXIT_DONE
			     : err_set(err, WEIR_ERR_FORMAT,
				       "the agent answers with status %d", status);
}

int ctl_stream(struct ctl *c, int argc, char **argv, struct weir_error *err)
{
	struct stream s = { .ctl = c,
			    .lines = { .line = take_error, .data = &s },
			    .err = err };
	struct client_request r = { .piece = write_out, .data = &s };
	char target[300];
	int status = 0, rc;

	if (argc != 3)
		return err_set(err, WEIR_ERR_USAGE, "stream wants a plugin and a name");
	rc = check_names((const char *const[]){ argv[1], argv[2] }, 2, err);
	if (!rc && port_is_terminal(STDOUT_FILENO))
		rc = err_set(
			err, WEIR_ERR_USAGE,
			"standard output is a terminal: send it to a file or a program");
	if (!rc)
		rc = ctl_connect(c, err);
	if (rc)
		return rc;
	(void)snprintf(target, sizeof target, "/v1/stream/%s/%s", argv[1], argv[2]);
	r.target = target;
	r.session = c->session;
	rc = client_ask(c->client, &r, &status, err);
	rc = end_stream(&s, status, rc, err);
	lines_fini(&s.lines);
	json_decref(s.error);
	return rc;
}
