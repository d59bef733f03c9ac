/* Where a filter says what WinDivert cannot read. */
#include "filter/filter.h"
#include "filter/notes.h"

static void check_items(struct notes *notes, const struct node *n)
{
	const struct item *i = n->items;

	if (n->has_braces)
		notes_add(notes, n, "a set, 'in { }', is weir's");
	else if (i->form == ITEM_PREFIX)
		notes_add(notes, n, "a prefix length, '/%u', is weir's", i->prefix);
	else
		notes_add(notes, n, "a string is weir's");
}

static void check_test(struct notes *notes, const struct node *n, enum filter_layer layer)
{
	if (!n->field->layers)
		notes_add(notes, n, "the field '%s' is weir's", n->field->name);
	else if (!(n->field->layers >> layer & 1))
		notes_add(notes, n, "'%s' at the %s layer is weir's", n->field->name,
			  filter_layer_name(layer));
	else if (n->items)
		check_items(notes, n);
}

static void check_node(struct notes *notes, const struct node *n, enum filter_layer layer)
{
	if (n->kind == NODE_TEST)
		check_test(notes, n, layer);
	if (n->kind == NODE_NOT)
		notes_add(notes, n, "'not' in front of a parenthesis is weir's");
	for (const struct node *c = n->first; c; c = c->next)
		check_node(notes, c, layer);
}

size_t filter_extensions(const struct filter *f, struct filter_note *list, size_t max)
{
	struct notes notes = { .list = list, .max = max };
	struct filter_error bad;
	struct filter *again;

	if (!f->tree)
		return 0;
	check_node(&notes, f->tree, f->layer);
	if (notes.count)
		return notes.count;
	/* Nothing of ours in it; but WinDivert has limits that we have not. */
	if (filter_compile(&again, f->text, f->layer,
			   (f->flags & FILTER_COMMENTS) | FILTER_WINDIVERT, &bad))
		notes_add(&notes, NULL, "WinDivert refuses it: %s, at byte %lu",
			  bad.windivert_text, (unsigned long)bad.windivert_at);
	filter_free(again);
	return notes.count;
}
