#include "agent/config.h"

#include "base/mem.h"
#include "port/port.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct key {
	const char *name;
	int (*take)(struct agent_config *c, const struct key *k, const char *value,
		    struct weir_error *err);
	size_t offset, size; /* of the member */
	int64_t min, max;
	bool is_list;
};

static void *member(struct agent_config *c, const struct key *k)
{
	return (char *)c + k->offset;
}

static int take_text(struct agent_config *c, const struct key *k, const char *value,
		     struct weir_error *err)
{
	if (strlen(value) >= k->size)
		return err_set(err, WEIR_ERR_USAGE, "longer than %zu bytes", k->size - 1);
	(void)snprintf(member(c, k), k->size, "%s", value);
	return 0;
}

static int take_name(struct agent_config *c, const struct key *k, const char *value,
		     struct weir_error *err)
{
	if (!is_plain_name(value, k->size - 1))
		return err_set(
			err, WEIR_ERR_USAGE,
			"'%.60s' is no name: letters, digits and ._- are, up to %zu",
			value, k->size - 1);
	return take_text(c, k, value, err);
}

static int take_path(struct agent_config *c, const struct key *k, const char *value,
		     struct weir_error *err)
{
	if (!port_path_is_absolute(value) && strcmp(value, "none") != 0)
		return err_set(err, WEIR_ERR_USAGE, "'%.60s' is no absolute path", value);
	return take_text(c, k, value, err);
}

static int check_bounds(const struct key *k, int64_t v, struct weir_error *err)
{
	if (v < k->min || v > k->max)
		return err_set(err, WEIR_ERR_USAGE, "%lld is not within %lld to %lld",
			       (long long)v, (long long)k->min, (long long)k->max);
	return 0;
}

static int take_size(struct agent_config *c, const struct key *k, const char *value,
		     struct weir_error *err)
{
	uint64_t v;
	int rc = size_parse(value, &v, err);

	if (!rc)
		rc = check_bounds(k, v > INT64_MAX ? INT64_MAX : (int64_t)v, err);
	if (!rc)
		memcpy(member(c, k), &v, sizeof v);
	return rc;
}

static int take_duration(struct agent_config *c, const struct key *k, const char *value,
			 struct weir_error *err)
{
	int64_t v;
	int rc = duration_parse(value, &v, err);

	if (!rc)
		rc = check_bounds(k, v, err);
	if (!rc)
		memcpy(member(c, k), &v, sizeof v);
	return rc;
}

static int read_count(const struct key *k, const char *text, char **end, int64_t *v,
		      struct weir_error *err)
{
	errno = 0;
	*v = strtoll(text, end, 10);
	if (errno || *end == text)
		return err_set(err, WEIR_ERR_USAGE, "'%.60s' is no whole number", text);
	return check_bounds(k, *v, err);
}

static int take_count(struct agent_config *c, const struct key *k, const char *value,
		      struct weir_error *err)
{
	char *end;
	int64_t v;
	int rc = read_count(k, value, &end, &v, err);
	uint64_t count = (uint64_t)v;

	if (!rc && *end)
		rc = err_set(err, WEIR_ERR_USAGE, "'%.60s' is no whole number", value);
	if (!rc)
		memcpy(member(c, k), &count, sizeof count);
	return rc;
}

/* "50 100": so many a second, so many at once. */
static int take_rate(struct agent_config *c, const struct key *k, const char *value,
		     struct weir_error *err)
{
	int64_t per_second, burst;
	char *end;
	int rc = read_count(k, value, &end, &per_second, err);

	burst = per_second;
	if (!rc && *end == ' ')
		rc = read_count(k, end, &end, &burst, err);
	if (!rc && *end)
		rc = err_set(err, WEIR_ERR_USAGE,
			     "'%.60s' is no rate: PER_SECOND [AT_ONCE]", value);
	if (!rc) {
		struct rate r = { (unsigned)per_second, (unsigned)burst };

		memcpy(member(c, k), &r, sizeof r);
	}
	return rc;
}

static int take_address(struct agent_config *c, const struct key *k, const char *value,
			struct weir_error *err)
{
	char address[CONFIG_ADDRESS];
	uint16_t port;
	int rc = !strcmp(value, "none")
			 ? 0
			 : address_parse(value, CONFIG_PORT, address, &port, err);

	return rc ? rc : take_text(c, k, value, err);
}

static int take_listen(struct agent_config *c, const struct key *k, const char *value,
		       struct weir_error *err)
{
	char address[CONFIG_ADDRESS];
	uint16_t port;
	int rc;

	(void)k;
	if (!strcmp(value, "none"))
		return 0;
	if (c->listen_count == CONFIG_LISTEN_MAX)
		return err_set(err, WEIR_ERR_USAGE, "given more than %d times",
			       CONFIG_LISTEN_MAX);
	rc = address_parse(value, CONFIG_PORT, address, &port, err);
	if (!rc && strlen(value) >= CONFIG_ADDRESS)
		rc = err_set(err, WEIR_ERR_USAGE, "longer than %d bytes", CONFIG_ADDRESS);
	if (!rc)
		(void)snprintf(c->listen[c->listen_count++], CONFIG_ADDRESS, "%s", value);
	return rc;
}

/* "1000 viewer divert=operator", "alice admin". */
static int take_user(struct agent_config *c, const struct key *k, const char *value,
		     struct weir_error *err)
{
	struct config_user one = { 0 };
	size_t length = strcspn(value, " \t");
	struct port_user user;
	char name[64];
	int rc;

	(void)k;
	if (c->user_count == CONFIG_USERS_MAX)
		return err_set(err, WEIR_ERR_USAGE, "given more than %d times",
			       CONFIG_USERS_MAX);
	if (length >= sizeof name)
		return err_set(err, WEIR_ERR_USAGE, "a user's name of %zu bytes", length);
	(void)snprintf(name, sizeof name, "%.*s", (int)length, value);
	rc = port_user_find(name, &user, err);
	if (!rc)
		rc = grants_parse(value + length, &one.grants, err);
	if (rc)
		return rc;
	one.uid = user.uid;
	c->users[c->user_count++] = one;
	return 0;
}

#define MEMBER(m) \
 offsetof(struct agent_config, m), sizeof(((struct agent_config *)NULL)->m)

#define HOUR (3600 * NS_PER_S)
#define MIB  (1024 * 1024)

static const struct key keys[] = {
	{ "name", take_name, MEMBER(name), 0, 0, false },
	{ "data", take_path, MEMBER(data), 0, 0, false },
	{ "socket", take_path, MEMBER(socket), 0, 0, false },
	{ "listen", take_listen, MEMBER(listen), 0, 0, true },
	{ "tim", take_address, MEMBER(tim), 0, 0, false },
	{ "user", take_user, MEMBER(users), 0, 0, true },
	{ "max-body", take_size, MEMBER(max_body_bytes), 1024, 64 * MIB, false },
	{ "max-header", take_size, MEMBER(max_header_bytes), 1024, MIB, false },
	{ "max-connections", take_count, MEMBER(max_connections), 1, 100000, false },
	{ "max-connections-address", take_count, MEMBER(max_connections_address), 1,
	  100000, false },
	{ "max-calls", take_count, MEMBER(max_calls_key), 1, 1000, false },
	{ "requests", take_rate, MEMBER(requests_key), 0, 1000000, false },
	{ "strangers", take_rate, MEMBER(strangers_total), 0, 1000000, false },
	{ "handshake-time", take_duration, MEMBER(handshake_ns), NS_PER_S, HOUR, false },
	{ "idle-time", take_duration, MEMBER(idle_ns), NS_PER_S, 24 * HOUR, false },
	{ "write-time", take_duration, MEMBER(write_ns), NS_PER_S, 24 * HOUR, false },
	{ "call-time", take_duration, MEMBER(call_ns), 0, INT64_MAX, false },
};

_Static_assert(ARRAY_LEN(keys) <= 32, "`seen` is a set of 32");

void config_default(struct agent_config *c)
{
	*c = (struct agent_config){
		.data = CONFIG_DATA,
		.max_body_bytes = MIB,
		.max_header_bytes = 16 * 1024,
		.max_connections = 512,
		.max_connections_address = 128,
		.max_calls_key = 32,
		.requests_key = { 200, 400 },
		.strangers_total = { 20, 40 },
		.handshake_ns = 10 * NS_PER_S,
		.idle_ns = 60 * NS_PER_S,
		.write_ns = 60 * NS_PER_S,
	};
}

static size_t trim(const char **text, size_t length)
{
	while (length && strchr(" \t\r", (*text)[0])) {
		++*text;
		length--;
	}
	while (length && strchr(" \t\r", (*text)[length - 1]))
		length--;
	return length;
}

static int take_line(struct agent_config *c, const char *line, size_t length,
		     uint32_t *seen, struct weir_error *err)
{
	const char *equals = memchr(line, '=', length), *key = line, *value;
	size_t key_length, value_length;
	char copy[1024];

	if (memchr(line, '\0', length))
		return err_set(err, WEIR_ERR_FORMAT, "a NUL byte");
	if (!equals)
		return err_set(err, WEIR_ERR_USAGE, "no '='");
	key_length = trim(&key, (size_t)(equals - line));
	value = equals + 1;
	value_length = trim(&value, length - (size_t)(value - line));
	if (value_length >= sizeof copy)
		return err_set(err, WEIR_ERR_LIMIT, "longer than %zu bytes",
			       sizeof copy - 1);
	(void)snprintf(copy, sizeof copy, "%.*s", (int)value_length, value);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (strlen(keys[i].name) != key_length ||
		    memcmp(keys[i].name, key, key_length) != 0)
			continue;
		if (!keys[i].is_list && *seen & 1U << i)
			return err_set(err, WEIR_ERR_USAGE, "'%s' a second time",
				       keys[i].name);
		*seen |= 1U << i;
		return keys[i].take(c, &keys[i], copy, err)
			       ? err_prefix(err, "%s", keys[i].name)
			       : 0;
	}
	return err_set(err, WEIR_ERR_USAGE, "'%.*s' is no key",
		       (int)(key_length < 60 ? key_length : 60), key);
}

int config_parse(struct agent_config *c, const char *text, size_t length,
		 struct weir_error *err)
{
	const char *end = text + length;
	unsigned number = 0;
	uint32_t seen = 0;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *line = text, *stop = newline ? newline : end;
		size_t n = trim(&line, (size_t)(stop - text));

		number++;
		text = newline ? newline + 1 : end;
		if (n && *line != '#' && take_line(c, line, n, &seen, err))
			return err_prefix(err, "line %u", number);
	}
	return 0;
}

int config_set(struct agent_config *c, const char *key, const char *value,
	       struct weir_error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (!strcmp(keys[i].name, key))
			return keys[i].take(c, &keys[i], value, err)
				       ? err_prefix(err, "%s", key)
				       : 0;
	return err_set(err, WEIR_ERR_USAGE, "'%.60s' is no key", key);
}

/* Who can write this file can make himself an administrator of the agent. */
static int check_owner(int fd, const char *path, struct weir_error *err)
{
	char why[160];
	struct stat st;

	if (fstat(fd, &st))
		return err_sys(err, "cannot look at '%.200s'", path);
	if (S_ISCHR(st.st_mode) || port_is_ours(fd, why, sizeof why))
		return 0;
	return err_set(err, WEIR_ERR_PRIVILEGE, "'%.200s' %s", path, why);
}

static int read_text(struct agent_config *c, int fd, const char *path,
		     struct weir_error *err)
{
	char *bytes = mem_new(CONFIG_FILE_MAX, 1);
	ssize_t n = -1;
	int rc;

	if (bytes)
		n = read(fd, bytes, CONFIG_FILE_MAX);
	if (!bytes)
		rc = err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a configuration");
	else if (n < 0)
		rc = err_sys(err, "cannot read '%.200s'", path);
	else if (n == CONFIG_FILE_MAX)
		rc = err_set(err, WEIR_ERR_LIMIT, "'%.200s' is longer than %d bytes",
			     path, CONFIG_FILE_MAX - 1);
	else if (config_parse(c, bytes, (size_t)n, err))
		rc = err_prefix(err, "'%.200s'", path);
	else
		rc = 0;
	mem_free(bytes);
	return rc;
}

int config_read(struct agent_config *c, const char *path, struct weir_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc;

	if (fd < 0)
		return err_sys(err, "cannot open '%.200s'", path);
	rc = check_owner(fd, path, err);
	if (!rc)
		rc = read_text(c, fd, path, err);
	(void)close(fd);
	return rc;
}
