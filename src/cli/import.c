#include "cli/record.h"

int cmd_import(int argc, char **argv)
{
	static const struct record_kind kind = {
		.name = "import",
		.ops = &source_import,
		.capabilities = "",
		.is_import = true,
		/* The files may be readable for root only. */
		.kept = "dac_read_search",
		.run = record_run,
	};

	return record_main(&kind, argc, argv);
}
