#include "agent/agents.h"

#include "agent/private_file.h"
#include "base/mem.h"
#include "store/json_lines.h"

static int append(struct agents *a, const struct known_agent *one, struct weir_error *err)
{
	if (a->count == AGENTS_MAX)
		return err_set(err, WEIR_ERR_LIMIT, "there are %d agents already",
			       AGENTS_MAX);
	if (a->count == a->room) {
		size_t room = a->room ? 2 * a->room : 8;
		struct known_agent *grown = mem_grow(a->items, room, sizeof *grown);

		if (!grown)
			return err_set(err, WEIR_ERR_NO_MEMORY,
				       "no memory for %zu agents", room);
		a->items = grown;
		a->room = room;
	}
	a->items[a->count++] = *one;
	return 0;
}

json_t *agent_to_json(const struct known_agent *one)
{
	char pin[PIN_HEX], at[TIME_TEXT];

	pin_hex(&one->pin, pin);
	time_format(one->paired_ns, at);
	return json_pack("{s:s,s:s,s:i,s:s,s:s,s:I}", "name", one->name, "address",
			 one->address, "port", (int)one->port, "pin", pin, "paired", at,
			 "paired_ns", (json_int_t)one->paired_ns);
}

static bool from_json(const json_t *o, struct known_agent *one)
{
	const char *name = json_get_text(o, "name"), *pin = json_get_text(o, "pin"),
		   *address = json_get_text(o, "address");
	uint64_t port;
	uint16_t found;

	memset(one, 0, sizeof *one);
	if (!name || !is_plain_name(name, AGENT_NAME - 1) || !pin ||
	    !pin_from_hex(pin, &one->pin) || !address ||
	    address_parse(address, 0, one->address, &found, NULL) ||
	    !json_get_u64(o, "port", &port) || port > UINT16_MAX ||
	    !json_get_i64(o, "paired_ns", &one->paired_ns))
		return false;
	(void)snprintf(one->name, sizeof one->name, "%s", name);
	one->port = (uint16_t)port;
	return true;
}

int agents_parse(struct agents *a, const json_t *file, struct weir_error *err)
{
	const json_t *list = json_object_get(file, "agents");
	uint64_t format;
	int rc = 0;

	a->count = 0;
	if (!json_get_u64(file, "format", &format) || format != 1 || !json_is_array(list))
		return err_set(err, WEIR_ERR_FORMAT,
			       "'" AGENTS_NAME "' is not of format 1");
	for (size_t i = 0; !rc && i < json_array_size(list); i++) {
		struct known_agent one;

		rc = from_json(json_array_get(list, i), &one)
			     ? append(a, &one, err)
			     : err_set(err, WEIR_ERR_FORMAT,
				       "'" AGENTS_NAME "': entry %zu has not its form",
				       i + 1);
	}
	return rc;
}

int agents_open(struct agents *a, int dir_fd, struct weir_error *err)
{
	json_t *file;
	int rc;

	*a = (struct agents){ .dir_fd = dir_fd };
	rc = private_json_read(dir_fd, AGENTS_NAME, &file, err);
	if (rc == WEIR_ERR_ABSENT)
		return 0;
	if (!rc)
		rc = agents_parse(a, file, err);
	json_decref(file);
	if (rc)
		agents_fini(a);
	return rc;
}

void agents_fini(struct agents *a)
{
	mem_free(a->items);
	a->items = NULL;
	a->count = a->room = 0;
}

const struct known_agent *agents_find(const struct agents *a, const char *word)
{
	const struct known_agent *found = NULL;
	size_t same = 0;

	for (size_t i = 0; i < a->count; i++) {
		if (!strcmp(a->items[i].name, word))
			return &a->items[i];
		if (!strcmp(a->items[i].address, word)) {
			found = &a->items[i];
			same++;
		}
	}
	return same == 1 ? found : NULL;
}

static int save(const struct agents *a, struct weir_error *err)
{
	json_t *list = json_array(), *file;
	int rc;

	for (size_t i = 0; i < a->count; i++)
		json_array_append_new(list, agent_to_json(&a->items[i]));
	file = json_pack("{s:i,s:o}", "format", 1, "agents", list);
	rc = file ? private_json_write(a->dir_fd, AGENTS_NAME, file, err)
		  : err_set(err, WEIR_ERR_NO_MEMORY, "no memory for the agents");
	json_decref(file);
	return rc;
}

int agents_put(struct agents *a, const struct known_agent *one, struct weir_error *err)
{
	int rc = 0;
	size_t i = 0;

	while (i < a->count && strcmp(a->items[i].name, one->name) != 0)
		i++;
	if (i < a->count)
		a->items[i] = *one;
	else
		rc = append(a, one, err);
	return rc ? rc : save(a, err);
}

int agents_remove(struct agents *a, const char *name, struct weir_error *err)
{
	for (size_t i = 0; i < a->count; i++) {
		if (strcmp(a->items[i].name, name) != 0)
			continue;
		memmove(&a->items[i], &a->items[i + 1],
			(a->count - i - 1) * sizeof a->items[0]);
		a->count--;
		return save(a, err);
	}
	return err_set(err, WEIR_ERR_ABSENT, "no agent is called '%.64s'", name);
}
