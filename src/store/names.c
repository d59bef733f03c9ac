#include "store/names.h"

#include <stddef.h>
#include <string.h>

#define SEGMENT_DIGITS 10

static size_t digits(const char *p)
{
	return strspn(p, "0123456789");
}

static uint32_t number_of(const char *name)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < SEGMENT_DIGITS; i++)
		v = v * 10 + (uint64_t)(name[i] - '0');
	return v <= UINT32_MAX ? (uint32_t)v : 0;
}

uint32_t name_number(const char *name)
{
	const char *rest = name + SEGMENT_DIGITS;

	if (digits(name) != SEGMENT_DIGITS)
		return 0;
	return !strcmp(rest, ".pcapng") || !strcmp(rest, ".list.jsonl") ? number_of(name)
									: 0;
}

enum name_kind name_kind(const char *name)
{
	size_t n = digits(name), more;

	if (name_number(name))
		return strstr(name, ".list") ? NAME_LIST : NAME_SEGMENT;
	if (!n || n > 19)
		return NAME_OTHER;
	name += n;
	if (*name == '-') {
		more = digits(name + 1);
		if (!more || more > 19 || name[1] == '0')
			return NAME_OTHER;
		name += 1 + more;
	}
	if (!strcmp(name, ".pkt") || !strcmp(name, ".bin"))
		return NAME_PACKET;
	return !strcmp(name, ".json") ? NAME_METADATA : NAME_OTHER;
}
