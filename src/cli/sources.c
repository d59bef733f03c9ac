#include "cli/sources.h"

#include "weir/filter.h"

#include <sys/stat.h>
#include <unistd.h>

static volatile sig_atomic_t is_stopped;

static void stop(int number)
{
	(void)number;
	is_stopped = 1;
}

const volatile sig_atomic_t *sources_catch_signals(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = stop, .sa_flags = (int)SA_RESETHAND };

	(void)sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		(void)sigaction(numbers[i], &action, NULL);
	return &is_stopped;
}

static bool is_pipe(const char *path)
{
	struct stat st;
	int rc = strcmp(path, "-") ? stat(path, &st) : fstat(STDIN_FILENO, &st);

	return !rc && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

/* A bad filter is shown with a caret under the place. */
static int bad_selection(const char *text, struct weir_error *err)
{
	struct filter_error bad;
	struct filter *f = NULL;
	char words[WEIR_ERROR_TEXT];

	if (text && filter_compile(&f, text, FILTER_NETWORK, 0, &bad) == WEIR_ERR_USAGE) {
		filter_error_show(&bad, text, words, sizeof words);
		words[strlen(words) - 1] = '\0'; /* the last line feed */
		(void)err_set(err, bad.code, "%s", words);
	}
	filter_free(f);
	return err->code;
}

int sources_open(struct sources *s, char **words, int count,
		 const struct source_options *o, struct weir_error *err)
{
	const char *const *paths = (const char *const *)words;
	int rc;

	*s = (struct sources){ .is_selective = o->filter || o->from_ns != INT64_MIN ||
					       o->to_ns != INT64_MAX };
	if (count < 1)
		return err_set(err, WEIR_ERR_USAGE,
			       "no source: name a store, a pcap or pcapng file, or -");
	rc = selection_init(&s->selection, o->filter, o->from_ns, o->to_ns, err);
	if (rc)
		return bad_selection(o->filter, err);
	for (int i = 0; i < count; i++)
		s->is_stream |= is_pipe(paths[i]);
	rc = merge_open(&s->merge, paths, (size_t)count, err);
	if (!rc)
		merge_set_range(s->merge, o->from_ns, o->to_ns);
	return rc;
}

void sources_close(struct sources *s)
{
	merge_free(s->merge);
	selection_fini(&s->selection);
}
