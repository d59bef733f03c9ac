/* The filesystem plugin: looks at files for a controller, with the engine of `weir list`.
 *
 * What walks is a process of its own (plugins/program.h): it can hang in a dead network file system
 * without harm, is ended when its call is cancelled, and its pipe is the back-pressure. */
#include "plugins/file_path.h"
#include "plugins/plugins.h"
#include "plugins/program.h"
#include "plugins/serve.h"
#include "plugins/state.h"

#include "base/mem.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

enum {
	BATCH_BYTES = 64 * 1024
};

struct words {
	const char *items[PROGRAM_WORDS];
	size_t count;
};

static void add(struct words *w, const char *word)
{
	if (w->count < PROGRAM_WORDS - 1)
		w->items[w->count++] = word;
}

static const char *text_of(const json_t *arguments, const char *name)
{
	return json_string_value(json_object_get(arguments, name));
}

static void add_text(struct words *w, const json_t *arguments, const char *name,
		     const char *option)
{
	const char *value = text_of(arguments, name);

	if (value) {
		add(w, option);
		add(w, value);
	}
}

static void add_flag(struct words *w, const json_t *arguments, const char *name,
		     const char *option)
{
	if (json_is_true(json_object_get(arguments, name)))
		add(w, option);
}

/* The path an argument names, seen from the session's directory. */
static bool path_of(struct serve_call *c, struct cwds *cwds, const json_t *arguments,
		    char path[FILE_PATH_MAX])
{
	struct weir_error err = { 0 };

	if (!file_path(cwds, serve_session(c), text_of(arguments, "path"),
		       text_of(arguments, "path_b64"), path, &err))
		return true;
	serve_fail(c, err.code == WEIR_ERR_FORMAT ? CALL_ARGUMENTS : CALL_FAILED, "%s",
		   err.text);
	return false;
}

/* Lines of a program as items, many in a message. */

struct batch {
	struct serve_call *call;
	char bytes[BATCH_BYTES];
	size_t used;
	uint64_t items;
	bool is_unwanted;
};

static void flush(struct batch *b)
{
	if (b->used && !b->is_unwanted)
		b->is_unwanted = !serve_items(b->call, b->bytes, b->used);
	b->used = 0;
}

static void batch_line(struct batch *b, const char *line, size_t length)
{
	if (b->used + length + 1 > sizeof b->bytes)
		flush(b);
	b->items++;
	if (length + 1 > sizeof b->bytes) {
		b->is_unwanted = b->is_unwanted || !serve_items(b->call, line, length);
		return;
	}
	if (b->used)
		b->bytes[b->used++] = ',';
	memcpy(b->bytes + b->used, line, length);
	b->used += length;
}

static bool is_summary(const char *line)
{
	return !strncmp(line, "{\"record\":\"summary\"", 19);
}

/* The summary, or NULL. */
static json_t *stream_lines(struct program *p, struct batch *b)
{
	json_t *summary = NULL;
	size_t length;
	char *line;

	while (!b->is_unwanted && (line = program_line(p, &length)) != NULL) {
		if (is_summary(line) && !summary)
			summary = json_loadb(line, length, 0, NULL);
		else
			batch_line(b, line, length);
	}
	flush(b);
	return summary;
}

/* What went wrong, in the program's own words. */
static void fail_program(struct serve_call *c, const struct program *p, int code)
{
	const char *said = strstr(p->errors, ": "), *text = said ? said + 2 : p->errors;
	size_t length = strcspn(text, "\n");

	if (serve_is_cancelled(c))
		serve_fail(c, CALL_FAILED, "cancelled");
	else if (!length)
		serve_fail(c, CALL_FAILED, "its output ended early (exit code %d)", code);
	else
		serve_fail(c, code == 2 ? CALL_ARGUMENTS : CALL_FAILED,
			   "%.*s (exit code %d)", (int)length, text, code);
}

/* Records that do not fit into a message are missing, whatever the program itself says. */
static json_t *tell_lost(json_t *result, const struct program *p)
{
	if (!p->long_lines)
		return result;
	json_object_set_new(result, "lost", json_integer((json_int_t)p->long_lines));
	if (json_is_true(json_object_get(result, "complete")))
		json_object_set_new(result, "reason", json_string("too_long"));
	json_object_set_new(result, "complete", json_false());
	return result;
}

/* For a program that writes no summary.  4: some of it is missing, and what it said tells what. */
static json_t *own_summary(const struct batch *b, const struct program *p, int code)
{
	const char *said = strstr(p->errors, ": "), *text = said ? said + 2 : p->errors;
	json_t *o;

	if (code != 0 && code != 1 && code != 4)
		return NULL;
	o = json_pack("{s:I,s:b}", "items", (json_int_t)b->items, "complete", code != 4);
	if (o && code == 4)
		(void)json_object_set_new(o, "reason",
					  json_stringn(text, strcspn(text, "\n")));
	return o;
}

/* A listing ends with a summary: one without it was cut off, with whatever code. */
static void run_streaming(struct serve_call *c, const struct words *w, bool has_summary)
{
	struct batch *b = mem_new(1, sizeof *b);
	struct weir_error err = { 0 };
	struct program p;
	json_t *summary;
	int code;

	if (!b || program_start(&p, w->items, false, &err)) {
		serve_fail(c, CALL_FAILED, "%s", b ? err.text : "no memory");
		mem_free(b);
		return;
	}
	b->call = c;
	serve_set_child(c, &p.process);
	summary = stream_lines(&p, b);
	serve_set_child(c, NULL);
	code = program_wait(&p);
	if (!summary && !has_summary)
		summary = own_summary(b, &p, code);
	if (serve_is_cancelled(c) || !summary)
		fail_program(c, &p, code);
	else
		serve_result(c, json_incref(tell_lost(summary, &p)));
	json_decref(summary);
	program_fini(&p);
	mem_free(b);
}

/* The first record of a file. */
static void run_single(struct serve_call *c, const struct words *w)
{
	struct weir_error err = { 0 };
	json_t *record = NULL;
	struct program p;
	size_t length;
	char *line;
	int code;

	if (program_start(&p, w->items, false, &err)) {
		serve_fail(c, CALL_FAILED, "%s", err.text);
		return;
	}
	serve_set_child(c, &p.process);
	while ((line = program_line(&p, &length)) != NULL)
		if (!record && !strncmp(line, "{\"record\":\"file\"", 16))
			record = json_loadb(line, length, 0, NULL);
	serve_set_child(c, NULL);
	code = program_wait(&p);
	if (record)
		serve_result(c, record);
	else if (p.long_lines)
		serve_fail(c, CALL_FAILED, "the record is longer than %d bytes",
			   PROGRAM_LINE);
	else
		fail_program(c, &p, code);
	program_fini(&p);
}

/* Directives. */

static void run_getcwd(struct serve_call *c, void *state, json_t *arguments)
{
	char path[FILE_PATH_MAX];

	(void)arguments;
	cwds_get(state, serve_session(c), path);
	serve_result(c, file_path_json(path));
}

static void run_chdir(struct serve_call *c, void *state, json_t *arguments)
{
	char path[FILE_PATH_MAX];
	struct weir_error err = { 0 };

	if (!path_of(c, state, arguments, path))
		return;
	if (cwds_set(state, serve_session(c), path, &err))
		serve_fail(c, CALL_FAILED, "%s", err.text);
	else
		serve_result(c, file_path_json(path));
}

/* What listdir, find and timeline have in common. */
static void add_listing(struct words *w, const json_t *arguments)
{
	add_text(w, arguments, "pattern", "--pattern");
	add_text(w, arguments, "hash", "--hash");
	add_text(w, arguments, "type", "--type");
	add_text(w, arguments, "size", "--size");
	add_text(w, arguments, "modified", "--modified");
	add_text(w, arguments, "born", "--born");
	add_text(w, arguments, "changed", "--changed");
	add_text(w, arguments, "accessed", "--accessed");
	add_text(w, arguments, "owner", "--owner");
	add_text(w, arguments, "group", "--group");
	add_text(w, arguments, "cross", "--cross");
	add_flag(w, arguments, "xattr", "--xattr");
	add_flag(w, arguments, "flags", "--flags");
	add_flag(w, arguments, "hints", "--hints");
	add_flag(w, arguments, "mime", "--mime");
}

static void run_list(struct serve_call *c, void *state, const json_t *arguments,
		     bool is_recursive)
{
	struct words w = { .count = 0 };
	char path[FILE_PATH_MAX];

	if (!path_of(c, state, arguments, path))
		return;
	add(&w, "list");
	add(&w, "--json");
	if (is_recursive)
		add(&w, "--recursive");
	add_listing(&w, arguments);
	add(&w, "--");
	add(&w, path);
	run_streaming(c, &w, true);
}

static void run_listdir(struct serve_call *c, void *state, json_t *arguments)
{
	run_list(c, state, arguments,
		 json_is_true(json_object_get(arguments, "recursive")));
}

static void run_find(struct serve_call *c, void *state, json_t *arguments)
{
	run_list(c, state, arguments, true);
}

static void run_stat(struct serve_call *c, void *state, json_t *arguments)
{
	struct words w = { .count = 0 };
	char path[FILE_PATH_MAX];

	if (!path_of(c, state, arguments, path))
		return;
	add(&w, "list");
	add(&w, "--json");
	add(&w, "--max-entries");
	add(&w, "1");
	add(&w, "--xattr");
	add(&w, "--flags");
	add(&w, "--hints");
	add(&w, "--");
	add(&w, path);
	run_single(c, &w);
}

static void run_hash(struct serve_call *c, void *state, json_t *arguments)
{
	const char *hash = text_of(arguments, "hash");
	struct words w = { .count = 0 };
	char path[FILE_PATH_MAX];

	if (!path_of(c, state, arguments, path))
		return;
	add(&w, "list");
	add(&w, "--json");
	add(&w, "--max-entries");
	add(&w, "1");
	add(&w, "--hash-max");
	add(&w, "0");
	add(&w, "--hash");
	add(&w, hash ? hash : "md5,sha1,sha256");
	add(&w, "--");
	add(&w, path);
	run_single(c, &w);
}

/* The listing goes to a file of the plugin's own: a timeline is sorted, so all must be there. */
static bool make_listing(struct serve_call *c, const struct words *w)
{
	struct weir_error err = { 0 };
	struct program p;
	size_t length;
	int code;

	if (program_start(&p, w->items, false, &err)) {
		serve_fail(c, CALL_FAILED, "%s", err.text);
		return false;
	}
	serve_set_child(c, &p.process);
	while (program_line(&p, &length))
		continue;
	serve_set_child(c, NULL);
	code = program_wait(&p);
	/* 4: something could not be read; the listing says what. */
	if (serve_is_cancelled(c) || (code && code != 1 && code != 4)) {
		fail_program(c, &p, code);
		program_fini(&p);
		return false;
	}
	program_fini(&p);
	return true;
}

#define LISTING "listing-"

/* What a life of this plugin left that was killed inside of a timeline. */
static void remove_listings(void)
{
	DIR *own = opendir(".");
	const struct dirent *one;

	while (own && (one = readdir(own)) != NULL)
		if (!strncmp(one->d_name, LISTING, strlen(LISTING)))
			(void)unlink(one->d_name);
	if (own)
		(void)closedir(own);
}

static void run_timeline(struct serve_call *c, void *state, json_t *arguments)
{
	char path[FILE_PATH_MAX], name[64];
	struct words list = { .count = 0 }, sort = { .count = 0 };

	if (!path_of(c, state, arguments, path))
		return;
	(void)snprintf(name, sizeof name, LISTING "%p.jsonl", (void *)c);
	(void)unlink(name);
	add(&list, "list");
	add(&list, "--json");
	add(&list, "--recursive");
	add(&list, "--output");
	add(&list, name);
	add_listing(&list, arguments);
	add(&list, "--");
	add(&list, path);
	add(&sort, "timeline");
	add(&sort, "--json");
	add(&sort, "--memory");
	add(&sort, "64MiB");
	add_text(&sort, arguments, "from", "--from");
	add_text(&sort, arguments, "to", "--to");
	add(&sort, name);
	if (make_listing(c, &list))
		run_streaming(c, &sort, false);
	(void)unlink(name);
}

static void run_read(struct serve_call *c, void *state, json_t *arguments)
{
	char path[FILE_PATH_MAX];

	if (path_of(c, state, arguments, path))
		file_read(c, path, json_object_get(arguments, "offset"),
			  json_object_get(arguments, "length"));
}

#define PATH_WORDS                                          \
 "'path':{'type':'string','minLength':1,'maxLength':4095,"  \
 "'description':'seen from the directory of the session'}," \
 "'path_b64':{'type':'string','maxLength':5460,"            \
 "'description':'the bytes of a path that is no UTF-8'}"
#define TEXT(name) "'" name "':{'type':'string','maxLength':1000}"
#define FLAG(name) "'" name "':{'type':'boolean'}"
#define LISTING_WORDS                                                                                                                        \
 TEXT("pattern")                                                                                                                             \
 "," TEXT("hash") "," TEXT("type") "," TEXT("size") "," TEXT("modified") "," TEXT("born") "," TEXT("changed") "," TEXT("accessed") "," TEXT( \
	 "owner") "," TEXT("group") ",'cross':{'enum':['none','local','all']}," FLAG("xattr") "," FLAG("flags") "," FLAG("hints") "," FLAG("mime")
#define ARGUMENTS(words) \
 "{'type':'object','additionalProperties':false,'properties':{" words "}}"

static const struct serve_row rows[] = {
	{ "getcwd", "the session's directory", ROLE_VIEWER, ARGUMENTS(""), false, 0,
	  run_getcwd },
	{ "chdir", "choose the session's directory", ROLE_VIEWER, ARGUMENTS(PATH_WORDS),
	  false, 0, run_chdir },
	{ "listdir", "the entries of a directory with their metadata", ROLE_VIEWER,
	  ARGUMENTS(PATH_WORDS "," FLAG("recursive") "," LISTING_WORDS), true, -1,
	  run_listdir },
	{ "find", "what matches, at any depth", ROLE_VIEWER,
	  ARGUMENTS(PATH_WORDS "," LISTING_WORDS), true, -1, run_find },
	{ "stat", "all that is known of one file", ROLE_VIEWER, ARGUMENTS(PATH_WORDS),
	  false, 0, run_stat },
	{ "hash", "hashes of one file", ROLE_VIEWER,
	  ARGUMENTS(PATH_WORDS "," TEXT("hash")), false, -1, run_hash },
	{ "timeline", "all times below a path, sorted", ROLE_VIEWER,
	  ARGUMENTS(PATH_WORDS "," LISTING_WORDS "," TEXT("from") "," TEXT("to")), true,
	  -1, run_timeline },
	{ "read", "bytes of a file, and their SHA-256", ROLE_OPERATOR,
	  ARGUMENTS(PATH_WORDS
		    ",'offset':{'type':'integer','minimum':0},"
		    "'length':{'type':'integer','minimum':0,"
		    "'description':'bytes; up to the end where it is not given'}"),
	  true, -1, run_read },
	{ NULL, NULL, ROLE_NONE, NULL, false, 0, NULL },
};

static void on_session_end(void *state, int64_t session)
{
	cwds_forget(state, session);
}

int plugin_filesystem_run(unsigned optional, struct weir_error *err)
{
	struct serve serve = { .name = "filesystem",
			       .summary = "looks at files and disturbs nothing",
			       .rows = rows,
			       .session_end = on_session_end };
	struct cwds *cwds = NULL;
	int rc = cwds_new(&cwds, err);

	/* All of its sandbox is the host's. */
	(void)optional;
	if (rc)
		return rc;
	remove_listings();
	serve.state = cwds;
	rc = serve_run(&serve, err);
	cwds_free(cwds);
	return rc;
}
