#include "agent/plugin_file.h"

#include "agent/schema.h"
#include "base/mem.h"
#include "port/places.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATHS \
 "{\"type\":\"array\",\"maxItems\":14,\"items\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":1000}}"
#define COUNT "{\"type\":\"integer\",\"minimum\":0}"

#define TIME "{\"type\":\"integer\",\"minimum\":50,\"maximum\":3600000}"

static const char form[] =
	"{\"type\":\"object\",\"required\":[\"name\",\"command\"],\"additionalProperties\":false,"
	"\"properties\":{"
	"\"name\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":32},"
	"\"command\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":32,"
	"\"items\":{\"type\":\"string\",\"maxLength\":1000}},"
	"\"user\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":60},"
	"\"capabilities\":{\"type\":\"string\",\"maxLength\":200},"
	"\"network\":{\"enum\":[\"none\",\"capture\",\"all\"]},"
	"\"writable\":" PATHS ",\"executable\":" PATHS ",\"readable\":" PATHS ","
	"\"memory_bytes\":" COUNT ",\"descriptors\":" COUNT ",\"processes\":" COUNT ","
	"\"start_ms\":" TIME ",\"heartbeat_ms\":" TIME ",\"hang_ms\":" TIME
	",\"stop_ms\":" TIME ","
	"\"allow_without\":{\"type\":\"array\",\"items\":"
	"{\"enum\":[\"user\",\"privileges\",\"files\",\"calls\",\"limits\"]}}}}";

static const char *const default_executable[] = { "/usr", "/bin", "/lib", "/lib64",
						  NULL };

static bool is_name(const char *name)
{
	return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == strlen(name);
}

/* NULL where the member is not there. */
static const char *const *take_list(const json_t *root, const char *name,
				    const char *list[PLUGIN_FILE_LIST + 1])
{
	const json_t *from = json_object_get(root, name);
	size_t count = json_array_size(from);

	for (size_t i = 0; i < count && i < PLUGIN_FILE_LIST; i++)
		list[i] = json_string_value(json_array_get(from, i));
	return from ? list : NULL;
}

static enum sandbox_network take_network(const json_t *value)
{
	const char *name = json_string_value(value);

	if (!name || !strcmp(name, "none"))
		return SANDBOX_NETWORK_NONE;
	return !strcmp(name, "all") ? SANDBOX_NETWORK_ALL : SANDBOX_NETWORK_CAPTURE;
}

static uint64_t take_count(const json_t *root, const char *name, uint64_t usual)
{
	const json_t *value = json_object_get(root, name);

	return value ? (uint64_t)json_integer_value(value) : usual;
}

static const char *take_text(const json_t *root, const char *name, const char *usual)
{
	const char *text = json_string_value(json_object_get(root, name));

	return text ? text : usual;
}

static void fill(struct plugin_file *f)
{
	struct sandbox_rules *s = &f->config.sandbox;
	json_t *part;
	size_t at;

	f->config.name = take_text(f->root, "name", NULL);
	f->config.argv = take_list(f->root, "command", f->argv);
	f->user = take_text(f->root, "user", "nobody");
	s->capabilities = take_text(f->root, "capabilities", "");
	s->network = take_network(json_object_get(f->root, "network"));
	s->writable = take_list(f->root, "writable", f->writable);
	s->executable = take_list(f->root, "executable", f->executable);
	s->readable = take_list(f->root, "readable", f->readable);
	if (!s->executable)
		s->executable = default_executable;
	s->memory_bytes = take_count(f->root, "memory_bytes", UINT64_C(1) << 30);
	s->descriptors = take_count(f->root, "descriptors", 256);
	f->config.times = (struct plugin_times){
		.start_ms = (unsigned)take_count(f->root, "start_ms", 0),
		.heartbeat_ms = (unsigned)take_count(f->root, "heartbeat_ms", 0),
		.hang_ms = (unsigned)take_count(f->root, "hang_ms", 0),
		.stop_ms = (unsigned)take_count(f->root, "stop_ms", 0),
	};
	s->processes = take_count(f->root, "processes", 0);
	json_array_foreach(json_object_get(f->root, "allow_without"), at, part)
		s->optional |= 1U << sandbox_part_find(json_string_value(part));
}

static int check(const struct plugin_file *f, struct weir_error *err)
{
	json_t *schema = json_loads(form, 0, NULL);
	int rc = schema ? schema_validate(schema, f->root, err)
			: err_set(err, WEIR_ERR_NO_MEMORY, "no memory");
	const char *name = take_text(f->root, "name", "");

	json_decref(schema);
	if (rc)
		return rc;
	if (!is_name(name))
		return err_set(err, WEIR_ERR_FORMAT,
			       "'name': '%.40s' is not made of a-z, 0-9, _ and -", name);
	if (!port_path_is_absolute(json_string_value(
		    json_array_get(json_object_get(f->root, "command"), 0))))
		return err_set(err, WEIR_ERR_FORMAT,
			       "'command': the program is no absolute path");
	return 0;
}

int plugin_file_parse(struct plugin_file *f, const char *text, size_t length,
		      struct weir_error *err)
{
	json_error_t bad;
	int rc;

	*f = (struct plugin_file){ .root = json_loadb(text, length,
						      JSON_REJECT_DUPLICATES, &bad) };
	if (!f->root)
		return err_set(err, WEIR_ERR_FORMAT, "no JSON in line %d: %s", bad.line,
			       bad.text);
	rc = check(f, err);
	if (!rc)
		fill(f);
	return rc;
}

/* Who can write this file can run programs as the agent's plugins. */
static int check_owner(int fd, struct weir_error *err)
{
	struct stat st;
	char why[160] = "it is no regular file";

	if (fstat(fd, &st))
		return err_sys(err, "cannot look at it");
	if (S_ISREG(st.st_mode) && port_is_ours(fd, why, sizeof why))
		return 0;
	return err_set(err, WEIR_ERR_PRIVILEGE,
		       "not a file that only root or we can write: %s", why);
}

int plugin_file_read(struct plugin_file *f, const char *path, struct weir_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), rc;
	char *text;
	ssize_t n;

	*f = (struct plugin_file){ .root = NULL };
	if (fd < 0)
		return err_sys(err, "cannot open it");
	text = mem_new(PLUGIN_FILE_MAX, 1);
	rc = text ? check_owner(fd, err) : err_set(err, WEIR_ERR_NO_MEMORY, "no memory");
	if (!rc) {
		n = read(fd, text, PLUGIN_FILE_MAX);
		if (n < 0)
			rc = err_sys(err, "cannot read it");
		else if (n == PLUGIN_FILE_MAX)
			rc = err_set(err, WEIR_ERR_LIMIT, "longer than %d bytes",
				     PLUGIN_FILE_MAX - 1);
		else
			rc = plugin_file_parse(f, text, (size_t)n, err);
	}
	(void)close(fd);
	mem_free(text);
	return rc;
}

void plugin_file_fini(struct plugin_file *f)
{
	json_decref(f->root);
	f->root = NULL;
}
