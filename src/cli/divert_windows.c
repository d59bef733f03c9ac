/* Inline recording in one process: on Windows the driver itself lets traffic pass when its handle
 * closes, however the recorder ended. */
#include "cli/record.h"

int cmd_divert(int argc, char **argv)
{
	static const struct record_kind kind = {
		.name = "divert",
		.ops = &source_divert,
		.capabilities = "net_admin",
		.is_inline = true,
		.kept = "",
		.run = record_run,
	};

	if (events_are_asked(argc, argv))
		return events_main(kind.name, argc, argv);
	return record_main(&kind, argc, argv);
}
