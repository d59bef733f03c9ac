#include "cli/sources.h"

#include "analyze/lacks.h"
#include "base/mem.h"
#include "cli/filter_text.h"
#include "weir/filter.h"

#include <sys/stat.h>
#include <unistd.h>

static bool is_pipe(const char *path)
{
	struct stat st;
	int rc = strcmp(path, "-") ? stat(path, &st) : fstat(STDIN_FILENO, &st);

	return !rc && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

/* A bad filter is shown with a caret under the place. */
static int bad_selection(const char *text, unsigned flags, struct weir_error *err)
{
	struct filter_error bad;
	struct filter *f = NULL;
	char words[WEIR_ERROR_TEXT];

	if (text &&
	    filter_compile(&f, text, FILTER_NETWORK, flags, &bad) == WEIR_ERR_USAGE) {
		filter_error_show(&bad, text, words, sizeof words);
		words[strlen(words) - 1] = '\0'; /* the last line feed */
		(void)err_set(err, bad.code, "%s", words);
	}
	filter_free(f);
	return err->code;
}

/* What is wanted of the packets: by the words of --filter, or by a file. */
static int select_packets(struct sources *s, const struct source_options *o,
			  struct weir_error *err)
{
	char *word = (char *)(uintptr_t)o->filter, *text;
	unsigned flags = o->filter_file ? FILTER_COMMENTS : 0;
	int rc = filter_text_take(&word, o->filter != NULL, o->filter_file, &text, err);

	if (!rc && selection_init(&s->selection, text, flags, o->from_ns, o->to_ns, err))
		rc = bad_selection(text, flags, err);
	mem_free(text);
	return rc;
}

int sources_open(struct sources *s, char **words, int count,
		 const struct source_options *o, struct weir_error *err)
{
	const char *const *paths = (const char *const *)words;
	int rc;

	*s = (struct sources){ .is_selective = o->filter || o->filter_file ||
					       o->from_ns != INT64_MIN ||
					       o->to_ns != INT64_MAX };
	if (count < 1)
		return err_set(err, WEIR_ERR_USAGE,
			       "no source: name a store, a pcap or pcapng file, or -");
	rc = select_packets(s, o, err);
	if (rc)
		return rc;
	for (int i = 0; i < count; i++)
		s->is_stream |= is_pipe(paths[i]);
	rc = merge_open(&s->merge, paths, (size_t)count, err);
	if (!rc)
		merge_set_range(s->merge, o->looks_before ? INT64_MIN : o->from_ns,
				o->to_ns);
	return rc;
}

bool sources_tell_lacks(const struct sources *s, const char *command)
{
	bool is_damaged = false;

	for (size_t i = 0; i < merge_source_count(s->merge); i++) {
		const struct standing *of = merge_standing(s->merge, i);
		struct weir_error note = { 0 };
		char text[LACKS_TEXT];

		is_damaged = is_damaged || of->lacks_processes;
		if (!lacks_describe(of, text))
			continue;
		(void)err_set(&note, WEIR_OK, "'%.120s': %s",
			      merge_source_path(s->merge, i), text);
		cli_say(command, &note);
	}
	return is_damaged;
}

void sources_close(struct sources *s)
{
	merge_free(s->merge);
	selection_fini(&s->selection);
}
