/* Any text at any layer: it compiles or fails with a place; what compiles has a normal form that
 * means itself; and remarks and explanation can be made. */
#include "weir/filter.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool is_right)
{
	if (!is_right)
		abort();
}

static void check_again(const struct filter *f, enum filter_layer layer, unsigned flags)
{
	struct filter_error bad;
	struct filter *again;

	if (filter_compile(&again, filter_normal(f), layer, flags, &bad)) {
		/* A pair of parentheses more may be one too many. */
		must(strstr(bad.found, "nested too deeply") != NULL);
		return;
	}
	must(!strcmp(filter_normal(f), filter_normal(again)));
	must(!strcmp(filter_hash(f), filter_hash(again)));
	must(filter_is_true(f) == filter_is_true(again));
	filter_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct filter_note notes[8];
	struct filter_error bad;
	enum filter_layer layer;
	struct filter *f;
	char *text, shown[600], *words;
	unsigned flags;

	if (size < 2 || size > 20000)
		return 0;
	layer = (enum filter_layer)(data[0] % FILTER_LAYERS);
	flags = data[1] & (FILTER_WINDIVERT | FILTER_COMMENTS);
	text = malloc(size - 1);
	if (!text)
		return 0;
	memcpy(text, data + 2, size - 2);
	text[size - 2] = '\0';
	if (filter_compile(&f, text, layer, flags, &bad)) {
		must(!f && bad.found[0] && bad.at <= strlen(text) && bad.windivert_text);
		filter_error_show(&bad, text, shown, sizeof shown);
		must(shown[strlen(shown) - 1] == '\n');
	} else {
		if (text[0] != '@')
			check_again(f, layer, flags & ~(unsigned)FILTER_COMMENTS);
		(void)filter_lint(f, notes, 8);
		(void)filter_extensions(f, notes, 8);
		words = filter_explain(f);
		must(words != NULL);
		filter_words_free(words);
		filter_free(f);
	}
	free(text);
	return 0;
}
