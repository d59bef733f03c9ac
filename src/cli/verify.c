/* weir verify STORE: checks every fact of the manifest, names the first fault. */
#include "cli/cli.h"
#include "store/open.h"

static int print_json(const char *path, const struct store_check *c, bool is_good)
{
	json_t *o = json_pack("{s:o,s:b,s:o,s:o,s:b,s:b,s:I,s:I,s:I}", "store",
			      json_string(path), "ok", (int)is_good, "fault",
			      is_good ? json_null() : json_string(c->fault), "grade",
			      c->grade[0] ? json_string(c->grade) : json_null(), "live",
			      (int)c->is_live, "repaired", (int)c->is_repaired, "lines",
			      (json_int_t)c->lines, "segments", (json_int_t)c->segments,
			      "packets", (json_int_t)c->packets);

	if (!o || json_dumpf(o, stdout, JSON_COMPACT) || putchar('\n') == EOF) {
		json_decref(o);
		return EXIT_ENVIRONMENT;
	}
	json_decref(o);
	return is_good ? EXIT_DONE : EXIT_NO;
}

static int print_text(const char *path, const struct store_check *c, bool is_good)
{
	if (!is_good) {
		(void)printf("%s: FAULT: %s\n", path, c->fault);
		return EXIT_NO;
	}
	(void)printf(
		"%s: good: %llu packets in %llu segments, %llu manifest lines, grade %s%s%s\n",
		path, (unsigned long long)c->packets, (unsigned long long)c->segments,
		(unsigned long long)c->lines, c->grade[0] ? c->grade : "not yet given",
		c->is_repaired ? ", repaired after its recorder died" : "",
		c->is_live ? ", still being recorded" : "");
	return EXIT_DONE;
}

int cmd_verify(int argc, char **argv)
{
	bool help = false, json = false;
	const struct option options[] = {
		{ "json", 0, OPTION_FLAG, &json, NULL, "print one JSON object a store", 0,
		  0 },
		OPTION_HELP(&help),
		OPTION_END,
	};
	struct weir_error err = { 0 };
	int code = EXIT_DONE;

	if (options_parse(options, &argc, argv, &err))
		return cli_fail("verify", &err);
	if (help)
		return cli_help(command_find("verify"), options);
	if (argc < 2) {
		(void)err_set(&err, WEIR_ERR_USAGE, "no store is named");
		return cli_fail("verify", &err);
	}
	for (int i = 1; i < argc; i++) {
		struct store_check check;
		int rc = store_verify(argv[i], &check, &err), one;

		if (rc && rc != WEIR_ERR_MISMATCH)
			return cli_fail("verify", &err);
		one = json ? print_json(argv[i], &check, !rc)
			   : print_text(argv[i], &check, !rc);
		if (one > code)
			code = one;
	}
	return code;
}
