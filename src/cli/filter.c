/* weir filter: check, explain, normalise and list what the filter language has. */
#include "weir/filter.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/filter_cases.h"
#include "cli/filter_text.h"

#include <errno.h>

#define FILE_MAX  ((size_t)4 << 20)
#define NOTES_MAX 64

struct request {
	const char *layer_name, *file, *cases;
	bool is_strict, is_json, is_help;
	enum filter_layer layer;
	unsigned flags;
	const char *text;
	char *owned; /* text, when it was read from a file */
};

static int fail(const struct weir_error *err)
{
	return cli_fail("filter", err);
}

static int find_text(struct request *r, char **words, int count, struct weir_error *err)
{
	int rc = filter_text_take(words, count, r->file, &r->owned, err);

	if (!rc && !r->owned)
		return err_set(err, WEIR_ERR_USAGE, "no filter is given");
	r->text = r->owned;
	r->flags = r->file ? FILTER_COMMENTS : 0;
	return rc;
}

/* As JSON, quotes and all. */
static void print_json_string(const char *text)
{
	(void)putchar('"');
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p == '"' || *p == '\\')
			(void)printf("\\%c", *p);
		else if (*p < ' ' || *p >= 127)
			(void)printf("\\u%04x", *p);
		else
			(void)putchar(*p);
	}
	(void)putchar('"');
}

static void print_error(const struct request *r, const struct filter_error *bad)
{
	char words[1024];

	if (r->is_json) {
		(void)printf("{\"ok\":false,\"at\":%zu,\"length\":%zu,\"found\":",
			     bad->at, bad->length);
		print_json_string(bad->found);
		(void)printf(",\"expected\":");
		print_json_string(bad->expected);
		(void)printf(",\"hint\":");
		print_json_string(bad->hint);
		(void)printf("}\n");
		return;
	}
	filter_error_show(bad, r->text, words, sizeof words);
	(void)fprintf(stderr, "weir filter: %s", words);
}

/* A filter that is none is "the answer is no". */
static int compile(const struct request *r, struct filter **f, struct weir_error *err)
{
	struct filter_error bad;
	int rc = filter_compile(f, r->text, r->layer, r->flags, &bad);

	if (!rc)
		return EXIT_DONE;
	if (rc != WEIR_ERR_USAGE) {
		(void)filter_error_line(&bad, err);
		return fail(err);
	}
	print_error(r, &bad);
	return EXIT_NO;
}

static void print_json_notes(const char *name, const struct filter_note *notes,
			     size_t count)
{
	(void)printf(",\"%s\":[", name);
	for (size_t i = 0; i < count && i < NOTES_MAX; i++) {
		(void)printf("%s{\"at\":%zu,\"length\":%zu,\"text\":", i ? "," : "",
			     notes[i].at, notes[i].length);
		print_json_string(notes[i].text);
		(void)printf("}");
	}
	(void)printf("]");
}

static void print_notes(const char *kind, const struct filter_note *notes, size_t count)
{
	for (size_t i = 0; i < count && i < NOTES_MAX; i++)
		(void)printf("%s: byte %zu: %s\n", kind, notes[i].at, notes[i].text);
	if (count > NOTES_MAX)
		(void)printf("%s: and %zu more\n", kind, count - NOTES_MAX);
}

/* Warnings are no reason to say no; with --strict, what WinDivert cannot read is. */
static int run_check(const struct request *r, struct weir_error *err)
{
	static const size_t bytes = sizeof(struct filter_note);
	struct filter_note *warnings = mem_new(NOTES_MAX, bytes);
	struct filter_note *strange = mem_new(NOTES_MAX, bytes);
	size_t warning_count, strange_count;
	struct filter *f = NULL;
	int rc = EXIT_ENVIRONMENT;

	if (!warnings || !strange) {
		(void)err_set(err, WEIR_ERR_NO_MEMORY, "no memory for remarks");
		rc = fail(err);
		goto out;
	}
	rc = compile(r, &f, err);
	if (rc)
		goto out;
	warning_count = filter_lint(f, warnings, NOTES_MAX);
	strange_count = filter_extensions(f, strange, NOTES_MAX);
	rc = r->is_strict && strange_count ? EXIT_NO : EXIT_DONE;
	if (r->is_json) {
		(void)printf("{\"ok\":%s,\"normal\":", rc ? "false" : "true");
		print_json_string(filter_normal(f));
		(void)printf(",\"sha256\":\"%s\",\"kernel\":%s,\"windivert\":%s",
			     filter_hash(f), filter_is_for_kernel(f) ? "true" : "false",
			     strange_count ? "false" : "true");
		print_json_notes("warnings", warnings, warning_count);
		print_json_notes("extensions", strange, strange_count);
		(void)printf("}\n");
	} else {
		(void)printf("%s: %s\n", rc ? "not a WinDivert filter" : "ok",
			     filter_normal(f));
		print_notes("warning", warnings, warning_count);
		if (r->is_strict)
			print_notes("extension", strange, strange_count);
	}
out:
	filter_free(f);
	mem_free(warnings);
	mem_free(strange);
	return rc;
}

static int run_explain(const struct request *r, struct weir_error *err)
{
	struct filter *f;
	char *words;
	int rc = compile(r, &f, err);

	if (rc)
		return rc;
	words = filter_explain(f);
	filter_free(f);
	if (!words) {
		(void)err_set(err, WEIR_ERR_NO_MEMORY, "no memory for the explanation");
		return fail(err);
	}
	(void)fputs(words, stdout);
	filter_words_free(words);
	return EXIT_DONE;
}

static int run_fields(const struct request *r, struct weir_error *err)
{
	struct filter_field f;

	(void)err;
	for (size_t i = 0; filter_field_at(i, &f); i++) {
		if (r->is_json)
			(void)printf(
				"{\"name\":\"%s\",\"layers\":\"%s\",\"needs\":\"%s\","
				"\"type\":\"%s\",\"array\":%s,\"windivert\":%s,"
				"\"help\":",
				f.name, f.layers, f.needs, f.type,
				f.is_array ? "true" : "false",
				f.is_extension ? "false" : "true");
		else
			(void)printf("%-19s %s  %-6s  %-15s  %s\n", f.name, f.layers,
				     f.needs, f.type, f.help);
		if (r->is_json) {
			print_json_string(f.help);
			(void)printf("}\n");
		}
	}
	return EXIT_DONE;
}

static int run_format(const struct request *r, struct weir_error *err)
{
	struct filter *f;
	int rc = compile(r, &f, err);

	if (rc)
		return rc;
	if (r->is_json) {
		(void)printf("{\"normal\":");
		print_json_string(filter_normal(f));
		(void)printf(",\"sha256\":\"%s\"}\n", filter_hash(f));
	} else {
		(void)printf("%s\n", filter_normal(f));
	}
	filter_free(f);
	return EXIT_DONE;
}

static int run_eval(const struct request *r, struct weir_error *err)
{
	FILE *in;
	int rc;

	if (!r->cases) {
		(void)err_set(err, WEIR_ERR_USAGE, "eval needs --cases FILE");
		return fail(err);
	}
	in = filter_text_open(r->cases, err);
	if (!in)
		return fail(err);
	rc = filter_cases_run(in, stdout, err);
	(void)fclose(in);
	if (!rc && fflush(stdout))
		rc = err_sys(err, "cannot write");
	if (rc) {
		(void)err_prefix(err, "'%s'", r->cases);
		return fail(err);
	}
	return EXIT_DONE;
}

static const struct verb {
	const char *name;
	int (*run)(const struct request *r, struct weir_error *err);
	bool needs_filter;
} verbs[] = {
	{ "check", run_check, true },   { "explain", run_explain, true },
	{ "format", run_format, true }, { "fields", run_fields, false },
	{ "eval", run_eval, false },    { NULL, NULL, false },
};

static const struct verb *find_verb(const char *name)
{
	for (const struct verb *v = verbs; v->name; v++)
		if (!strcmp(v->name, name))
			return v;
	return NULL;
}

static int run(struct request *r, int count, char **words, struct weir_error *err)
{
	const struct verb *v = count > 1 ? find_verb(words[1]) : NULL;

	if (count < 2)
		return err_set(err, WEIR_ERR_USAGE,
			       "say what to do: check, explain, format, fields or eval");
	if (!v)
		return err_set(err, WEIR_ERR_USAGE, "unknown verb '%.40s'", words[1]);
	if (filter_layer_find(r->layer_name, &r->layer))
		return err_set(
			err, WEIR_ERR_USAGE,
			"--layer: '%.40s' is not network, forward, flow, socket or "
			"reflect",
			r->layer_name);
	if (!v->needs_filter && count > 2)
		return err_set(err, WEIR_ERR_USAGE, "unexpected '%.40s'", words[2]);
	if (v->needs_filter) {
		int rc = find_text(r, words + 2, count - 2, err);

		if (rc)
			return rc;
	}
	return v->run(r, err);
}

int cmd_filter(int argc, char **argv)
{
	struct request r = { .layer_name = "network" };
	const struct option options[] = {
		{ "layer", 0, OPTION_STRING, &r.layer_name, "LAYER",
		  "network (the default), forward, flow, socket or reflect", 0, 0 },
		{ "filter-file", 0, OPTION_ONCE, &r.file, "FILE",
		  "read the filter from FILE, '#' begins a comment", 0, 0 },
		{ "cases", 0, OPTION_STRING, &r.cases, "FILE",
		  "for eval: cases, one JSON object a line", 0, 0 },
		{ "strict", 0, OPTION_FLAG, &r.is_strict, NULL,
		  "for check: report what WinDivert cannot read", 0, 0 },
		{ "json", 0, OPTION_FLAG, &r.is_json, NULL, "print JSON", 0, 0 },
		OPTION_HELP(&r.is_help),
		OPTION_END,
	};
	struct weir_error err = { 0 };
	int rc = options_parse(options, &argc, argv, &err);

	if (!rc && r.is_help)
		return cli_help(command_find("filter"), options);
	if (!rc)
		rc = run(&r, argc, argv, &err);
	mem_free(r.owned);
	return rc < 0 ? fail(&err) : rc;
}
