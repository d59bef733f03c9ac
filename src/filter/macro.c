/* The macros: names for numbers. */
#include "base/compiler.h"
#include "filter/lex.h"

static const struct macro {
	const char *name;
	uint8_t value;
	uint8_t layers;
} macros[] = {
	{ "TRUE", 1, LAYER_ALL },      { "FALSE", 0, LAYER_ALL },
	{ "TCP", 6, LAYER_ALL },       { "UDP", 17, LAYER_ALL },
	{ "ICMP", 1, LAYER_ALL },      { "ICMPV6", 58, LAYER_ALL },
	{ "NETWORK", 0, LAYER_ALL },   { "NETWORK_FORWARD", 1, LAYER_ALL },
	{ "FLOW", 2, LAYER_ALL },      { "SOCKET", 3, LAYER_ALL },
	{ "REFLECT", 4, LAYER_ALL },   { "PACKET", 0, LAYER_NM },
	{ "ESTABLISHED", 1, LAYER_F }, { "DELETED", 2, LAYER_F },
	{ "BIND", 3, LAYER_S },        { "CONNECT", 4, LAYER_S },
	{ "LISTEN", 5, LAYER_S },      { "ACCEPT", 6, LAYER_S },
	{ "CLOSE", 7, LAYER_S },       { "OPEN", 8, LAYER_R },
	{ "CLOSE", 9, LAYER_R },
};

enum {
	FIRST_LAYER = 6,
	FIRST_EVENT = 11
};

bool macro_find(const char *word, size_t length, enum filter_layer layer, u128 *value,
		bool *is_legal)
{
	bool is_found = false;

	*is_legal = false;
	for (size_t i = 0; i < ARRAY_LEN(macros) && !*is_legal; i++) {
		const struct macro *m = &macros[i];

		if (strlen(m->name) != length || memcmp(m->name, word, length) != 0)
			continue;
		is_found = true;
		*is_legal = m->layers >> layer & 1;
		*value = m->value;
	}
	return is_found;
}

const char *macro_of_event(unsigned event, enum filter_layer layer)
{
	for (size_t i = FIRST_EVENT; i < ARRAY_LEN(macros); i++)
		if (macros[i].value == event && macros[i].layers >> layer & 1)
			return macros[i].name;
	return NULL;
}

const char *macro_of_layer(unsigned layer)
{
	return layer < FILTER_LAYERS ? macros[FIRST_LAYER + layer].name : NULL;
}

const char *macro_at(size_t index)
{
	return index < ARRAY_LEN(macros) ? macros[index].name : NULL;
}
