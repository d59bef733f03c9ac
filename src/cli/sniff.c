#include "cli/record.h"

int cmd_sniff(int argc, char **argv)
{
	static const struct record_kind kind = {
		.name = "sniff",
		.ops = &source_sniff,
		.capabilities = "net_raw",
		/* An open packet socket is bound, bound again and read without any. */
		.kept = "",
		.run = record_run,
	};

	if (events_are_asked(argc, argv))
		return events_main(kind.name, argc, argv);
	return record_main(&kind, argc, argv);
}
