#include "port/sandbox.h"

#include "port/linux/caps.h"
#include "port/linux/sandbox_parts.h"

#include <sys/resource.h>
#include <unistd.h>

static const char *const part_names[SANDBOX_PARTS] = { "user", "privileges", "files",
						       "calls", "limits" };

const char *sandbox_part_name(enum sandbox_part part)
{
	return part < SANDBOX_PARTS ? part_names[part] : "unknown";
}

enum sandbox_part sandbox_part_find(const char *name)
{
	unsigned part = 0;

	while (part < SANDBOX_PARTS && strcmp(part_names[part], name) != 0)
		part++;
	return (enum sandbox_part)part;
}

const char *sandbox_is_name(enum sandbox_is is)
{
	static const char *const names[] = { "off", "active", "failed" };

	return names[is];
}

unsigned sandbox_parts(void)
{
	return (1U << SANDBOX_PARTS) - 1;
}

unsigned sandbox_parts_running(void)
{
	return sandbox_parts();
}

/* What one part needs of the others' results. */
struct entry {
	const struct sandbox_rules *rules;
	struct sandbox_state *state;
};

static int enter_user(const struct entry *e, char *words, struct weir_error *err)
{
	const struct port_user *user = &e->rules->user;

	if (!e->rules->has_user)
		return err_set(err, WEIR_ERR_PRIVILEGE, "there is no user for it");
	if (geteuid() && geteuid() != user->uid)
		return err_set(err, WEIR_ERR_PRIVILEGE,
			       "only root can become user '%.32s'", user->name);
	(void)snprintf(words, SANDBOX_WORDS, "user %.32s, uid %u", user->name, user->uid);
	return caps_become(user, err);
}

static int enter_privileges(const struct entry *e, char *words, struct weir_error *err)
{
	uint64_t bits, held = 0;
	int rc = caps_parse(e->rules->capabilities ? e->rules->capabilities : "", &bits,
			    err);

	if (!rc)
		rc = caps_confine(bits, &held, err);
	caps_format(held, words, SANDBOX_WORDS);
	if (!rc && held != bits)
		(void)snprintf(words + strlen(words), SANDBOX_WORDS - strlen(words),
			       " (the agent has no more of %.100s)",
			       e->rules->capabilities);
	return rc;
}

static int enter_files(const struct entry *e, char *words, struct weir_error *err)
{
	return landlock_enter(e->rules, &e->state->landlock_abi, words, err);
}

static int enter_calls(const struct entry *e, char *words, struct weir_error *err)
{
	return seccomp_enter(e->rules, words, err);
}

static int limit(int what, uint64_t value, struct weir_error *err)
{
	struct rlimit both = { .rlim_cur = value, .rlim_max = value }, now;

	if (!getrlimit((__rlimit_resource_t)what, &now) && now.rlim_max < value)
		return 0;
	return setrlimit((__rlimit_resource_t)what, &both)
		       ? err_sys(err, "cannot set a limit")
		       : 0;
}

static int enter_limits(const struct entry *e, char *words, struct weir_error *err)
{
	const struct sandbox_rules *r = e->rules;
	int rc = limit(RLIMIT_CORE, 0, err);

	if (!rc && r->descriptors)
		rc = limit(RLIMIT_NOFILE, r->descriptors, err);
	if (!rc && r->memory_bytes)
		rc = limit(RLIMIT_AS, r->memory_bytes, err);
	if (!rc && r->processes)
		rc = limit(RLIMIT_NPROC, r->processes, err);
	(void)snprintf(
		words, SANDBOX_WORDS,
		"no core, %llu descriptors, %llu MiB, %llu processes (0: as the agent)",
		(unsigned long long)r->descriptors,
		(unsigned long long)(r->memory_bytes >> 20),
		(unsigned long long)r->processes);
	return rc;
}

/* In this order: limits while we may, the user while we are root, what forbids most last.  The parts
 * before do not need what the later ones take away. */
static const struct {
	enum sandbox_part part;
	int (*enter)(const struct entry *e, char *words, struct weir_error *err);
} parts[SANDBOX_PARTS] = {
	{ SANDBOX_LIMITS, enter_limits },         { SANDBOX_USER, enter_user },
	{ SANDBOX_PRIVILEGES, enter_privileges }, { SANDBOX_FILES, enter_files },
	{ SANDBOX_CALLS, enter_calls },
};

int sandbox_enter(const struct sandbox_rules *rules, struct sandbox_state *state,
		  struct weir_error *err)
{
	struct entry e = { rules, state };

	*state = (struct sandbox_state){ .landlock_abi = 0 };
	for (unsigned i = 0; i < SANDBOX_PARTS; i++) {
		enum sandbox_part part = parts[i].part;
		struct weir_error why = { 0 };
		char *words = state->words[part];

		if (!(rules->wanted >> part & 1))
			continue;
		if (!parts[i].enter(&e, words, &why)) {
			state->parts[part] = SANDBOX_ACTIVE;
			continue;
		}
		(void)snprintf(words, SANDBOX_WORDS, "%.150s", why.text);
		state->parts[part] = SANDBOX_FAILED;
		if (!(rules->optional >> part & 1))
			return err_set(err, WEIR_ERR_PRIVILEGE,
				       "the sandbox's part '%s' cannot be had: %s",
				       part_names[part], why.text);
	}
	return 0;
}
