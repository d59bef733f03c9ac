#include "filter/format.h"

#include "base/time.h"

void format_field(struct words *w, const struct field *f, int32_t index)
{
	if (field_is_array(f))
		words_add(w, "%s[%ldb]", f->name, (long)index);
	else
		words_add(w, "%s", f->name);
}

void format_string(struct words *w, const char *text)
{
	words_add(w, "\"");
	for (; *text; text++)
		words_add(w, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
	words_add(w, "\"");
}

/* The name that layers and events have, or NULL. */
static const char *name_of(const struct field *f, u128 value, enum filter_layer layer)
{
	if (value > UINT8_MAX)
		return NULL;
	if (f->format == FORMAT_LAYER)
		return macro_of_layer((unsigned)value);
	return f->format == FORMAT_EVENT ? macro_of_event((unsigned)value, layer) : NULL;
}

static void format_time(struct words *w, struct literal c)
{
	char text[TIME_TEXT];
	int64_t ns = (int64_t)(c.is_negative ? 0 - wide_low(c.value) : wide_low(c.value));

	time_format(ns, text);
	words_add(w, "\"%s\"", text);
}

static bool is_time(const struct field *f, struct literal c)
{
	return f->format == FORMAT_TIME && c.value <= INT64_MAX &&
	       (c.value || !c.is_negative);
}

void format_value(struct words *w, const struct field *f, struct literal c,
		  enum filter_layer layer)
{
	const char *name = c.is_negative ? NULL : name_of(f, c.value, layer);
	char text[LITERAL_TEXT];

	if (is_time(f, c)) {
		format_time(w, c);
		return;
	}
	if (f->format == FORMAT_HEX)
		literal_format_hex(c.value, text);
	else if (!c.is_negative && f->format == FORMAT_IPV6)
		literal_format_ipv6(c.value, text);
	else if (!c.is_negative && f->format == FORMAT_IPV4 && c.value >> 32 == 0xffff)
		literal_format_ipv4((uint32_t)c.value, text);
	else
		literal_format_decimal(c.value, text);
	words_add(w, "%s%s", c.is_negative ? "-" : "", name ? name : text);
}

/* An IPv6 address that maps an IPv4 one is written as that one, and so its prefix is too. */
static void format_prefix(struct words *w, const struct item *i)
{
	bool is_mapped = i->low.value >> 32 == 0xffff;
	char text[LITERAL_TEXT];

	literal_format_ipv6(i->low.value, text);
	words_add(w, "%s/%u", text, i->prefix - (is_mapped && !i->is_ipv4 ? 96U : 0U));
}

static void format_item(struct words *w, const struct field *f, const struct item *i,
			enum filter_layer layer)
{
	switch (i->form) {
	case ITEM_TEXT:
		format_string(w, i->text);
		return;
	case ITEM_PREFIX:
		format_prefix(w, i);
		return;
	case ITEM_ONE:
	case ITEM_RANGE:
	default:
		format_value(w, f, i->low, layer);
		if (i->form == ITEM_RANGE) {
			words_add(w, "..");
			format_value(w, f, i->high, layer);
		}
	}
}

static void format_items(struct words *w, const struct node *n, enum filter_layer layer)
{
	if (!n->has_braces) {
		words_add(w, n->op == OP_IN ? " = " : " != ");
		format_item(w, n->field, n->items, layer);
		return;
	}
	words_add(w, " %s {", op_text(n->op));
	for (const struct item *i = n->items; i; i = i->next) {
		words_add(w, i == n->items ? "" : ", ");
		format_item(w, n->field, i, layer);
	}
	words_add(w, "}");
}

/* A flag compared by = or != with 0 or 1 is "f" or "not f". */
static bool format_flag(struct words *w, const struct node *n)
{
	bool is_one = n->literal.value == 1;

	if (n->field->format != FORMAT_FLAG || n->literal.is_negative ||
	    n->literal.value > 1 || (n->op != OP_EQ && n->op != OP_NE))
		return false;
	words_add(w, "%s%s", (n->op == OP_EQ) == is_one ? "" : "not ", n->field->name);
	return true;
}

void format_test(struct words *w, const struct node *n, enum filter_layer layer)
{
	if (!n->items && format_flag(w, n))
		return;
	format_field(w, n->field, n->index);
	if (n->items) {
		format_items(w, n, layer);
		return;
	}
	words_add(w, " %s ", op_text(n->op));
	format_value(w, n->field, n->literal, layer);
}

static void format_list(struct words *w, const struct node *n, enum filter_layer layer)
{
	for (const struct node *c = n->first; c; c = c->next) {
		bool is_other = c->kind == NODE_AND || c->kind == NODE_OR;

		if (c != n->first)
			words_add(w, n->kind == NODE_AND ? " and " : " or ");
		words_add(w, is_other ? "(" : "");
		format_tree(w, c, layer);
		words_add(w, is_other ? ")" : "");
	}
}

/* A colon that touched an address ending in "::" would be one word with it, and one behind 39 bytes
 * would make a word that WinDivert finds too long. */
static void format_colon(struct words *w)
{
	size_t n = w->is_bad ? 0 : w->length, word = 0;

	while (word < n && w->text[n - 1 - word] != ' ')
		word++;
	words_add(w, n && (w->text[n - 1] == ':' || word >= 39) ? " : " : ": ");
}

void format_tree(struct words *w, const struct node *n, enum filter_layer layer)
{
	switch (n->kind) {
	case NODE_TEST:
		format_test(w, n, layer);
		return;
	case NODE_AND:
	case NODE_OR:
		format_list(w, n, layer);
		return;
	case NODE_NOT:
		/* A ternary brings its own parentheses. */
		words_add(w, n->first->kind == NODE_IF ? "not " : "not (");
		format_tree(w, n->first, layer);
		words_add(w, n->first->kind == NODE_IF ? "" : ")");
		return;
	case NODE_IF:
	default:
		words_add(w, "(");
		format_tree(w, n->first, layer);
		words_add(w, "? ");
		format_tree(w, n->first->next, layer);
		format_colon(w);
		format_tree(w, n->first->next->next, layer);
		words_add(w, ")");
	}
}
