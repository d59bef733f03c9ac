/* `weir ctl`: asks an agent, here or elsewhere.  This file is the table of its words. */
#include "cli/ctl.h"

#include "agent/arguments.h"
#include "port/net.h"

static int word_agents(struct ctl *c, int argc, char **argv, struct weir_error *err)
{
	int rc = argc == 1 ? ctl_open_directory(c, false, err)
			   : err_set(err, WEIR_ERR_USAGE, "'%.60s' is one word too many",
				     argv[1]);

	for (size_t i = 0; !rc && i < c->agents.count; i++) {
		json_t *o = agent_to_json(&c->agents.items[i]);

		if (c->json)
			(void)json_dumpf(o, stdout, JSON_COMPACT), (void)putchar('\n');
		else
			(void)printf("%-24s %s port %u, paired %.10s\n",
				     c->agents.items[i].name, c->agents.items[i].address,
				     c->agents.items[i].port,
				     json_string_value(json_object_get(o, "paired")));
		json_decref(o);
	}
	return rc;
}

static int word_forget(struct ctl *c, int argc, char **argv, struct weir_error *err)
{
	int rc = argc == 2
			 ? ctl_open_directory(c, false, err)
			 : err_set(err, WEIR_ERR_USAGE, "forget wants one agent's name");

	return rc ? rc : agents_remove(&c->agents, argv[1], err);
}

static int no_words(int argc, char **argv, struct weir_error *err)
{
	return argc == 1 ? 0
			 : err_set(err, WEIR_ERR_USAGE, "'%.60s' is one word too many",
				   argv[1]);
}

static int word_status(struct ctl *c, int argc, char **argv, struct weir_error *err)
{
	int rc = no_words(argc, argv, err);

	return rc ? rc : ctl_simple(c, "agent", "status", NULL, err);
}

static int word_whoami(struct ctl *c, int argc, char **argv, struct weir_error *err)
{
	int rc = no_words(argc, argv, err);

	return rc ? rc : ctl_simple(c, "agent", "whoami", NULL, err);
}

static int word_keys(struct ctl *c, int argc, char **argv, struct weir_error *err)
{
	int rc = no_words(argc, argv, err);

	return rc ? rc : ctl_simple(c, "agent", "keys", NULL, err);
}

static int word_revoke(struct ctl *c, int argc, char **argv, struct weir_error *err)
{
	if (argc != 2)
		return err_set(err, WEIR_ERR_USAGE,
			       "revoke wants one key: its name or pin");
	return ctl_simple(c, "agent", "revoke", json_pack("{s:s}", "key", argv[1]), err);
}

static int word_grant(struct ctl *c, int argc, char **argv, struct weir_error *err)
{
	if (argc != 3)
		return err_set(
			err, WEIR_ERR_USAGE,
			"grant wants a key and its roles: 'viewer divert=operator'");
	return ctl_simple(c, "agent", "grant",
			  json_pack("{s:s,s:s}", "key", argv[1], "roles", argv[2]), err);
}

static int word_code(struct ctl *c, int argc, char **argv, struct weir_error *err)
{
	if (argc != 2)
		return err_set(err, WEIR_ERR_USAGE,
			       "code wants the roles that it grants: 'viewer'");
	return ctl_simple(c, "agent", "code", json_pack("{s:s}", "roles", argv[1]), err);
}

static int word_describe(struct ctl *c, int argc, char **argv, struct weir_error *err)
{
	struct ctl_answer a = { .prints = c->json };
	int rc = argc > 3 ? err_set(err, WEIR_ERR_USAGE, "'%.60s' is one word too many",
				    argv[3])
			  : ctl_connect(c, err);

	if (!rc)
		rc = ctl_ask(c, false, "/v1/describe", NULL, &a, err);
	if (!rc && argc > 1 && a.result && !describe_plugin(a.result, argv[1]))
		rc = err_set(err, WEIR_ERR_USAGE, "there is no plugin '%.60s'", argv[1]);
	if (!rc && argc > 2 && a.result && !describe_find(a.result, argv[1], argv[2]))
		rc = err_set(err, WEIR_ERR_USAGE, "there is no directive '%.60s'",
			     argv[2]);
	if (!rc && !c->json && a.result)
		ctl_print_description(a.result, argc > 1 ? argv[1] : NULL,
				      argc > 2 ? argv[2] : NULL);
	rc = rc ? rc : ctl_exit(&a);
	ctl_answer_fini(&a);
	return rc;
}

/* run returns an exit code, or a negative error. */
static const struct {
	const char *name;
	int (*run)(struct ctl *c, int argc, char **argv, struct weir_error *err);
	const char *usage;
} words[] = {
	{ "call", ctl_call, "call PLUGIN DIRECTIVE [NAME=VALUE | NAME:=JSON]..." },
	{ "stream", ctl_stream, "stream PLUGIN NAME    raw bytes to standard output" },
	{ "describe", word_describe, "describe [PLUGIN [DIRECTIVE]]" },
	{ "status", word_status, "status" },
	{ "whoami", word_whoami, "whoami" },
	{ "pair", ctl_pair, "pair ADDRESS[:PORT] CODE    CODE -: from standard input" },
	{ "agents", word_agents, "agents    those that are paired" },
	{ "forget", word_forget, "forget NAME" },
	{ "keys", word_keys, "keys    who may call" },
	{ "code", word_code, "code ROLES    open a pairing" },
	{ "grant", word_grant, "grant KEY ROLES" },
	{ "revoke", word_revoke, "revoke KEY" },
	{ "completion", ctl_completion, "completion bash" },
	{ "complete", ctl_complete, NULL },
};

const char *ctl_word(size_t n)
{
	while (n < ARRAY_LEN(words) && !words[n].usage)
		n++;
	return n < ARRAY_LEN(words) ? words[n].name : NULL;
}

static int help(const struct option *table)
{
	(void)printf("usage: weir ctl WORD [options]\n\nask an agent\n\n");
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (words[i].usage)
			(void)printf("  weir ctl %s\n", words[i].usage);
	(void)printf("\n");
	options_print(stdout, table);
	return EXIT_DONE;
}

static int run(struct ctl *c, int argc, char **argv, struct weir_error *err)
{
	int rc = port_stop_init(&c->stop, true, err);

	if (!rc)
		rc = net_start(err);
	if (rc)
		return rc;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!strcmp(words[i].name, argv[1]))
			return words[i].run(c, argc - 1, argv + 1, err);
	return err_set(err, WEIR_ERR_USAGE, "'%.60s' is no word of ctl", argv[1]);
}

int cmd_ctl(int argc, char **argv)
{
	struct ctl c = { .dir_fd = -1,
			 .connect_ns = 10 * NS_PER_S,
			 .stop = { .fd = -1 } };
	const struct option table[] = {
		{ "agent", 'a', OPTION_STRING, &c.agent, "NAME",
		  "the paired agent to ask (WEIR_AGENT)", 0, 0 },
		{ "socket", 0, OPTION_STRING, &c.socket, "PATH",
		  "ask the agent of this machine by its own door (" PLACE_DOOR ")", 0,
		  0 },
		{ "config", 'c', OPTION_STRING, &c.directory, "DIR",
		  "own key and paired agents (" PLACE_CONTROL ")", 0, 0 },
		{ "session", 0, OPTION_STRING, &c.session, "NAME",
		  "a session of its own: chdir holds for one session", 0, 0 },
		{ "timeout", 0, OPTION_DURATION, &c.connect_ns, "TIME",
		  "how long to wait for a connection (10s)", 0, 0 },
		{ "name", 0, OPTION_STRING, &c.name, "NAME",
		  "pair: what the agent shall call this controller", 0, 0 },
		{ "as", 0, OPTION_STRING, &c.as, "NAME",
		  "pair: what to call the agent here", 0, 0 },
		{ "json", 0, OPTION_FLAG, &c.json, NULL,
		  "print the answer's lines as they come", 0, 0 },
		{ "quiet", 'q', OPTION_FLAG, &c.quiet, NULL, "no progress", 0, 0 },
		OPTION_HELP(&c.help),
		OPTION_END,
	};
	struct weir_error err = { 0 };
	int rc;

	/* What is completed are half words: they are no options of this call. */
	if (argc > 1 && !strcmp(argv[1], "complete"))
		return ctl_complete(&c, argc - 1, argv + 1, &err);
	rc = options_parse(table, &argc, argv, &err);
	if (!rc && c.help)
		return help(table);
	if (!rc && argc < 2)
		rc = err_set(&err, WEIR_ERR_USAGE, "no word is given");
	if (!rc)
		rc = run(&c, argc, argv, &err);
	ctl_close(&c);
	return rc < 0 ? cli_fail("ctl", &err) : rc;
}
