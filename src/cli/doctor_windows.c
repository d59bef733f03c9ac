/* What this machine can do for a recorder, on Windows: the DLL, the driver, who we are, what is left
 * of other programs' drivers.  Nothing is started or changed. */
#include "base/time.h"
#include "cli/cli.h"
#include "cli/doctor.h"
#include "port/port.h"
#include "port/windivert.h"

#include "weir_version.h"

#include <jansson.h>
#include <string.h>
#include <unistd.h>

#define SERVICES 8

struct doctor {
	struct doctor_machine machine;
	bool is_administrator, is_wine;
	char dll[1024], driver[1024];
	bool has_driver;        /* the file beside the DLL */
	struct weir_error load; /* code WEIR_OK: the DLL could be loaded */
	struct windivert_service services[SERVICES];
	int service_count; /* negative: the service manager did not say */
	struct weir_error service_error;
	const char *why_not; /* recording would not work; NULL: it may */
};

static void look_at_files(struct doctor *d)
{
	struct windivert *w;
	char *end;

	windivert_path(d->dll, sizeof d->dll);
	(void)snprintf(d->driver, sizeof d->driver, "%s", d->dll);
	end = strrchr(d->driver, '\\');
	if (end)
		(void)snprintf(end + 1, sizeof d->driver - (size_t)(end + 1 - d->driver),
			       "%s", "WinDivert64.sys");
	d->has_driver = end && !access(d->driver, F_OK);
	if (!windivert_load(&w, &d->load))
		windivert_unload(w);
}

static void examine(struct doctor *d)
{
	memset(d, 0, sizeof *d);
	doctor_look(&d->machine);
	d->is_administrator = port_have_capability("net_admin");
	d->is_wine = windivert_is_wine();
	look_at_files(d);
	d->service_count = windivert_services(d->services, SERVICES, &d->service_error);
	if (d->load.code)
		d->why_not = d->load.text;
	else if (!d->is_administrator)
		d->why_not = "recording needs an administrator";
	else if (!d->has_driver)
		d->why_not = "WinDivert64.sys is not beside WinDivert.dll";
}

static void print_machine(const struct doctor *d)
{
	doctor_machine_rows(&d->machine);
	if (d->is_wine)
		doctor_row("wine", "yes: this is no Windows, and no packet passes here");
	doctor_row("weir", WEIR_VERSION);
	(void)printf("\nthis process\n");
	doctor_row("administrator", "%s",
		   d->is_administrator ? "yes" : "no: recording and its driver need one");
}

static void print_windivert(const struct doctor *d)
{
	(void)printf("\nWinDivert\n");
	doctor_row("DLL", "%s", d->dll);
	doctor_row("", "%s", d->load.code ? d->load.text : "loads, and has all calls");
	doctor_row("driver file", "%s%s", d->driver, d->has_driver ? "" : ": not there");
	if (d->service_count < 0)
		doctor_row("service", "unknown: %s", d->service_error.text);
	else if (!d->service_count)
		doctor_row("service", "none: it is made when a recorder starts");
	for (int i = 0; i < d->service_count; i++) {
		const struct windivert_service *s = &d->services[i];

		doctor_row(i ? "" : "service", "%s, %s, %s", s->name, s->state,
			   s->image[0] ? s->image : "no file");
		if (s->is_elsewhere)
			doctor_row("",
				   "is another program's: its driver is the one that "
				   "is used, or in the way; when that program has ended, "
				   "'sc delete %s' removes it",
				   s->name);
	}
}

static void print_ways(const struct doctor *d)
{
	(void)printf("\nweir would\n");
	if (d->why_not) {
		doctor_row("divert", "not work: %s", d->why_not);
		doctor_row("sniff", "not work: %s", d->why_not);
		return;
	}
	doctor_row("divert", "take packets by WinDivert, and send them on at once");
	doctor_row("when full",
		   "send them on unrecorded; when that lasts, copy and not take");
	doctor_row("when killed",
		   "lose nothing but what was in its hands: the driver lets "
		   "traffic pass");
	doctor_row("when stopped",
		   "hold traffic until it goes on: the driver knows no time "
		   "limit but that for dropping");
	doctor_row("sniff", "read copies from WinDivert");
}

static json_t *json_services(const struct doctor *d)
{
	json_t *list = json_array();

	for (int i = 0; i < d->service_count; i++)
		(void)json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:b}",
							    "name", d->services[i].name,
							    "state", d->services[i].state,
							    "image", d->services[i].image,
							    "is_elsewhere",
							    d->services[i].is_elsewhere));
	return list;
}

static int print_json(const struct doctor *d)
{
	json_t *all = doctor_machine_json(&d->machine);
	int rc;

	rc = json_object_update_new(
		all,
		json_pack("{s:b, s:b, s:{s:s, s:b, s:s?, s:s, s:b, s:o, s:s?}, s:{s:b, "
			  "s:b, s:s?}}",
			  "is_wine", d->is_wine, "is_administrator", d->is_administrator,
			  "windivert", "dll", d->dll, "dll_loads", !d->load.code,
			  "dll_why", d->load.code ? d->load.text : NULL, "driver",
			  d->driver, "has_driver", d->has_driver, "services",
			  json_services(d), "services_why",
			  d->service_count < 0 ? d->service_error.text : NULL, "ways",
			  "divert", !d->why_not, "sniff", !d->why_not, "why_not",
			  d->why_not));
	if (rc) {
		json_decref(all);
		all = NULL;
	}
	return doctor_print(all);
}

static int report(const struct doctor *d, bool is_json)
{
	if (is_json) {
		if (print_json(d))
			return EXIT_ENVIRONMENT;
	} else {
		print_machine(d);
		print_windivert(d);
		print_ways(d);
	}
	return d->why_not ? EXIT_NO : EXIT_DONE;
}

int cmd_doctor(int argc, char **argv)
{
	bool want_help = false, is_json = false;
	const struct option table[] = {
		{ "json", 0, OPTION_FLAG, &is_json, NULL, "one JSON object a line", 0,
		  0 },
		OPTION_HELP(&want_help),
		OPTION_END,
	};
	struct weir_error err;
	struct doctor d;

	if (options_parse(table, &argc, argv, &err))
		return cli_fail("doctor", &err);
	if (want_help)
		return cli_help(command_find("doctor"), table);
	if (argc > 1) {
		(void)err_set(&err, WEIR_ERR_USAGE, "'%.60s' is one word too many",
			      argv[1]);
		return cli_fail("doctor", &err);
	}
	examine(&d);
	return report(&d, is_json);
}
