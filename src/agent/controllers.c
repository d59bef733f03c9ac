#include "agent/controllers.h"

#include "agent/private_file.h"
#include "base/mem.h"
#include "base/time.h"
#include "store/json_lines.h"

static void clear(struct controllers *c)
{
	mem_free(c->items);
	c->items = NULL;
	c->count = c->room = 0;
}

static int append(struct controllers *c, const struct controller *one,
		  struct weir_error *err)
{
	if (c->count == CONTROLLERS_MAX)
		return err_set(err, WEIR_ERR_LIMIT, "there are %d controllers already",
			       CONTROLLERS_MAX);
	if (c->count == c->room) {
		size_t room = c->room ? 2 * c->room : 8;
		struct controller *grown = mem_grow(c->items, room, sizeof *grown);

		if (!grown)
			return err_set(err, WEIR_ERR_NO_MEMORY,
				       "no memory for %zu controllers", room);
		c->items = grown;
		c->room = room;
	}
	c->items[c->count++] = *one;
	return 0;
}

json_t *controller_to_json(const struct controller *one)
{
	char pin[PIN_HEX], at[TIME_TEXT];
	json_t *o;

	pin_hex(&one->pin, pin);
	time_format(one->added_ns, at);
	o = json_pack("{s:s,s:s,s:o,s:s,s:I}", "name", one->name, "pin", pin, "roles",
		      grants_to_json(&one->grants), "added", at, "added_ns",
		      (json_int_t)one->added_ns);
	time_format(one->revoked_ns, at);
	json_object_set_new(o, "revoked",
			    one->revoked_ns ? json_string(at) : json_null());
	json_object_set_new(o, "revoked_ns",
			    one->revoked_ns ? json_integer(one->revoked_ns)
					    : json_null());
	return o;
}

static bool from_json(const json_t *o, struct controller *one)
{
	const char *name = json_get_text(o, "name"), *pin = json_get_text(o, "pin");
	const json_t *revoked = json_object_get(o, "revoked_ns");

	memset(one, 0, sizeof *one);
	if (!name || !is_plain_name(name, CONTROLLER_NAME - 1) || !pin ||
	    !pin_from_hex(pin, &one->pin) ||
	    !grants_from_json(json_object_get(o, "roles"), &one->grants) ||
	    !json_get_i64(o, "added_ns", &one->added_ns))
		return false;
	(void)snprintf(one->name, sizeof one->name, "%s", name);
	/* What is neither null nor a time is taken as revoked: when in doubt, out. */
	if (revoked && !json_is_null(revoked))
		one->revoked_ns =
			json_integer_value(revoked) ? json_integer_value(revoked) : 1;
	return true;
}

int controllers_parse(struct controllers *c, const json_t *file, struct weir_error *err)
{
	const json_t *list = json_object_get(file, "controllers");
	uint64_t format;
	int rc = 0;

	clear(c);
	if (!json_get_u64(file, "format", &format) || format != 1 || !json_is_array(list))
		return err_set(err, WEIR_ERR_FORMAT,
			       "'" CONTROLLERS_NAME "' is not of format 1");
	for (size_t i = 0; !rc && i < json_array_size(list); i++) {
		struct controller one;

		if (!from_json(json_array_get(list, i), &one))
			rc = err_set(err, WEIR_ERR_FORMAT,
				     "'" CONTROLLERS_NAME "': entry %zu has not its form",
				     i + 1);
		else if (controllers_by_pin(c, &one.pin))
			rc = err_set(err, WEIR_ERR_FORMAT,
				     "'" CONTROLLERS_NAME "': entry %zu has the key of "
				     "another",
				     i + 1);
		else
			rc = append(c, &one, err);
	}
	if (rc)
		clear(c);
	return rc;
}

static int save(struct controllers *c, struct weir_error *err)
{
	json_t *list = json_array(), *file;
	int rc;

	for (size_t i = 0; i < c->count; i++)
		json_array_append_new(list, controller_to_json(&c->items[i]));
	file = json_pack("{s:i,s:o}", "format", 1, "controllers", list);
	rc = file ? private_json_write(c->dir_fd, CONTROLLERS_NAME, file, err)
		  : err_set(err, WEIR_ERR_NO_MEMORY, "no memory for the controllers");
	json_decref(file);
	c->stamp = private_file_stamp(c->dir_fd, CONTROLLERS_NAME);
	return rc;
}

static int load(struct controllers *c, struct weir_error *err)
{
	json_t *file;
	int rc;

	c->stamp = private_file_stamp(c->dir_fd, CONTROLLERS_NAME);
	rc = private_json_read(c->dir_fd, CONTROLLERS_NAME, &file, err);
	if (rc == WEIR_ERR_ABSENT) {
		clear(c);
		return 0;
	}
	if (rc)
		clear(c);
	else
		rc = controllers_parse(c, file, err);
	json_decref(file);
	return rc;
}

int controllers_open(struct controllers *c, int dir_fd, struct weir_error *err)
{
	*c = (struct controllers){ .dir_fd = dir_fd };
	return load(c, err);
}

void controllers_fini(struct controllers *c)
{
	clear(c);
}

int controllers_refresh(struct controllers *c, bool *is_changed, struct weir_error *err)
{
	*is_changed = private_file_stamp(c->dir_fd, CONTROLLERS_NAME) != c->stamp;
	return *is_changed ? load(c, err) : 0;
}

static struct controller *find_pin(const struct controllers *c, const struct pin *pin)
{
	for (size_t i = 0; i < c->count; i++)
		if (pin_is_equal(&c->items[i].pin, pin))
			return &c->items[i];
	return NULL;
}

const struct controller *controllers_by_pin(const struct controllers *c,
					    const struct pin *pin)
{
	return find_pin(c, pin);
}

static bool is_meant(const struct controller *one, const char *word)
{
	size_t length = strlen(word);
	char hex[PIN_HEX];

	pin_hex(&one->pin, hex);
	return !strcmp(one->name, word) ||
	       (length >= 8 && length < PIN_HEX && !strncmp(hex, word, length));
}

const struct controller *controllers_by_word(const struct controllers *c,
					     const char *word)
{
	const struct controller *found = NULL;

	for (size_t i = 0; i < c->count; i++)
		if (is_meant(&c->items[i], word) && (!found || found->revoked_ns))
			found = &c->items[i];
	return found;
}

int controllers_add(struct controllers *c, const struct controller *one,
		    struct weir_error *err)
{
	const struct controller *same = controllers_by_pin(c, &one->pin);
	int rc;

	if (same)
		return err_set(err, WEIR_ERR_EXISTS,
			       same->revoked_ns ? "the key was revoked, as '%s'"
						: "the key is paired already, as '%s'",
			       same->name);
	for (size_t i = 0; i < c->count; i++)
		if (!c->items[i].revoked_ns && !strcmp(c->items[i].name, one->name))
			return err_set(err, WEIR_ERR_EXISTS,
				       "another controller is called '%s'", one->name);
	rc = append(c, one, err);
	if (rc)
		return rc;
	rc = save(c, err);
	if (rc)
		c->count--;
	return rc;
}

int controllers_revoke(struct controllers *c, const struct pin *pin, int64_t now_ns,
		       struct weir_error *err)
{
	struct controller *one = find_pin(c, pin);

	if (!one || one->revoked_ns)
		return err_set(err, WEIR_ERR_ABSENT, "there is no such active key");
	/* Out even where the disk is full: what was not written is told, and holds meanwhile. */
	one->revoked_ns = now_ns;
	return save(c, err);
}

int controllers_grant(struct controllers *c, const struct pin *pin,
		      const struct grants *g, struct weir_error *err)
{
	struct controller *one = find_pin(c, pin);
	struct grants old;
	int rc;

	if (!one || one->revoked_ns)
		return err_set(err, WEIR_ERR_ABSENT, "there is no such active key");
	old = one->grants;
	one->grants = *g;
	rc = save(c, err);
	if (rc)
		one->grants = old;
	return rc;
}
