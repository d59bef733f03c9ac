/* weir: records every packet to and from a machine.  This file is the table of commands. */
#include "cli/cli.h"
#include "port/port.h"

#include "weir_version.h"

const struct command commands[] = {
	{ "divert", cmd_divert, "[FILTER] [-o STORE | -w FILE|-] [options]",
	  "record inline: take, record, hand on" },
	{ "sniff", cmd_sniff, "[FILTER] [-o STORE | -w FILE|-] [options]",
	  "record a copy of every packet, passively" },
	{ "import", cmd_import, "FILE... [-o STORE | -w FILE|-] [options]",
	  "record what a pcap or pcapng file holds" },
	{ "export", cmd_export, "SOURCE... [-o FILE|-] [options]",
	  "hand packets on as pcapng, pcap, jsonl or csv" },
	{ "show", cmd_show, "SOURCE... [options]", "print a readable line a packet" },
	{ "flows", cmd_flows, "SOURCE... [--json] [options]",
	  "tell the conversations, with their processes and names" },
	{ "info", cmd_info, "SOURCE... [--json]",
	  "tell what a store holds, what it lost, and its grade" },
	{ "filter", cmd_filter, "check|explain|format|fields|eval [FILTER] [options]",
	  "check, explain and normalise filters" },
	{ "verify", cmd_verify, "STORE|LOG... [--json]",
	  "check a store, or an agent's audit log; names the first fault" },
	{ "doctor", cmd_doctor, "[--clean] [--json]",
	  "tell what this machine can do for a recorder" },
	{ "list", cmd_list,
	  "PATH... [-r] [--pattern GLOB] [--format FORM] [--hash LIST] [options]",
	  "list files with all their metadata, disturbing nothing" },
	{ "timeline", cmd_timeline, "LISTING|STORE... [--format FORM] [options]",
	  "make one sorted timeline of listings and recordings" },
	{ "agent", cmd_agent, "run|init|code [options]",
	  "host plugins and answer controllers" },
	{ "ctl", cmd_ctl, "WORD [options]", "ask an agent, here or elsewhere" },
	{ "service", cmd_service,
	  "install|remove|start|stop|status|run [options] [-- agent options]",
	  "run the agent as a service of Windows" },
	{ "plugin", cmd_plugin, "divert|filesystem", "be one of the agent's plugins" },
	{ NULL, NULL, NULL, NULL },
};

const struct command *command_find(const char *name)
{
	for (const struct command *c = commands; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

static int print_help(void)
{
	(void)printf("weir " WEIR_VERSION
		     ": record every packet to and from this machine\n\n"
		     "usage: weir COMMAND [ARGUMENTS]\n\n");
	for (const struct command *c = commands; c->name; c++)
		(void)printf("  %-9s %s\n", c->name, c->summary);
	(void)printf("\n'weir COMMAND --help' tells a command's options.\n");
	return EXIT_DONE;
}

static int fail(const char *what, const char *word)
{
	(void)fprintf(stderr, "weir: %s '%.60s'\ntry 'weir --help'\n", what, word);
	return EXIT_USAGE;
}

/* "help divert" is "divert --help". */
static int help(int argc, char **argv)
{
	static char option[] = "--help";

	if (argc < 3)
		return print_help();
	if (argc > 3)
		return fail("help is of one command: unexpected", argv[3]);
	argv[1] = argv[2];
	argv[2] = option;
	return -1;
}

static int run(int argc, char **argv)
{
	const struct command *c;

	if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return print_help();
	if (!strcmp(argv[1], "help")) {
		int code = help(argc, argv);

		if (code >= 0)
			return code;
	}
	if (!strcmp(argv[1], "--version")) {
		(void)printf("weir " WEIR_VERSION "\n");
		return EXIT_DONE;
	}
	c = command_find(argv[1]);
	if (!c)
		return fail("unknown command", argv[1]);
	return c->run(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	int code;

	port_standard_guard();
	code = run(argc, argv);
	/* What was to be printed and could not be is no success, whichever command it was. */
	if ((fflush(stdout) || ferror(stdout)) && code == EXIT_DONE) {
		(void)fprintf(stderr, "weir: cannot write standard output\n");
		code = EXIT_ENVIRONMENT;
	}
	return code;
}
