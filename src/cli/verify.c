/* weir verify STORE: checks every fact of the manifest, or the chain of an agent's audit log; names the
 * first fault. */
#include "agent/audit.h"
#include "cli/cli.h"
#include "store/open.h"

#include <sys/stat.h>

static int print_json(const char *path, const struct store_check *c, bool is_good)
{
	json_t *o = json_pack("{s:o,s:b,s:o,s:o,s:b,s:b,s:I,s:I,s:I,s:I}", "store",
			      json_string(path), "ok", (int)is_good, "fault",
			      is_good ? json_null() : json_string(c->fault), "grade",
			      c->grade[0] ? json_string(c->grade) : json_null(), "live",
			      (int)c->is_live, "repaired", (int)c->is_repaired, "lines",
			      (json_int_t)c->lines, "segments", (json_int_t)c->segments,
			      "removed_segments", (json_int_t)c->removed, "packets",
			      (json_int_t)c->packets);

	if (!o || json_dumpf(o, stdout, JSON_COMPACT) || putchar('\n') == EOF) {
		json_decref(o);
		return EXIT_ENVIRONMENT;
	}
	json_decref(o);
	return is_good ? EXIT_DONE : EXIT_NO;
}

static int print_text(const char *path, const struct store_check *c, bool is_good)
{
	char removed[48] = "";

	if (!is_good) {
		(void)printf("%s: FAULT: %s\n", path, c->fault);
		return EXIT_NO;
	}
	if (c->removed)
		(void)snprintf(removed, sizeof removed, " (%llu more were removed)",
			       (unsigned long long)c->removed);
	(void)printf(
		"%s: good: %llu packets in %llu segments%s, %llu manifest lines, grade "
		"%s%s%s\n",
		path, (unsigned long long)c->packets, (unsigned long long)c->segments,
		removed, (unsigned long long)c->lines,
		c->grade[0] ? c->grade : "not yet given",
		c->is_repaired ? ", repaired after its recorder died" : "",
		c->is_live ? ", still being recorded" : "");
	return EXIT_DONE;
}

static int print_audit_json(const char *path, const struct audit_check *c, bool is_good)
{
	json_t *o = json_pack("{s:o,s:b,s:o,s:b,s:b,s:b,s:I,s:I,s:I,s:I,s:I,s:I}",
			      "audit", json_string(path), "ok", (int)is_good, "fault",
			      is_good ? json_null() : json_string(c->fault), "live",
			      (int)c->is_live, "closed", (int)c->is_closed, "whole",
			      (int)c->is_whole, "files", (json_int_t)c->files, "lines",
			      (json_int_t)c->lines, "requests", (json_int_t)c->requests,
			      "refused", (json_int_t)c->refused, "first_ns",
			      (json_int_t)c->first_ns, "last_ns", (json_int_t)c->last_ns);
	int rc = !o || json_dumpf(o, stdout, JSON_COMPACT) || putchar('\n') == EOF;

	json_decref(o);
	return rc ? EXIT_ENVIRONMENT : is_good ? EXIT_DONE : EXIT_NO;
}

static int print_audit(const char *path, const struct audit_check *c, bool is_good)
{
	if (!is_good) {
		(void)printf("%s: FAULT: %s\n", path, c->fault);
		return EXIT_NO;
	}
	(void)printf(
		"%s: good: audit log, %llu lines in %llu files, %llu requests, %llu of "
		"them refused%s%s%s\n",
		path, (unsigned long long)c->lines, (unsigned long long)c->files,
		(unsigned long long)c->requests, (unsigned long long)c->refused,
		c->is_whole ? "" : ", what was before its first line is not here",
		c->is_live ? ", still being written" : "",
		!c->is_live && !c->is_closed ? ", the agent did not end in order" : "");
	return EXIT_DONE;
}

/* An audit log, or a directory that has one and is no store. */
static bool is_audit(const char *path)
{
	char name[4096];
	struct stat st;

	if (!stat(path, &st) && S_ISREG(st.st_mode))
		return true;
	(void)snprintf(name, sizeof name, "%s/manifest.jsonl", path);
	if (!lstat(name, &st))
		return false;
	(void)snprintf(name, sizeof name, "%s/" AUDIT_NAME, path);
	return !lstat(name, &st);
}

/* An exit code, or a negative error. */
static int verify_one(const char *path, bool json, struct weir_error *err)
{
	struct store_check check;
	struct audit_check audit;
	int rc;

	if (is_audit(path)) {
		rc = audit_verify(path, &audit, err);
		if (rc && rc != WEIR_ERR_MISMATCH)
			return rc;
		return json ? print_audit_json(path, &audit, !rc)
			    : print_audit(path, &audit, !rc);
	}
	rc = store_verify(path, &check, err);
	if (rc && rc != WEIR_ERR_MISMATCH)
		return rc;
	return json ? print_json(path, &check, !rc) : print_text(path, &check, !rc);
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
		int one = verify_one(argv[i], json, &err);

		if (one < 0)
			return cli_fail("verify", &err);
		if (one > code)
			code = one;
	}
	return code;
}
