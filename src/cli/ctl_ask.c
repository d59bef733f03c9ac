/* The connection of `weir ctl`, and what comes over it. */
#include "agent/arguments.h"
#include "agent/dispatch.h"
#include "agent/lines.h"
#include "agent/private_file.h"
#include "cli/ctl.h"
#include "port/net.h"

#include <unistd.h>

static int choose_directory(const struct ctl *c, char path[CONFIG_PATH_MAX],
			    struct weir_error *err)
{
	const char *own = c->directory ? c->directory : getenv("WEIR_CONFIG");
	int n;

	if (!own || !*own)
		return port_control_home(path, CONFIG_PATH_MAX, err);
	n = snprintf(path, CONFIG_PATH_MAX, "%s", own);
	return n > 0 && n < CONFIG_PATH_MAX
		       ? 0
		       : err_set(err, WEIR_ERR_USAGE, "--config: too long a path");
}

int ctl_open_directory(struct ctl *c, bool makes_key, struct weir_error *err)
{
	char path[CONFIG_PATH_MAX];
	int rc = c->dir_fd >= 0 ? 0 : choose_directory(c, path, err);

	if (!rc && c->dir_fd < 0)
		rc = private_dir_open(path, &c->dir_fd, err);
	if (!rc && !c->agents.items)
		rc = agents_open(&c->agents, c->dir_fd, err);
	if (rc || c->has_key)
		return rc;
	rc = keypair_load(c->dir_fd, CTL_KEY, &c->key, err);
	if (rc == WEIR_ERR_ABSENT && makes_key) {
		rc = keypair_make(c->dir_fd, CTL_KEY, "weir controller", err);
		if (!rc)
			rc = keypair_load(c->dir_fd, CTL_KEY, &c->key, err);
	}
	c->has_key = !rc;
	return rc == WEIR_ERR_ABSENT && !makes_key ? 0 : rc;
}

static int connect_known(struct ctl *c, const struct known_agent *one,
			 struct weir_error *err)
{
	struct client_target t = { .port = one->port,
				   .key = &c->key,
				   .pin = one->pin.bytes,
				   .pin_bytes = sizeof one->pin.bytes,
				   .connect_ns = c->connect_ns };

	if (!c->has_key)
		return err_set(err, WEIR_ERR_ABSENT, "there is no key '" CTL_KEY ".key'");
	(void)snprintf(t.address, sizeof t.address, "%s", one->address);
	return client_open(&c->client, &t, &c->stop, err);
}

static int connect_socket(struct ctl *c, const char *path, struct weir_error *err)
{
	const struct client_target t = { .socket = path, .connect_ns = c->connect_ns };

	return client_open(&c->client, &t, &c->stop, err);
}

/* Nothing was said: the agent of this machine, else the only one that is paired. */
static int connect_usual(struct ctl *c, struct weir_error *err)
{
	int rc;

	if (local_is_there(CONFIG_SOCKET))
		return connect_socket(c, CONFIG_SOCKET, err);
	rc = ctl_open_directory(c, false, err);
	if (rc)
		return rc;
	if (c->agents.count == 1)
		return connect_known(c, &c->agents.items[0], err);
	return err_set(err, WEIR_ERR_USAGE,
		       c->agents.count ? "several agents are paired: give --agent NAME"
				       : "no agent runs here ('" CONFIG_SOCKET
					 "') and none is paired");
}

int ctl_connect(struct ctl *c, struct weir_error *err)
{
	const char *name = c->agent ? c->agent : getenv("WEIR_AGENT");
	const struct known_agent *one;
	int rc;

	if (c->socket)
		return connect_socket(c, c->socket, err);
	if (!name || !*name)
		return connect_usual(c, err);
	rc = ctl_open_directory(c, false, err);
	if (rc)
		return rc;
	one = agents_find(&c->agents, name);
	if (!one)
		return err_set(err, WEIR_ERR_USAGE, "no agent '%.60s' is paired", name);
	return connect_known(c, one, err);
}

void ctl_close(struct ctl *c)
{
	client_close(c->client);
	agents_fini(&c->agents);
	if (c->has_key)
		keypair_fini(&c->key);
	if (c->dir_fd >= 0)
		(void)close(c->dir_fd);
	port_stop_fini(&c->stop);
}

static void clear_progress(struct ctl_answer *a)
{
	if (a->has_status_line)
		(void)fprintf(stderr, "\r\033[K");
	a->has_status_line = false;
}

static void show_progress(struct ctl_answer *a, const json_t *progress)
{
	char *text = json_dumps(progress, JSON_COMPACT | JSON_ENCODE_ANY);

	if (a->ctl->quiet || !text) {
		free(text);
		return;
	}
	if (port_is_terminal(STDERR_FILENO)) {
		(void)fprintf(stderr, "\r\033[K");
		a->has_status_line = true;
	}
	(void)fprintf(stderr, "weir ctl: ");
	ctl_print_text(stderr, text);
	if (!a->has_status_line)
		(void)fputc('\n', stderr);
	free(text);
}

/* Evidence that says it is not whole must not end with 0. */
static bool tells_loss(const json_t *result)
{
	const char *grade = json_string_value(json_object_get(result, "grade"));

	return json_integer_value(json_object_get(result, "lost")) > 0 ||
	       (grade && strcmp(grade, "complete") != 0);
}

static int take_object(struct ctl_answer *a, const char *line, const json_t *o)
{
	json_t *item = json_object_get(o, "item"),
	       *progress = json_object_get(o, "progress"),
	       *result = json_object_get(o, "result"),
	       *error = json_object_get(o, "error");

	if (progress) {
		show_progress(a, progress);
		return 0;
	}
	clear_progress(a);
	if (a->prints && a->ctl->json)
		(void)printf("%s\n", line);
	if (item && a->item)
		a->item(a, item);
	else if (item && a->prints && !a->ctl->json)
		ctl_print_item(item);
	if (result && a->prints && !a->ctl->json && !json_is_null(result))
		ctl_print_value(result);
	if (result) {
		a->result = json_incref(result);
		a->has_lost = tells_loss(result);
	}
	if (error)
		a->error = json_incref(error);
	/* Whoever reads standard output has gone: so do we, and the call with us. */
	return ferror(stdout) ? WEIR_ERR_CLOSED : 0;
}

static int take_line(void *data, char *line, size_t length)
{
	json_t *o = json_loadb(line, length, 0, NULL);
	int rc = json_is_object(o) ? take_object(data, line, o) : WEIR_ERR_FORMAT;

	json_decref(o);
	return rc;
}

static int take_piece(void *data, int status, const char *bytes, size_t length)
{
	int rc = lines_feed(data, bytes, length);

	(void)status;
	/* What has come is seen while the call goes on. */
	return rc ? rc : fflush(stdout) ? WEIR_ERR_CLOSED : 0;
}

int ctl_ask(struct ctl *c, bool is_post, const char *target, const json_t *body,
	    struct ctl_answer *a, struct weir_error *err)
{
	struct lines lines = { .line = take_line, .data = a };
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	const struct client_request r = { .is_post = is_post,
					  .target = target,
					  .body = text,
					  .session = c->session,
					  .piece = take_piece,
					  .data = &lines };
	int status = 0, rc;

	a->ctl = c;
	err->code = WEIR_OK;
	rc = client_ask(c->client, &r, &status, err);
	clear_progress(a);
	lines_fini(&lines);
	free(text);
	if (rc && !err->code)
		return err_set(err, (enum weir_err)rc, "%s",
			       ferror(stdout) ? "cannot write standard output"
					      : "the agent's answer is not of its form");
	if (!rc && !a->result && !a->error)
		return err_set(err, WEIR_ERR_FORMAT,
			       "the agent's answer has no result (status %d)", status);
	return rc;
}

void ctl_answer_fini(struct ctl_answer *a)
{
	json_decref(a->result);
	json_decref(a->error);
	a->result = a->error = NULL;
}

static int exit_of_code(json_int_t code)
{
	switch (code) {
	case CALL_PARSE:
	case CALL_INVALID:
	case CALL_UNKNOWN:
	case CALL_ARGUMENTS:
		return EXIT_USAGE;
	case CALL_INTERNAL:
	case CALL_UNAVAILABLE:
	case CALL_TIMEOUT:
	case CALL_BUSY:
		return EXIT_ENVIRONMENT;
	default:
		return EXIT_NO;
	}
}

int ctl_exit(const struct ctl_answer *a)
{
	const char *message = json_string_value(json_object_get(a->error, "message"));

	if (!a->error)
		return a->has_lost ? EXIT_LOSSES : EXIT_DONE;
	(void)fprintf(stderr, "weir ctl: the agent says: ");
	ctl_print_text(stderr, message ? message : "no");
	(void)fputc('\n', stderr);
	return exit_of_code(json_integer_value(json_object_get(a->error, "code")));
}

int ctl_simple(struct ctl *c, const char *plugin, const char *directive, json_t *body,
	       struct weir_error *err)
{
	struct ctl_answer a = { .prints = true };
	char target[300];
	int rc = c->client ? 0 : ctl_connect(c, err);

	(void)snprintf(target, sizeof target, "/v1/call/%s/%s", plugin, directive);
	if (!rc)
		rc = ctl_ask(c, true, target, body, &a, err);
	json_decref(body);
	if (!rc)
		rc = ctl_exit(&a);
	ctl_answer_fini(&a);
	return rc;
}
