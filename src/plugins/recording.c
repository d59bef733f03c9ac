#include "plugins/recording.h"

#include "base/time.h"
#include "weir/filter.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool recording_is_name(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t length = strlen(name);

	return length && length <= RECORDING_NAME_MAX && !strchr("._-", name[0]) &&
	       strspn(name, letters) == length;
}

static const char *text_of(const json_t *arguments, const char *name)
{
	return json_string_value(json_object_get(arguments, name));
}

int recording_check_filter(const json_t *arguments, struct weir_error *err)
{
	const char *text = text_of(arguments, "filter"),
		   *layer_name = text_of(arguments, "layer");
	enum filter_layer layer = FILTER_NETWORK;
	struct filter_error bad;
	struct filter *f = NULL;

	if (!text)
		return 0;
	if (layer_name && filter_layer_find(layer_name, &layer))
		return err_set(err, WEIR_ERR_USAGE, "'%.40s' is no layer", layer_name);
	if (filter_compile(&f, text, layer, 0, &bad))
		return filter_error_line(&bad, err);
	filter_free(f);
	return 0;
}

static void add(struct recording_words *w, const char *word)
{
	if (w->count < PROGRAM_WORDS - 1)
		w->items[w->count++] = word;
}

static void add_text(struct recording_words *w, const json_t *arguments, const char *name,
		     const char *option)
{
	const char *value = text_of(arguments, name);

	if (value) {
		add(w, option);
		add(w, value);
	}
}

static void add_number(struct recording_words *w, const char *option, int64_t value,
		       const char *unit)
{
	char *text = w->numbers + w->used;
	int n = snprintf(text, sizeof w->numbers - w->used, "%" PRId64 "%s", value, unit);

	add(w, option);
	add(w, text);
	w->used += (size_t)n + 1;
}

static void add_integer(struct recording_words *w, const json_t *arguments,
			const char *name, const char *option)
{
	const json_t *value = json_object_get(arguments, name);

	if (value)
		add_number(w, option, json_integer_value(value), "");
}

static void add_interfaces(struct recording_words *w, const json_t *arguments)
{
	json_t *one;
	size_t at;

	json_array_foreach(json_object_get(arguments, "interfaces"), at, one)
	{
		add(w, "--interface");
		add(w, json_string_value(one));
	}
}

static bool is_inline(const json_t *arguments)
{
	const char *mode = text_of(arguments, "mode");

	return mode && !strcmp(mode, "divert");
}

/* What a recording that goes on has left of its bounds. */
static bool add_bounds(struct recording_words *w, const json_t *arguments,
		       const struct recording_done *done)
{
	const json_t *count = json_object_get(arguments, "count");
	const char *duration = text_of(arguments, "for");
	int64_t ns = 0, packets = json_integer_value(count) - (int64_t)done->packets;
	struct weir_error unused;

	if (duration && !duration_parse(duration, &ns, &unused)) {
		if (ns <= done->elapsed_ns)
			return false;
		add_number(w, "--for", ns - done->elapsed_ns, "ns");
	}
	if (count && packets <= 0)
		return false;
	if (count)
		add_number(w, "--count", packets, "");
	return true;
}

bool recording_words(struct recording_words *w, const json_t *arguments, const char *path,
		     const struct recording_done *done)
{
	*w = (struct recording_words){ .count = 0 };
	add(w, is_inline(arguments) ? "divert" : "sniff");
	add(w, "--json");
	add(w, "--control");
	add(w, "3");
	add(w, "--output");
	add(w, path);
	if (done->is_continued)
		add(w, "--continue");
	add_text(w, arguments, "filter", "--filter");
	add_text(w, arguments, "layer", "--layer");
	add_text(w, arguments, "layout", "--layout");
	add_text(w, arguments, "rotate", "--rotate");
	add_text(w, arguments, "keep", "--keep");
	add_text(w, arguments, "buffer", "--buffer");
	add_text(w, arguments, "stall", "--stall");
	add_text(w, arguments, "case", "--case");
	add_text(w, arguments, "examiner", "--examiner");
	add_integer(w, arguments, "snaplen", "--snaplen");
	add_integer(w, arguments, "priority", "--priority");
	if (json_is_true(json_object_get(arguments, "strict")))
		add(w, "--strict");
	add_interfaces(w, arguments);
	return add_bounds(w, arguments, done);
}

void recording_stream_words(struct recording_words *w, const json_t *arguments)
{
	*w = (struct recording_words){ .count = 0 };
	add(w, "sniff");
	add(w, "--quiet");
	add(w, "--control");
	add(w, "3");
	add(w, "--write");
	add(w, "-");
	add_text(w, arguments, "filter", "--filter");
	add_integer(w, arguments, "snaplen", "--snaplen");
	add_interfaces(w, arguments);
}
