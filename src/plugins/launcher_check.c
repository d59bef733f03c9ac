#include "plugins/launcher.h"

#include "plugins/recording.h"

#include <string.h>

/* What recording.c makes words of, and what may stand behind each. */
enum value {
	NO_VALUE,
	ANY_VALUE, /* a text or number that means nothing outside of the recorder */
	CONTROL,   /* the descriptor that we give */
	STANDARD_OUTPUT,
	STORE
};

static const struct {
	const char *name;
	enum value value;
} options[] = {
	{ "--json", NO_VALUE },       { "--quiet", NO_VALUE },
	{ "--strict", NO_VALUE },     { "--continue", NO_VALUE },
	{ "--control", CONTROL },     { "--write", STANDARD_OUTPUT },
	{ "--output", STORE },        { "--filter", ANY_VALUE },
	{ "--layer", ANY_VALUE },     { "--layout", ANY_VALUE },
	{ "--rotate", ANY_VALUE },    { "--keep", ANY_VALUE },
	{ "--buffer", ANY_VALUE },    { "--stall", ANY_VALUE },
	{ "--case", ANY_VALUE },      { "--examiner", ANY_VALUE },
	{ "--snaplen", ANY_VALUE },   { "--priority", ANY_VALUE },
	{ "--interface", ANY_VALUE }, { "--for", ANY_VALUE },
	{ "--count", ANY_VALUE },
};

static bool is_store(const char *path, const char *stores)
{
	size_t n = strlen(stores);

	return !strncmp(path, stores, n) && path[n] == '/' &&
	       recording_is_name(path + n + 1);
}

static bool is_fitting(enum value value, const char *text, const char *stores)
{
	switch (value) {
	case CONTROL:
		return !strcmp(text, "3");
	case STANDARD_OUTPUT:
		return !strcmp(text, "-");
	case STORE:
		return is_store(text, stores);
	case ANY_VALUE:
	case NO_VALUE:
		break;
	}
	return true;
}

int launcher_check(const char *const *words, const char *stores, struct weir_error *err)
{
	size_t outputs = 0, controls = 0;

	if (!words[0] ||
	    (strcmp(words[0], "sniff") != 0 && strcmp(words[0], "divert") != 0))
		return err_set(err, WEIR_ERR_USAGE, "'%.40s' is no recorder",
			       words[0] ? words[0] : "");
	for (size_t i = 1; words[i]; i++) {
		size_t k = 0;

		while (k < ARRAY_LEN(options) && strcmp(options[k].name, words[i]) != 0)
			k++;
		if (k == ARRAY_LEN(options))
			return err_set(err, WEIR_ERR_USAGE,
				       "'%.40s' is no option that recorders are given",
				       words[i]);
		outputs +=
			options[k].value == STORE || options[k].value == STANDARD_OUTPUT;
		controls += options[k].value == CONTROL;
		if (options[k].value == NO_VALUE)
			continue;
		i++;
		if (!words[i] || !is_fitting(options[k].value, words[i], stores))
			return err_set(err, WEIR_ERR_USAGE, "'%.80s' does not go with %s",
				       words[i] ? words[i] : "", options[k].name);
	}
	/* Without an output a store would be made where the launcher stands; without requests on a
	 * descriptor a recorder would neither be confined nor end with its plugin. */
	if (outputs != 1)
		return err_set(err, WEIR_ERR_USAGE, "a recorder has one output");
	if (controls != 1)
		return err_set(err, WEIR_ERR_USAGE, "a recorder has one --control");
	return 0;
}
