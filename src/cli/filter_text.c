#include "cli/filter_text.h"

#include "base/mem.h"

#include <stdbool.h>

#define FILE_MAX ((size_t)4 << 20)

FILE *filter_text_open(const char *path, struct weir_error *err)
{
	FILE *f = !strcmp(path, "-") ? stdin : fopen(path, "re");

	if (!f)
		(void)err_sys(err, "cannot open '%s'", path);
	return f;
}

static int read_file(const char *path, char **text, struct weir_error *err)
{
	/* What Windows' editors put in front. */
	static const char mark[] = "\xef\xbb\xbf";
	FILE *f = filter_text_open(path, err);
	bool has_failed;
	size_t n;

	if (!f)
		return err->code;
	*text = mem_new(FILE_MAX + 1, 1);
	if (!*text) {
		(void)fclose(f);
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for '%s'", path);
	}
	n = fread(*text, 1, FILE_MAX, f);
	has_failed = ferror(f);
	if (has_failed)
		(void)err_sys(err, "cannot read '%s'", path);
	(void)fclose(f);
	if (has_failed)
		return err->code;
	if (n == FILE_MAX)
		return err_set(err, WEIR_ERR_LIMIT, "'%s' is longer than %zu bytes", path,
			       FILE_MAX);
	if (strlen(*text) != n)
		return err_set(err, WEIR_ERR_USAGE, "'%s' has a zero byte", path);
	if (!strncmp(*text, mark, strlen(mark)))
		memmove(*text, *text + strlen(mark), n + 1 - strlen(mark));
	return 0;
}

/* The words behind the verb are one filter, as if they had been quoted. */
static int join_words(char **words, int count, char **text, struct weir_error *err)
{
	size_t size = 1, at = 0;

	for (int i = 0; i < count; i++)
		size += strlen(words[i]) + 1;
	*text = mem_new(size, 1);
	if (!*text)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for the filter");
	for (int i = 0; i < count; i++)
		at += (size_t)snprintf(*text + at, size - at, "%s%s", i ? " " : "",
				       words[i]);
	return 0;
}

int filter_text_take(char **words, int count, const char *file, char **text,
		     struct weir_error *err)
{
	*text = NULL;
	if (file && count)
		return err_set(err, WEIR_ERR_USAGE,
			       "a filter and --filter-file cannot both be given");
	if (file)
		return read_file(file, text, err);
	return count ? join_words(words, count, text, err) : 0;
}
