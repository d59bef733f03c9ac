/* The divert plugin: recordings for controllers. */
#include "plugins/captures.h"
#include "plugins/plugins.h"
#include "plugins/program.h"
#include "plugins/recording.h"
#include "plugins/snapshot.h"

#include "base/base64.h"
#include "base/mem.h"
#include "port/sandbox.h"

#include <errno.h>
#include <unistd.h>

enum {
	STREAM_BYTES = 48 * 1024,
	EXIT_WITH_LOSSES = 4, /* of a recorder */
};

#define STORES_ENV "WEIR_STORES"

struct divert {
	struct captures *captures;
	struct launcher *launcher;
	char stores[2048];
};

static const char *text_of(const json_t *arguments, const char *name)
{
	return json_string_value(json_object_get(arguments, name));
}

/* What a program can tell errors by: the prototype's protocol does. */
static void fail(struct serve_call *c, int rc, const struct weir_error *err)
{
	const char *reason = rc == WEIR_ERR_EXISTS   ? "exists"
			     : rc == WEIR_ERR_ABSENT ? "absent"
						     : err_name(rc);

	serve_refuse(c, rc == WEIR_ERR_USAGE ? CALL_ARGUMENTS : CALL_FAILED, reason, "%s",
		     err->text);
}

static bool take_name(struct serve_call *c, const json_t *arguments, const char **name)
{
	*name = text_of(arguments, "name");
	if (recording_is_name(*name))
		return true;
	serve_fail(c, CALL_ARGUMENTS,
		   "'name': '%.80s' is not 1 to %d of A-Z a-z 0-9 . _ - beginning with a "
		   "letter or digit",
		   *name, RECORDING_NAME_MAX);
	return false;
}

static bool is_cancelled(const void *call)
{
	return serve_is_cancelled(call);
}

static struct captures_caller caller_of(const struct serve_call *c)
{
	return (struct captures_caller){ .name = serve_caller(c),
					 .is_gone = is_cancelled,
					 .who = c };
}

static void run_start(struct serve_call *c, void *state, json_t *arguments)
{
	const struct captures_caller by = caller_of(c);
	struct divert *d = state;
	struct weir_error err = { 0 };
	const char *name = NULL;
	json_t *result;
	int rc;

	if (json_object_get(arguments, "name") && !take_name(c, arguments, &name))
		return;
	if (recording_check_filter(arguments, &err)) {
		serve_refuse(c, CALL_ARGUMENTS, "filter", "%s", err.text);
		return;
	}
	rc = captures_start(d->captures, name, arguments, &by, &result, &err);
	if (rc)
		fail(c, rc, &err);
	else
		serve_result(c, result);
}

static void run_stop(struct serve_call *c, void *state, json_t *arguments)
{
	const struct captures_caller by = caller_of(c);
	struct divert *d = state;
	struct weir_error err = { 0 };
	const char *name;
	json_t *result;
	int rc;

	if (!take_name(c, arguments, &name))
		return;
	rc = captures_end(d->captures, name, &by, &result, &err);
	if (rc) {
		fail(c, rc, &err);
		return;
	}
	json_object_set(result, "grade",
			json_object_get(json_object_get(result, "summary"), "grade"));
	serve_result(c, result);
}

static void run_list(struct serve_call *c, void *state, json_t *arguments)
{
	struct divert *d = state;

	(void)arguments;
	serve_result(c, captures_list(d->captures));
}

static void absent(struct serve_call *c, const char *name)
{
	serve_refuse(c, CALL_FAILED, "absent", "there is no capture '%s'", name);
}

static void run_status(struct serve_call *c, void *state, json_t *arguments)
{
	struct divert *d = state;
	const char *name;
	json_t *status;

	if (!take_name(c, arguments, &name))
		return;
	status = captures_status(d->captures, name);
	if (status)
		serve_result(c, status);
	else
		absent(c, name);
}

static void run_mark(struct serve_call *c, void *state, json_t *arguments)
{
	struct divert *d = state;
	struct weir_error err = { 0 };
	const char *name, *text = text_of(arguments, "text");
	char line[8 * 1024] = "mark ";
	json_t *mark;
	size_t n;
	int rc;

	if (!take_name(c, arguments, &name))
		return;
	mark = json_pack("{s:s,s:s}", "text", text, "by", serve_caller(c));
	n = json_dumpb(mark, line + 5, sizeof line - 7, JSON_COMPACT);
	json_decref(mark);
	if (n > sizeof line - 7) {
		serve_fail(c, CALL_ARGUMENTS, "'text' is too long");
		return;
	}
	line[5 + n] = '\n';
	line[6 + n] = '\0';
	rc = captures_tell(d->captures, name, line, &err);
	if (rc)
		fail(c, rc, &err);
	else
		serve_result(c, json_pack("{s:s,s:I}", "text", text, "at_ns",
					  (json_int_t)port_realtime_ns()));
}

static void run_snapshot(struct serve_call *c, void *state, json_t *arguments)
{
	struct divert *d = state;
	char path[sizeof d->stores + 128];
	json_t *of = NULL;
	const char *name;

	if (!take_name(c, arguments, &name))
		return;
	if (captures_find(d->captures, name, path, sizeof path, &of))
		snapshot_run(c, d->stores, name, path,
			     json_integer_value(json_object_get(arguments, "seconds")));
	else
		absent(c, name);
	json_decref(of);
}

/* Live packets. */

static bool send_bytes(struct serve_call *c, const uint8_t *bytes, size_t length)
{
	char *text = mem_new(BASE64_ROOM(length), 1);
	json_t *item = NULL;

	if (text)
		item = json_pack("{s:s%}", "data", text,
				 base64_encode(text, bytes, length));
	mem_free(text);
	return item && serve_item(c, item);
}

/* True at the end of what the recorder has written. */
static bool send_stream(struct serve_call *c, const struct program *p, uint64_t *sent)
{
	uint8_t *bytes = mem_new(STREAM_BYTES, 1);
	ssize_t n = -1;

	*sent = 0;
	while (bytes) {
		n = read(p->out_fd, bytes, STREAM_BYTES);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || !send_bytes(c, bytes, (size_t)n))
			break;
		*sent += (uint64_t)n;
	}
	mem_free(bytes);
	return !n;
}

/* A stream that lacks something at its end, or within, does not end as a whole one does. */
static void end_stream(struct serve_call *c, struct program *p, uint64_t sent,
		       bool is_whole)
{
	int code = program_wait(p);
	const char *said = program_said(p);

	if (code == EXIT_WITH_LOSSES && is_whole)
		serve_refuse(c, CALL_FAILED, "losses", "the stream has losses: %.300s",
			     said);
	else if (code || !is_whole)
		serve_refuse(c, CALL_FAILED, "cut",
			     "the stream's recorder has failed with exit code %d%s%.280s",
			     code, *said ? ": " : "", said);
	else if (!sent)
		serve_fail(c, CALL_FAILED, "nothing came");
	else
		serve_result(c, json_pack("{s:I}", "bytes", (json_int_t)sent));
}

/* The recorder beside the recorder ends with its control descriptor. */
static void on_cancel(void *arg)
{
	program_hang_up(arg);
}

static void run_stream(struct serve_call *c, void *state, json_t *arguments)
{
	struct divert *d = state;
	struct recording_words w;
	struct program p;
	char path[sizeof d->stores + 128];
	json_t *of = NULL;
	const char *name;
	struct weir_error err = { 0 };
	uint64_t sent;
	bool is_whole;

	if (!take_name(c, arguments, &name))
		return;
	if (!captures_find(d->captures, name, path, sizeof path, &of)) {
		absent(c, name);
		return;
	}
	recording_stream_words(&w, of);
	if (launcher_start(d->launcher, &p, w.items, &err)) {
		serve_fail(c, CALL_FAILED, "%s", err.text);
	} else {
		serve_on_cancel(c, on_cancel, &p);
		is_whole = send_stream(c, &p, &sent);
		serve_on_cancel(c, NULL, NULL);
		end_stream(c, &p, sent, is_whole);
		program_fini(&p);
	}
	json_decref(of);
}

#define TEXT(name, most) "'" name "':{'type':'string','maxLength':" most "}"
#define NAME_WORD                                        \
 "'name':{'type':'string','minLength':1,'maxLength':64," \
 "'description':'letters, digits, . _ -; start chooses one where it is left out'}"
#define ARGUMENTS(words, required)                                     \
 "{'type':'object','additionalProperties':false,'required':[" required \
 "],'properties':{" words "}}"

static const struct serve_row rows[] = {
	{ "start", "begin to record", ROLE_OPERATOR,
	  ARGUMENTS(
		  NAME_WORD "," TEXT(
			  "filter",
			  "32768") ",'mode':{'enum':['divert','sniff']},"
				   "'layout':{'enum':['segments','files','pairs']},"
				   "'layer':{'enum':['network','forward']},"
				   "'store':{'type':'string','minLength':1,'maxLength':64,"
				   "'description':'a directory to be made among the stores'}," TEXT("case", "200") "," TEXT(
					   "examiner",
					   "200") "," TEXT("for",
							   "20") ",'count':{'type':'integer','minimum':1},"
								 "'snaplen':{'type':'integer','minimum':1,'maximum':262144}," TEXT(
									 "rotate",
									 "40") "," TEXT("keep",
											"40") "," TEXT("buffer",
												       "20") "," TEXT("stall",
														      "20") ",'strict':{'type':'boolean'},"
															    "'priority':{'type':'integer','minimum':-30000,'maximum':30000},"
															    "'interfaces':{'type':'array','maxItems':8,"
															    "'items':{'type':'string','minLength':1,'maxLength':15}}",
		  ""),
	  false, -1, run_start },
	{ "stop", "end a recording and close its store", ROLE_OPERATOR,
	  ARGUMENTS(NAME_WORD, "'name'"), false, -1, run_stop },
	{ "status", "one recording", ROLE_VIEWER, ARGUMENTS(NAME_WORD, "'name'"), false,
	  0, run_status },
	{ "list", "all recordings", ROLE_VIEWER, ARGUMENTS("", ""), false, 0, run_list },
	{ "mark", "a note with its time in the manifest", ROLE_OPERATOR,
	  ARGUMENTS(NAME_WORD ",'text':{'type':'string','minLength':1,'maxLength':1000}",
		    "'name','text'"),
	  false, 0, run_mark },
	{ "snapshot", "export the last seconds while recording goes on", ROLE_OPERATOR,
	  ARGUMENTS(NAME_WORD ",'seconds':{'type':'integer','minimum':1,"
			      "'maximum':31536000}",
		    "'name','seconds'"),
	  false, -1, run_snapshot },
	{ "stream", "live packets of a recording's filter, as pcapng", ROLE_OPERATOR,
	  ARGUMENTS(NAME_WORD, "'name'"), true, -1, run_stream },
	{ NULL, NULL, ROLE_NONE, NULL, false, 0, NULL },
};

static void on_stop(void *state)
{
	struct divert *d = state;

	captures_stop(d->captures);
}

enum {
	CONFINED = 1U << SANDBOX_PRIVILEGES | 1U << SANDBOX_FILES | 1U << SANDBOX_CALLS
};

/* From here on only the launcher has more. */
static int confine(const struct divert *d, unsigned optional, json_t **confined,
		   struct weir_error *err)
{
	const char *const writable[] = { d->stores, getenv("WEIR_STATE"), NULL };
	const char *const executable[] = { "/proc/self/exe", NULL };
	const struct sandbox_rules rules = {
		.capabilities = "",
		.writable = writable,
		.executable = executable,
		.network = SANDBOX_NETWORK_NONE,
		.calls = SANDBOX_CALLS_OURS,
		.wanted = CONFINED & sandbox_parts_running(),
		.optional = optional,
	};
	struct sandbox_state state;
	int rc = sandbox_enter(&rules, &state, err);

	*confined = json_object();
	for (unsigned part = 0; part < SANDBOX_PARTS; part++)
		if (CONFINED >> part & 1)
			json_object_set_new(*confined,
					    sandbox_part_name((enum sandbox_part)part),
					    json_pack("{s:s,s:s}", "is",
						      sandbox_is_name(state.parts[part]),
						      "what", state.words[part]));
	return rc;
}

static int open_divert(struct divert *d, struct serve *serve, unsigned optional,
		       struct weir_error *err)
{
	const char *stores = getenv(STORES_ENV);
	int rc;

	if (!stores || strlen(stores) >= sizeof d->stores)
		return err_set(err, WEIR_ERR_USAGE,
			       "there is no " STORES_ENV
			       " in the environment: a plugin is run by 'weir agent'");
	(void)snprintf(d->stores, sizeof d->stores, "%s", stores);
	rc = launcher_new(&d->launcher, d->stores, err);
	if (!rc)
		rc = confine(d, optional, &serve->confined, err);
	if (!rc)
		rc = captures_new(&d->captures, d->stores, d->launcher, err);
	return rc;
}

int plugin_divert_run(unsigned optional, struct weir_error *err)
{
	struct divert d = { .captures = NULL };
	struct serve serve = { .name = "divert",
			       .summary = "records packets",
			       .rows = rows,
			       .state = &d,
			       .stop = on_stop };
	int rc = open_divert(&d, &serve, optional, err);

	if (!rc) {
		serve.is_over = launcher_is_gone(d.launcher);
		rc = serve_run(&serve, err);
	}
	if (!rc && serve.is_over && atomic_load(serve.is_over))
		rc = err_set(err, WEIR_ERR_SYSTEM, LAUNCHER_GONE);
	captures_free(d.captures);
	launcher_free(d.launcher);
	json_decref(serve.confined);
	return rc;
}
