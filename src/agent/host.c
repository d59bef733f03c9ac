#include "agent/host.h"

#include "agent/plugin_file.h"
#include "base/mem.h"
#include "port/places.h"

enum {
	HOST_PATH = 1024
};

#define PART(part) (1U << SANDBOX_##part)
#define ALL_PARTS \
 (PART(USER) | PART(PRIVILEGES) | PART(FILES) | PART(CALLS) | PART(LIMITS))

/* Ours.  What `files` leaves open is added when the directories are known. */
static const struct own_plugin {
	const char *name;
	const char *capabilities;
	enum sandbox_network network;
	bool writes_stores, may_trace_files, may_load_bpf;
	bool may_leave; /* recorders, that close their stores first */
	unsigned wanted;
	uint64_t memory_bytes, descriptors, processes;
} own_plugins[] = {
	/* Its recorders need what recorders need.  It enters Landlock by itself, once the
	 * process that starts them stands outside: under Landlock nothing could be told of
	 * other processes, and so of no packet whose it is. */
	{ "divert",
	  "net_admin,net_raw,bpf,perfmon,sys_admin,sys_ptrace,dac_read_search,sys_resource",
	  SANDBOX_NETWORK_CAPTURE, true, true, true, true, ALL_PARTS & ~PART(FILES), 0,
	  4096, 0 },
	/* sys_admin makes the detached mount through which a listing disturbs nothing; the
	 * filter of calls leaves it that and no other use. */
	{ "filesystem", "dac_read_search,sys_admin", SANDBOX_NETWORK_NONE, false, true,
	  false, false, ALL_PARTS, UINT64_C(4) << 30, 1024, 0 },
};

/* What all plugins of one agent share. */
struct host {
	struct dispatch *dispatch;
	const struct host_config *config;
	bool is_root, has_user;
	struct port_user user;
	char program[HOST_PATH], stores[HOST_PATH];
};

static int join(char path[HOST_PATH], const char *a, const char *b, const char *c,
		struct weir_error *err)
{
	int n = snprintf(path, HOST_PATH, "%s/%s%s", a, b, c);

	return n > 0 && n < HOST_PATH
		       ? 0
		       : err_set(err, WEIR_ERR_LIMIT, "'%.60s...' is too long a path", a);
}

static int prepare(struct host *h, struct weir_error *err)
{
	const char *data = h->config->data;
	char plugins[HOST_PATH];
	int rc = port_path_is_absolute(data)
			 ? port_directory_make(data, 0711, NULL, err)
			 : err_set(err, WEIR_ERR_USAGE,
				   "the data directory '%.200s' is no absolute path",
				   data);

	if (!rc)
		rc = join(plugins, data, "plugins", "", err);
	if (!rc)
		rc = port_directory_make(plugins, 0711, NULL, err);
	if (!rc)
		rc = join(h->stores, data, "stores", "", err);
	if (!rc)
		rc = port_directory_make(h->stores, 0700, h->has_user ? &h->user : NULL,
					 err);
	return rc;
}

/* The user our own plugins become: only root can give them one. */
static int choose_user(struct host *h, struct weir_error *err)
{
	h->is_root = port_is_root();
	if (!h->is_root)
		return 0;
	h->has_user = true;
	if (h->config->user)
		return port_user_find(h->config->user, &h->user, err);
	if (!port_user_find("weir", &h->user, NULL))
		return 0;
	return port_user_find("nobody", &h->user, err);
}

/* What the plugin's own file does not say. */
static void fill_times(struct plugin_times *t, const struct plugin_times *usual)
{
	t->start_ms = t->start_ms ? t->start_ms : usual->start_ms;
	t->heartbeat_ms = t->heartbeat_ms ? t->heartbeat_ms : usual->heartbeat_ms;
	t->hang_ms = t->hang_ms ? t->hang_ms : usual->hang_ms;
	t->stop_ms = t->stop_ms ? t->stop_ms : usual->stop_ms;
	t->backoff_min_ms = usual->backoff_min_ms;
	t->backoff_max_ms = usual->backoff_max_ms;
	t->stable_ms = usual->stable_ms;
}

/* Gives the plugin its directory and its place, and starts it. */
static int add(struct host *h, struct plugin_config *c, struct weir_error *err)
{
	char state[HOST_PATH], state_env[HOST_PATH + 16], stores_env[HOST_PATH + 16],
		tmp_env[HOST_PATH + 16];
	const char *environment[16] = { state_env, stores_env, tmp_env };
	const char *const *plain = port_plain_environment();
	const char *writable[16] = { state };
	size_t count = 1;
	int rc = join(state, h->config->data, "plugins/", c->name, err);

	if (!rc)
		rc = port_directory_make(
			state, 0700, c->sandbox.has_user ? &c->sandbox.user : NULL, err);
	if (rc)
		return rc;
	for (size_t i = 0; c->sandbox.writable && c->sandbox.writable[i]; i++)
		if (count < ARRAY_LEN(writable) - 1)
			writable[count++] = c->sandbox.writable[i];
	c->sandbox.writable = writable;
	for (size_t i = 0; plain[i] && i + 4 < ARRAY_LEN(environment); i++)
		environment[3 + i] = plain[i];
	(void)snprintf(state_env, sizeof state_env, "WEIR_STATE=%s", state);
	(void)snprintf(stores_env, sizeof stores_env, "WEIR_STORES=%s", h->stores);
	(void)snprintf(tmp_env, sizeof tmp_env, "TMPDIR=%s", state);
	c->state_dir = state;
	c->environment = environment;
	fill_times(&c->times, &h->config->times);
	c->log = h->config->log;
	c->sandbox.optional |= h->config->optional;
	/* dispatch_add() copies what it keeps. NOLINTNEXTLINE(clang-analyzer-core.StackAddressEscape) */
	return dispatch_add(h->dispatch, c, err);
}

/* For the part of a sandbox that a plugin of ours enters by itself. */
static void format_parts(unsigned parts, char *text, size_t size)
{
	size_t used = (size_t)snprintf(text, size, "--allow-without=");

	for (unsigned part = 0; part < SANDBOX_PARTS; part++)
		if (parts >> part & 1)
			used += (size_t)snprintf(
				text + used, size - used, "%s,",
				sandbox_part_name((enum sandbox_part)part));
}

static int add_own(struct host *h, const struct own_plugin *own, struct weir_error *err)
{
	char without[64];
	const char *const argv[] = { h->program, "plugin", own->name,
				     h->config->optional ? without : NULL, NULL };
	const char *const executable[] = { h->program, NULL };
	const char *const stores[] = { h->stores, NULL };
	struct plugin_config c = {
		.name = own->name,
		.argv = argv,
		.sandbox = { .has_user = h->has_user,
			     .user = h->user,
			     .capabilities = own->capabilities,
			     .writable = own->writes_stores ? stores : NULL,
			     .executable = executable,
			     .network = own->network,
			     .calls = SANDBOX_CALLS_OURS,
			     .may_trace_files = own->may_trace_files,
			     .may_load_bpf = own->may_load_bpf,
			     .memory_bytes = own->memory_bytes,
			     .descriptors = own->descriptors,
			     .processes = own->processes,
			     .wanted = own->wanted },
		.may_leave = own->may_leave,
	};

	format_parts(h->config->optional, without, sizeof without);
	/* Whoever runs an agent without being root is that user already. */
	if (!h->is_root)
		c.sandbox.wanted &= ~PART(USER);
	c.sandbox.wanted &= sandbox_parts();
	return add(h, &c, err);
}

/* Somebody else's: nothing but what its file says. */
static int add_file(struct host *h, const char *path, struct weir_error *err)
{
	struct plugin_file f;
	int rc = plugin_file_read(&f, path, err);

	if (!rc && h->is_root)
		rc = port_user_find(f.user, &f.config.sandbox.user, err);
	if (!rc) {
		f.config.sandbox.has_user = h->is_root;
		f.config.sandbox.wanted = ALL_PARTS;
		if (!h->is_root)
			f.config.sandbox.wanted &= ~PART(USER);
		f.config.sandbox.wanted &= sandbox_parts();
		rc = add(h, &f.config, err);
	}
	plugin_file_fini(&f);
	return rc ? err_prefix(err, "plugin '%s'", path) : 0;
}

int host_add(struct dispatch *d, const struct host_config *config, struct weir_error *err)
{
	struct host *h = mem_new(1, sizeof *h);
	int rc;

	if (!h)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for the agent");
	h->dispatch = d;
	h->config = config;
	rc = choose_user(h, err);
	if (!rc)
		rc = prepare(h, err);
	if (!rc)
		rc = port_program_path(h->program, sizeof h->program, err);
	for (size_t i = 0; !rc && i < ARRAY_LEN(own_plugins); i++)
		rc = add_own(h, &own_plugins[i], err);
	for (size_t i = 0; !rc && config->plugin_files && config->plugin_files[i]; i++)
		rc = add_file(h, config->plugin_files[i], err);
	mem_free(h);
	return rc;
}

int host_parse_parts(const char *text, unsigned *parts, struct weir_error *err)
{
	char name[32];

	*parts = 0;
	while (*text) {
		size_t n = strcspn(text, ",");
		enum sandbox_part part;

		(void)snprintf(name, sizeof name, "%.*s", (int)n, text);
		part = sandbox_part_find(name);
		if (part == SANDBOX_PARTS)
			return err_set(err, WEIR_ERR_USAGE,
				       "'%s' is no part of a sandbox: user, privileges, "
				       "files, calls, limits",
				       name);
		*parts |= 1U << part;
		text += n + (text[n] == ',');
	}
	return 0;
}
