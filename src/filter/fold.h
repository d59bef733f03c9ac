/* Constant folding, WinDivert's: part of the language's meaning, not an optimisation.
 *
 * A test whose constant lies outside its field's range is not simply true or false: where the
 * field needs a header it becomes "has the header" or "has not the header", so that
 * `tcp.DstPort == 70000` matches everything that is not TCP.
 *
 * fold_test() decides one test; fold_tree() gives a new, simpler tree, in which `true and x` is x;
 * the old one stays as it was, for remarks about what was written. */
#ifndef WEIR_FILTER_FOLD_H
#define WEIR_FILTER_FOLD_H

#include "filter/tree.h"

enum fold {
	FOLD_KEEP,
	FOLD_TRUE,
	FOLD_FALSE,
	FOLD_PRESENT,
	FOLD_ABSENT,
};

enum fold fold_test(const struct node *test);
/* NULL: no memory.  A tree that is constant becomes the test `true` or `false`. */
struct node *fold_tree(const struct node *tree, struct pool *pool);
bool fold_is_constant(const struct node *n, bool value);
/* Tests that WinDivert would make instructions of. */
size_t fold_count_tests(const struct node *unfolded);

#endif
