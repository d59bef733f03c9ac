/* `weir agent init` makes an agent's key and opens its first pairing; `weir agent code` opens another. */
#include "agent/doors.h"
#include "agent/keypair.h"
#include "agent/pairing.h"
#include "cli/agent.h"
#include "cli/cli.h"
#include "port/port.h"

#include <unistd.h>

struct init {
	const char *file, *data, *name, *roles;
	int64_t lasts_ns;
	bool json, help;
	struct agent_config config;
	int dir_fd;
	struct keypair key;
	char code[PAIRING_CODE];
	int64_t ends_ns;
};

int agent_config_load(struct agent_config *c, const char *file, const char *data,
		      struct weir_error *err)
{
	int rc;

	config_default(c);
	rc = config_read(c, file ? file : CONFIG_PATH, err);
	if (rc == WEIR_ERR_ABSENT && !file)
		rc = 0;
	return rc || !data ? rc : config_set(c, "data", data, err);
}

static int make_key(struct init *i, struct weir_error *err)
{
	struct port_identity id;
	const char *name = i->config.name;

	port_identity(&id);
	if (!*name)
		name = is_plain_name(id.host, 63) ? id.host : "agent";
	return keypair_make(i->dir_fd, DOORS_KEY, name, err);
}

static int open_code(struct init *i, struct weir_error *err)
{
	int64_t now = port_realtime_ns();
	struct grants g;
	int rc = grants_parse(i->roles, &g, err);

	if (!rc)
		rc = keypair_load(i->dir_fd, DOORS_KEY, &i->key, err);
	if (rc == WEIR_ERR_ABSENT)
		return err_set(err, rc,
			       "the agent has no key yet: run 'weir agent init'");
	if (!rc)
		rc = pairing_open(i->dir_fd, &i->key.pin, &g, now, i->lasts_ns, i->code,
				  err);
	i->ends_ns = now + i->lasts_ns;
	return rc;
}

static int print_json(const struct init *i, const char *pin, const char *base64,
		      const char *ends)
{
	json_t *o = json_pack("{s:s,s:s,s:s,s:s,s:I,s:s}", "pin", pin, "pin_base64",
			      base64, "code", i->code, "ends", ends, "ends_ns",
			      (json_int_t)i->ends_ns, "roles", i->roles);
	int rc = !o || json_dumpf(o, stdout, JSON_COMPACT) || putchar('\n') == EOF;

	json_decref(o);
	return rc ? EXIT_ENVIRONMENT : EXIT_DONE;
}

static int print(const struct init *i)
{
	char pin[PIN_HEX], base64[PIN_BASE64], ends[TIME_TEXT];

	pin_hex(&i->key.pin, pin);
	pin_base64(&i->key.pin, base64);
	time_format(i->ends_ns, ends);
	if (i->json)
		return print_json(i, pin, base64, ends);
	(void)printf("key     sha256//%s\n"
		     "code    %s\n"
		     "good    once, until %.19sZ, for the role %s\n\n"
		     "On the controller:  weir ctl pair ADDRESS CODE\n",
		     base64, i->code, ends, i->roles);
	return EXIT_DONE;
}

static int run(struct init *i, bool is_init, struct weir_error *err)
{
	int rc = agent_config_load(&i->config, i->file, i->data, err);

	if (!rc && i->name)
		rc = config_set(&i->config, "name", i->name, err);
	if (!rc)
		rc = doors_directory(i->config.data, &i->dir_fd, err);
	if (!rc && is_init)
		rc = make_key(i, err);
	if (!rc)
		rc = open_code(i, err);
	return rc;
}

static int command(int argc, char **argv, bool is_init)
{
	static const struct command help[] = {
		{ "agent init", NULL, "[options]",
		  "make the agent's key and open the first pairing" },
		{ "agent code", NULL, "[options]",
		  "open a pairing for one more controller" },
	};
	struct init i = { .roles = "admin", .lasts_ns = 600 * NS_PER_S, .dir_fd = -1 };
	const struct option table[] = {
		{ "config", 'c', OPTION_STRING, &i.file, "FILE",
		  "the configuration (" CONFIG_PATH ", where it is there)", 0, 0 },
		{ "data", 'd', OPTION_STRING, &i.data, "DIR",
		  "the agent's data (" CONFIG_DATA ")", 0, 0 },
		{ "name", 0, OPTION_STRING, &i.name, "NAME",
		  "the name in the certificate (the host's)", 0, 0 },
		{ "roles", 0, OPTION_STRING, &i.roles, "ROLES",
		  "what the code grants: 'viewer divert=operator' (admin)", 0, 0 },
		{ "lasts", 0, OPTION_DURATION, &i.lasts_ns, "TIME",
		  "how long the code is good (10m)", 0, 0 },
		{ "json", 0, OPTION_FLAG, &i.json, NULL, "print one JSON object", 0, 0 },
		OPTION_HELP(&i.help),
		OPTION_END,
	};
	struct weir_error err = { 0 };
	int rc = options_parse(table, &argc, argv, &err);

	if (!rc && i.help)
		return cli_help(&help[is_init ? 0 : 1], table);
	if (!rc && argc != 1)
		rc = err_set(&err, WEIR_ERR_USAGE, "'%.60s' is one word too many",
			     argv[1]);
	if (!rc)
		rc = run(&i, is_init, &err);
	if (i.dir_fd >= 0)
		(void)close(i.dir_fd);
	rc = rc ? cli_fail("agent", &err) : print(&i);
	keypair_fini(&i.key);
	return rc;
}

int agent_init(int argc, char **argv)
{
	return command(argc, argv, true);
}

int agent_code(int argc, char **argv)
{
	return command(argc, argv, false);
}
