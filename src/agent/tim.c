#include "agent/tim.h"

#include "base/base64.h"
#include "base/mem.h"
#include "filesystem/mime.h"

#include <stdint.h>
#include <sys/stat.h>

/* What the prototype had. */
static const struct row {
	const char *plugin, *directive;
	enum tim_what what;
	const char *our_plugin, *our_directive;
} rows[] = {
	{ "FileSystem", "getcwd", TIM_GETCWD, "filesystem", "getcwd" },
	{ "FileSystem", "chdir", TIM_CHDIR, "filesystem", "chdir" },
	{ "FileSystem", "listdir", TIM_LISTDIR, "filesystem", "listdir" },
	{ "Divert", "start", TIM_START, "divert", "start" },
	{ "Divert", "stop", TIM_STOP, "divert", "stop" },
};

static json_t *decode(const char *line, size_t length, struct weir_error *err)
{
	char *bytes = mem_new(length / 4 * 3 + 1, 1);
	json_t *object = NULL;
	json_error_t bad;
	size_t n;

	if (!bytes)
		(void)err_set(err, WEIR_ERR_NO_MEMORY, "no memory for the request");
	else if (!base64_decode(line, length, bytes, &n))
		(void)err_set(err, WEIR_ERR_FORMAT, "the request is no base64");
	else if (!(object = json_loadb(bytes, n, JSON_REJECT_DUPLICATES, &bad)))
		(void)err_set(err, WEIR_ERR_FORMAT, "the request is no JSON: %.100s",
			      bad.text);
	mem_free(bytes);
	if (!object || json_is_object(object))
		return object;
	(void)err_set(err, WEIR_ERR_FORMAT, "the request is no object");
	json_decref(object);
	return NULL;
}

static int find(const char *plugin, const char *directive, const struct row **found,
		struct weir_error *err)
{
	bool has_plugin = false;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strcmp(rows[i].plugin, plugin) != 0)
			continue;
		has_plugin = true;
		*found = &rows[i];
		if (!strcmp(rows[i].directive, directive))
			return 0;
	}
	if (has_plugin)
		return err_set(err, WEIR_ERR_ABSENT, "Unsupported directive: %.100s",
			       directive);
	return err_set(err, WEIR_ERR_ABSENT, "Plugin '%.100s' not found", plugin);
}

/* A text of the arguments, or what stands where it is not given. */
static const char *text_of(const json_t *arguments, const char *name, const char *usual)
{
	const json_t *value = json_object_get(arguments, name);

	if (!value || json_is_null(value))
		return usual;
	return json_string_value(value);
}

static json_t *listing_arguments(const json_t *from)
{
	const char *path = text_of(from, "path", "."),
		   *pattern = text_of(from, "pattern", "*");
	json_t *to = path && pattern
			     ? json_pack("{s:s,s:s}", "path", path, "pattern", pattern)
			     : NULL;

	/* Its globs are of one level but where they say otherwise. */
	if (to && (strstr(pattern, "**") || strchr(pattern, '/')))
		json_object_set_new(to, "recursive", json_true());
	return to;
}

/* "./packets" and "packets" are the same; what else is no plain name the plugin refuses. */
static json_t *start_arguments(const json_t *from)
{
	const char *filter = text_of(from, "filter", "true"),
		   *directory = text_of(from, "storage_directory", "");
	json_t *to;

	if (!filter || !directory)
		return NULL;
	to = json_pack("{s:s,s:s,s:s,s:s}", "name", "tim", "filter", filter, "mode",
		       "divert", "layout", "files");
	if (!strncmp(directory, "./", 2))
		directory += 2;
	if (to && *directory)
		json_object_set_new(to, "store", json_string(directory));
	return to;
}

static json_t *translate(enum tim_what what, const json_t *from)
{
	const char *path;

	switch (what) {
	case TIM_GETCWD:
		return json_object();
	case TIM_CHDIR:
		path = text_of(from, "path", ".");
		return path ? json_pack("{s:s}", "path", path) : NULL;
	case TIM_LISTDIR:
		return listing_arguments(from);
	case TIM_START:
		return start_arguments(from);
	case TIM_STOP:
		break;
	}
	return json_pack("{s:s}", "name", "tim");
}

static int read_request(const json_t *root, struct tim_request *r, struct weir_error *err)
{
	const char *plugin = json_string_value(json_object_get(root, "plugin")),
		   *directive = json_string_value(json_object_get(root, "directive"));
	const json_t *arguments = json_object_get(root, "arguments");
	const struct row *row = NULL;
	int rc;

	if (!plugin || !directive)
		return err_set(err, WEIR_ERR_FORMAT,
			       "'plugin' and 'directive' are not both texts");
	if (arguments && !json_is_object(arguments) && !json_is_null(arguments))
		return err_set(err, WEIR_ERR_FORMAT,
			       "'arguments' is neither an object nor null");
	rc = find(plugin, directive, &row, err);
	if (rc)
		return rc;
	r->what = row->what;
	r->plugin = row->our_plugin;
	r->directive = row->our_directive;
	r->arguments = translate(row->what, arguments);
	return r->arguments ? 0 : err_set(err, WEIR_ERR_FORMAT, "an argument is no text");
}

int tim_parse(const char *line, size_t length, struct tim_request *r,
	      struct weir_error *err)
{
	json_t *root;
	int rc;

	*r = (struct tim_request){ .what = TIM_GETCWD };
	if (length && line[length - 1] == '\r')
		length--;
	root = decode(line, length, err);
	if (!root)
		return WEIR_ERR_FORMAT;
	rc = read_request(root, r, err);
	json_decref(root);
	return rc;
}

void tim_request_fini(struct tim_request *r)
{
	json_decref(r->arguments);
	r->arguments = NULL;
}

/* Records. */

static const char *text_in(const json_t *record, const char *name)
{
	const char *text = json_string_value(json_object_get(record, name));

	return text ? text : "";
}

static uint32_t type_bits(const char *type)
{
	static const struct {
		const char *name;
		uint32_t bits;
	} types[] = { { "file", S_IFREG },  { "directory", S_IFDIR },
		      { "link", S_IFLNK },  { "fifo", S_IFIFO },
		      { "pipe", S_IFIFO },  { "socket", S_IFSOCK },
		      { "block", S_IFBLK }, { "block_device", S_IFBLK },
		      { "char", S_IFCHR },  { "character_device", S_IFCHR } };

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (!strcmp(types[i].name, type))
			return types[i].bits;
	return 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Of "a.tar.gz" ".gz"; of ".profile" and "a." none: as Python's pathlib counts. */
static const char *extension(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && dot != name && dot[1] ? dot : "";
}

static const char *encoding_of(const char *ending)
{
	static const char *const known[][2] = { { ".gz", "gzip" },
						{ ".Z", "compress" },
						{ ".bz2", "bzip2" },
						{ ".xz", "xz" },
						{ ".br", "br" } };

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (!strcmp(known[i][0], ending))
			return known[i][1];
	return NULL;
}

/* [type or null, encoding or null], guessed from the name: "a.tar.gz" is a tar, gzip'ed. */
static json_t *mime_of(const char *name)
{
	const char *ending = extension(name), *encoding = encoding_of(ending);
	size_t length = strlen(name) - (encoding ? strlen(ending) : 0);

	return json_pack("[s?,s?]", mime_of_name(name, length), encoding);
}

static json_t *seconds(const json_t *record, const char *name)
{
	return json_real((double)json_integer_value(json_object_get(record, name)) / 1e9);
}

/* As the prototype's os.stat() gave it: Linux' own packing. */
static json_int_t device_number(uint64_t major_number, uint64_t minor_number)
{
	return (json_int_t)((minor_number & 0xff) | (major_number & 0xfff) << 8 |
			    (minor_number & ~UINT64_C(0xff)) << 12 |
			    (major_number & ~UINT64_C(0xfff)) << 32);
}

static json_t *device_of(const json_t *record)
{
	const char *text = text_in(record, "device");
	char *end;
	unsigned major_number = (unsigned)strtoul(text, &end, 10);
	unsigned minor_number = *end == ':' ? (unsigned)strtoul(end + 1, NULL, 10) : 0;

	return json_integer(device_number(major_number, minor_number));
}

static void copy_member(json_t *to, const char *as, const json_t *record,
			const char *name)
{
	json_t *value = json_object_get(record, name);

	json_object_set(to, as, value ? value : json_null());
}

static json_t *parent_of(const char *path)
{
	size_t n = (size_t)(base_name(path) - path);

	return json_stringn(path, n > 1 ? n - 1 : n);
}

json_t *tim_file(const json_t *record, bool *is_directory)
{
	const char *path = json_string_value(json_object_get(record, "path")), *name;
	uint32_t type = type_bits(text_in(record, "type"));
	json_t *file;

	if (strcmp(text_in(record, "record"), "file") != 0 || !path)
		return NULL;
	*is_directory = type == S_IFDIR;
	if (*is_directory)
		return json_string(path);
	name = base_name(path);
	file = json_pack(
		"{s:s,s:o,s:s,s:o,s:I,s:o}", "file_name", name, "file_parent",
		parent_of(path), "file_extension", extension(name), "reported_mime_type",
		mime_of(name), "permissions",
		(json_int_t)(type | (uint32_t)strtoul(text_in(record, "mode"), NULL, 8)),
		"device_id", device_of(record));
	if (!file)
		return NULL;
	copy_member(file, "inode", record, "inode");
	copy_member(file, "link_count", record, "links");
	copy_member(file, "owner_id", record, "uid");
	copy_member(file, "group_id", record, "gid");
	copy_member(file, "size_bytes", record, "size_bytes");
	json_object_set_new(file, "time_last_accessed", seconds(record, "accessed_ns"));
	json_object_set_new(file, "time_last_modified", seconds(record, "modified_ns"));
	json_object_set_new(file, "time_created", seconds(record, "changed_ns"));
	copy_member(file, "time_accessed_ns", record, "accessed_ns");
	copy_member(file, "time_modified_ns", record, "modified_ns");
	copy_member(file, "time_changed_ns", record, "changed_ns");
	copy_member(file, "time_born_ns", record, "born_ns");
	return file;
}

char *tim_encode_text(const char *text, size_t size, size_t *length)
{
	char *line = text ? mem_new(BASE64_ROOM(size), 1) : NULL;

	*length = line ? base64_encode(line, text, size) : 0;
	return line;
}

char *tim_encode(json_t *answer, size_t *length)
{
	size_t size = answer ? json_dumpb(answer, NULL, 0, 0) : 0;
	char *text = size ? mem_new(size, 1) : NULL, *line;

	if (text)
		(void)json_dumpb(answer, text, size, 0);
	line = tim_encode_text(text, size, length);
	mem_free(text);
	json_decref(answer);
	return line;
}
