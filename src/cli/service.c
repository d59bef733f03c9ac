/* `weir service`: the agent as a service of Windows, put in place, looked at, and taken away. */
#include "port/service.h"

#include "cli/cli.h"

#include <jansson.h>

enum {
	WORDS_MAX = 48
};

#define SERVICE_NAME  "weir"
#define SERVICE_TITLE "weir agent"
#define SERVICE_TEXT  "Records packets and looks at files for paired controllers."

struct words {
	const char *name;
	bool json, help;
	char **rest; /* behind "--": options of `weir agent run` */
	int rest_count;
};

/* One that is run as a service has nobody to read it: only what is wrong goes to the event log. */
static int run_as(void *arg)
{
	const struct words *w = arg;
	char *argv[WORDS_MAX + 4] = { (char[]){ "agent" }, (char[]){ "run" },
				      (char[]){ "--quiet" } };

	for (int i = 0; i < w->rest_count; i++)
		argv[3 + i] = w->rest[i];
	return cmd_agent(3 + w->rest_count, argv);
}

/* The same words from a console: then it is a program like any other. */
static int word_run(struct words *w, struct weir_error *err)
{
	bool is_service = false;
	int code = EXIT_DONE,
	    rc = service_run(w->name, run_as, w, stderr, &is_service, &code, err);

	if (rc)
		return rc;
	return is_service ? code : run_as(w);
}

static int word_install(struct words *w, struct weir_error *err)
{
	const char *words[WORDS_MAX + 6] = { "service", "run", "--name", w->name, "--" };
	const struct service s = { w->name, SERVICE_TITLE, SERVICE_TEXT, words };

	for (int i = 0; i < w->rest_count; i++)
		words[5 + i] = w->rest[i];
	return service_install(&s, err);
}

static int word_remove(struct words *w, struct weir_error *err)
{
	return service_remove(w->name, err);
}

static int word_start(struct words *w, struct weir_error *err)
{
	return service_start(w->name, err);
}

static int word_stop(struct words *w, struct weir_error *err)
{
	return service_stop(w->name, err);
}

static int word_status(struct words *w, struct weir_error *err)
{
	static const char *const names[] = { "stopped", "starting", "running",
					     "stopping" };
	struct service_state s;
	int rc = service_look(w->name, &s, err);
	json_t *o;

	if (rc)
		return rc;
	o = json_pack("{s:s,s:s,s:i,s:i}", "name", w->name, "state", names[s.is], "pid",
		      (int)s.pid, "exit_code", (int)s.exit_code);
	if (w->json)
		(void)json_dumpf(o, stdout, JSON_COMPACT), (void)putchar('\n');
	else
		(void)printf("%s: %s, process %u, last exit code %u\n", w->name,
			     names[s.is], s.pid, s.exit_code);
	json_decref(o);
	return EXIT_DONE;
}

static const struct {
	const char *name;
	int (*run)(struct words *w, struct weir_error *err);
	bool takes_options;
} table_of_words[] = {
	{ "install", word_install, true }, { "remove", word_remove, false },
	{ "start", word_start, false },    { "stop", word_stop, false },
	{ "status", word_status, false },  { "run", word_run, true },
};

static int run(struct words *w, const char *word, struct weir_error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(table_of_words); i++) {
		if (strcmp(table_of_words[i].name, word) != 0)
			continue;
		if (w->rest_count && !table_of_words[i].takes_options)
			return err_set(err, WEIR_ERR_USAGE,
				       "'%.60s' is one word too many", w->rest[0]);
		return table_of_words[i].run(w, err);
	}
	return err_set(err, WEIR_ERR_USAGE,
		       "'%.60s' is none of install, remove, start, stop, status, run",
		       word);
}

/* Takes "--" and what is behind it away from the options. */
static int take_rest(struct words *w, int *argc, char **argv, struct weir_error *err)
{
	for (int i = 1; i < *argc; i++) {
		if (strcmp(argv[i], "--") != 0)
			continue;
		w->rest = argv + i + 1;
		w->rest_count = *argc - i - 1;
		*argc = i;
	}
	return w->rest_count <= WORDS_MAX
		       ? 0
		       : err_set(err, WEIR_ERR_LIMIT, "more than %d words", WORDS_MAX);
}

int cmd_service(int argc, char **argv)
{
	struct words w = { .name = SERVICE_NAME };
	const struct option table[] = {
		{ "name", 0, OPTION_STRING, &w.name, "NAME",
		  "the service's (" SERVICE_NAME ")", 0, 0 },
		{ "json", 0, OPTION_FLAG, &w.json, NULL, "status: print one JSON object",
		  0, 0 },
		OPTION_HELP(&w.help),
		OPTION_END,
	};
	struct weir_error err = { 0 };
	int rc = take_rest(&w, &argc, argv, &err);

	if (!rc)
		rc = options_parse(table, &argc, argv, &err);
	if (!rc && w.help)
		return cli_help(command_find("service"), table);
	if (!rc && argc != 2)
		rc = err_set(
			&err, WEIR_ERR_USAGE,
			"one of install, remove, start, stop, status and run is wanted");
	if (!rc)
		rc = run(&w, argv[1], &err);
	return rc < 0 ? cli_fail("service", &err) : rc;
}
