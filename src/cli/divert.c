#include "cli/record.h"

int cmd_divert(int argc, char **argv)
{
	static const struct record_kind kind = {
		.name = "divert",
		.ops = &source_divert,
		.capabilities = "net_admin",
		.is_inline = true,
	};

	return record_main(&kind, argc, argv);
}
