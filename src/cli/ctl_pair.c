/* `weir ctl pair`: the controller's half of agent/pairing.h. */
#include "agent/pairing.h"
#include "cli/ctl.h"

#include <openssl/crypto.h>
#include <unistd.h>

/* "user-host", in the characters of a name. */
static void choose_name(const struct ctl *c, char name[AGENT_NAME])
{
	const char *user = getenv("USER");
	struct port_identity id;

	port_identity(&id);
	(void)snprintf(name, AGENT_NAME, "%.30s-%.30s", user && *user ? user : "user",
		       id.host[0] ? id.host : "host");
	if (c->name)
		(void)snprintf(name, AGENT_NAME, "%s", c->name);
	if (!c->name && !is_plain_name(name, AGENT_NAME - 1))
		(void)snprintf(name, AGENT_NAME, "controller");
}

static int read_code(const char *word, struct pairing_code *code, struct weir_error *err)
{
	char line[256] = "";

	if (strcmp(word, "-") != 0)
		return pairing_code_parse(word, code, err);
	if (!fgets(line, sizeof line, stdin))
		return err_set(err, WEIR_ERR_USAGE, "no code on standard input");
	line[strcspn(line, "\r\n")] = '\0';
	return pairing_code_parse(line, code, err);
}

static int ask(struct ctl *c, const struct pairing_code *code, struct ctl_answer *a,
	       struct weir_error *err)
{
	char name[AGENT_NAME], token[2 * PAIRING_TOKEN + 1];
	json_t *body;
	int rc;

	choose_name(c, name);
	for (size_t i = 0; i < PAIRING_TOKEN; i++)
		(void)snprintf(token + 2 * i, 3, "%02x", code->token[i]);
	body = json_pack("{s:s,s:s}", "token", token, "name", name);
	OPENSSL_cleanse(token, sizeof token);
	rc = ctl_ask(c, true, "/v1/pair", body, a, err);
	json_decref(body);
	return rc;
}

/* A name that is another agent's here gets a number. */
static int remember(struct ctl *c, const struct client_target *t,
		    const struct ctl_answer *a, struct weir_error *err)
{
	const char *said = json_string_value(json_object_get(a->result, "agent"));
	struct known_agent one = { .port = t->port,
				   .pin = *client_pin(c->client),
				   .paired_ns = port_realtime_ns() };
	const struct known_agent *same;

	if (c->as)
		said = c->as;
	if (!said || !is_plain_name(said, AGENT_NAME - 1))
		said = "agent";
	(void)snprintf(one.name, sizeof one.name, "%s", said);
	(void)snprintf(one.address, sizeof one.address, "%s", t->address);
	for (unsigned i = 2; i < AGENTS_MAX; i++) {
		same = agents_find(&c->agents, one.name);
		if (!same || pin_is_equal(&same->pin, &one.pin))
			break;
		(void)snprintf(one.name, sizeof one.name, "%.56s-%u", said, i);
	}
	if (agents_put(&c->agents, &one, err))
		return err->code;
	if (c->json) {
		json_t *o = agent_to_json(&one);

		(void)json_dumpf(o, stdout, JSON_COMPACT);
		(void)putchar('\n');
		json_decref(o);
	} else {
		(void)printf("paired with agent '%s' at %s port %u\n", one.name,
			     one.address, one.port);
	}
	return EXIT_DONE;
}

int ctl_pair(struct ctl *c, int argc, char **argv, struct weir_error *err)
{
	struct client_target t = { .key = &c->key, .connect_ns = c->connect_ns };
	struct ctl_answer a = { .prints = false };
	struct pairing_code code;
	int rc;

	if (argc != 3)
		return err_set(err, WEIR_ERR_USAGE,
			       "pair wants the agent's address and the code");
	if (c->as && !is_plain_name(c->as, AGENT_NAME - 1))
		return err_set(err, WEIR_ERR_USAGE, "--as: '%.60s' is no name", c->as);
	rc = address_parse(argv[1], CONFIG_PORT, t.address, &t.port, err);
	if (!rc)
		rc = read_code(argv[2], &code, err);
	if (!rc)
		rc = ctl_open_directory(c, true, err);
	if (rc)
		return rc;
	t.pin = code.print;
	t.pin_bytes = sizeof code.print;
	rc = client_open(&c->client, &t, &c->stop, err);
	if (rc == WEIR_ERR_MISMATCH)
		rc = err_set(err, rc,
			     "who answers at '%s' is not the agent that made this code",
			     t.address);
	if (!rc)
		rc = ask(c, &code, &a, err);
	OPENSSL_cleanse(&code, sizeof code);
	if (!rc)
		rc = a.error ? ctl_exit(&a) : remember(c, &t, &a, err);
	ctl_answer_fini(&a);
	return rc;
}
