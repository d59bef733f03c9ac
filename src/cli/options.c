#include "cli/options.h"

#include "base/time.h"

#include <errno.h>

static const struct option *find_long(const struct option *t, const char *name,
				      size_t length)
{
	for (; t->name; t++)
		if (strlen(t->name) == length && !memcmp(t->name, name, length))
			return t;
	return NULL;
}

static const struct option *find_letter(const struct option *t, char letter)
{
	for (; t->name; t++)
		if (t->letter && t->letter == letter)
			return t;
	return NULL;
}

static int parse_integer(const struct option *o, const char *text, struct weir_error *err)
{
	bool is_signed = o->type == OPTION_INT, has_bounds = o->min || o->max;
	char *end;
	long long v;

	errno = 0;
	v = strtoll(text, &end, 10);
	if (errno || end == text || *end || (!is_signed && v < 0))
		return err_set(err, WEIR_ERR_USAGE, "--%s: '%.60s' is not a whole number",
			       o->name, text);
	if (has_bounds && (v < o->min || v > o->max))
		return err_set(err, WEIR_ERR_USAGE,
			       "--%s: %lld is not within %lld to %lld", o->name, v,
			       (long long)o->min, (long long)o->max);
	if (is_signed)
		*(int64_t *)o->target = v;
	else
		*(uint64_t *)o->target = (uint64_t)v;
	return 0;
}

static int add_to_list(const struct option *o, const char *text, struct weir_error *err)
{
	struct option_list *l = o->target;

	if (l->count == OPTION_LIST_MAX)
		return err_set(err, WEIR_ERR_USAGE, "--%s is given more than %d times",
			       o->name, OPTION_LIST_MAX);
	l->items[l->count++] = text;
	l->items[l->count] = NULL;
	return 0;
}

/* Of two filters the last would win, and what the first was to do would be missed. */
static int take_once(const struct option *o, const char *text, struct weir_error *err)
{
	const char **target = o->target;

	if (*target)
		return err_set(err, WEIR_ERR_USAGE, "--%s is given more than once",
			       o->name);
	*target = text;
	return 0;
}

static int take_value(const struct option *o, const char *text, struct weir_error *err)
{
	int rc = 0;

	switch (o->type) {
	case OPTION_FLAG:
		*(bool *)o->target = true;
		return 0;
	case OPTION_STRING:
		*(const char **)o->target = text;
		return 0;
	case OPTION_ONCE:
		return take_once(o, text, err);
	case OPTION_LIST:
		return add_to_list(o, text, err);
	case OPTION_SIZE:
		rc = size_parse(text, o->target, err);
		break;
	case OPTION_DURATION:
		rc = duration_parse(text, o->target, err);
		break;
	case OPTION_TIME:
		rc = time_parse(text, o->target, err);
		break;
	case OPTION_UINT:
	case OPTION_INT:
		return parse_integer(o, text, err);
	}
	return rc ? err_prefix(err, "--%s", o->name) : 0;
}

/* "--name", "--name=value" or "--name value"; *next is the index behind what was read. */
static int parse_long(const struct option *t, int argc, char **argv, int *next,
		      struct weir_error *err)
{
	const char *name = argv[*next] + 2, *value = strchr(name, '=');
	size_t length = value ? (size_t)(value - name) : strlen(name);
	const struct option *o = find_long(t, name, length);

	++*next;
	if (!o)
		return err_set(err, WEIR_ERR_USAGE, "unknown option '--%.*s'",
			       (int)length, name);
	if (o->type == OPTION_FLAG) {
		if (value)
			return err_set(err, WEIR_ERR_USAGE, "--%s takes no value",
				       o->name);
		return take_value(o, NULL, err);
	}
	if (value)
		return take_value(o, value + 1, err);
	if (*next >= argc)
		return err_set(err, WEIR_ERR_USAGE, "--%s needs a value: %s", o->name,
			       o->argument);
	return take_value(o, argv[(*next)++], err);
}

/* "-x", "-xy", "-x value", "-xvalue". */
static int parse_letters(const struct option *t, int argc, char **argv, int *next,
			 struct weir_error *err)
{
	const char *p = argv[(*next)++] + 1;

	for (; *p; p++) {
		const struct option *o = find_letter(t, *p);
		int rc;

		if (!o)
			return err_set(err, WEIR_ERR_USAGE, "unknown option '-%c'", *p);
		if (o->type == OPTION_FLAG) {
			rc = take_value(o, NULL, err);
			if (rc)
				return rc;
			continue;
		}
		if (p[1])
			return take_value(o, p + 1, err);
		if (*next >= argc)
			return err_set(err, WEIR_ERR_USAGE, "-%c needs a value: %s", *p,
				       o->argument);
		return take_value(o, argv[(*next)++], err);
	}
	return 0;
}

int options_parse(const struct option *table, int *argc, char **argv,
		  struct weir_error *err)
{
	int count = *argc, words = 1, i = 1, rc = 0;

	while (i < count && !rc) {
		char *a = argv[i];

		if (a[0] != '-' || !a[1]) {
			argv[words++] = a;
			i++;
		} else if (!strcmp(a, "--")) {
			for (i++; i < count; i++)
				argv[words++] = argv[i];
		} else if (a[1] == '-') {
			rc = parse_long(table, count, argv, &i, err);
		} else {
			rc = parse_letters(table, count, argv, &i, err);
		}
	}
	if (!rc)
		argv[words] = NULL;
	*argc = words;
	return rc;
}

void options_print(FILE *out, const struct option *t)
{
	for (; t->name; t++) {
		char left[64], letter[5] = "    ";

		if (t->letter)
			(void)snprintf(letter, sizeof letter, "-%c, ", t->letter);
		(void)snprintf(left, sizeof left, "%s--%s%s%s", letter, t->name,
			       t->argument ? " " : "", t->argument ? t->argument : "");
		(void)fprintf(out, "  %-28s %s\n", left, t->help);
	}
}
